"""Takes out what is known of one person, found by their e-mail address; tells what stays, and why.

What is over goes whole, as `archiving` takes it out, but into no file. Wherever else the address stands it
is masked: in every column of which `retention` says that it leads to a person. What goes on stays, because
somebody waits for it and letters go there; so does the trail, out of which nothing can be taken unseen.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from onboarding import addresses, archiving, deliveries, masked_texts, sealing
from onboarding.chart import OPEN
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.masked_texts import Key
from onboarding.models import BrowserSession, Grant, Handover, Link, Message, Onboarding
from onboarding.retention import RETENTION

BATCH: Final = archiving.BATCH
_ADDRESS: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")
# Whose rows stay as they are: the trail and what belongs to it. An operator has a way out of their own.
_STAYS: Final = ("audit", "runs", "operators")
# An onboarding's own contact goes with it.
_ITS_OWN: Final = {"onboardings.contact_email", "onboardings.contact_hash"}
_ANSWERS: Final = "kept_answers.body"
# Members of an answer to a system that lead to a person, and not by their address.
_MEMBERS: Final = frozenset({"connection_name", "email", "seller_id", "shop_name"})


@dataclass(frozen=True, slots=True)
class Left:
    """An onboarding that stays for now, and why: open, connected, under_way, or named as its developer."""

    reference: str
    state: str
    why: str


@dataclass(slots=True)
class Erased:
    """What goes or has gone, what is masked by table and column, and what stays."""

    removed: list[str] = field(default_factory=list)
    masked: Counter[str] = field(default_factory=Counter)
    left: Sequence[Left] = ()
    # Rows of the trail in which somebody has typed the address.
    trail: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.removed or +self.masked)


def checked(typed: str) -> str:
    """An address as it was typed, without what is around it. Raises Invalid: a part of one is many people's."""
    address = typed.strip()
    if not _ADDRESS.fullmatch(address):
        raise Invalid({"contact": "An e-mail address in the right form, like name@example.com."})
    return address


def look(address: str) -> Erased:
    """What would go now, and what would stay. Raises Unavailable without a keyring at hand."""
    found = Erased()
    with reading() as session:
        over = _over(session, address)
        found.removed = [row.reference for row in over]
        found.masked.update({name: len(keys) for name, keys in _named(session, address)})
        found.masked[_ANSWERS] += len(_answers_about(session, {str(row.id) for row in over}))
        found.left, found.trail = _left(session, address), _in_the_trail(session, address)
    return found


def erase(address: str, done: Erased) -> None:
    """Do it, a batch and a column at a time; `done` says how far it has come, also where it is stopped.

    Whoever stops it loses nothing: the next call goes on.
    """
    gone: set[str] = set()
    while batch := _remove(address):
        done.removed += [row.reference for row in batch]
        gone |= {str(row.id) for row in batch}
    with reading() as session:
        named, answers = _named(session, address), _answers_about(session, gone)
    for name, keys in named:
        done.masked[name] += _mask(name, keys, address)
    done.masked[_ANSWERS] += _mask_answers(answers)
    with reading() as session:
        done.left, done.trail = _left(session, address), _in_the_trail(session, address)
    # While letters go there, they are counted.
    if not done.left:
        with transaction() as session:
            addresses.forget_letters_to(session, address)


def _theirs(address: str) -> ColumnElement[bool]:
    """Those of before there was a hash are found by the address."""
    plain = and_(
        Onboarding.contact_hash.is_(None),
        func.lower(Onboarding.contact_email) == address.lower(),
    )
    return or_(Onboarding.contact_hash.in_(sealing.address_hashes(address)), plain)


def _names_as_developer(session: Session, address: str) -> ColumnElement[bool]:
    """And goes on: letters may have to go there."""
    named = exists().where(
        Handover.onboarding_id == Onboarding.id,
        Handover.ended_at.is_(None),
        func.lower(Handover.email) == address.lower(),
    )
    return and_(named, _goes_on(session))


def _under_way(session: Session) -> ColumnElement[bool]:
    """A letter that could not be sent for good is nothing that anybody waits for."""
    unsent = and_(Message.task == "send_email", Message.failed_at.is_not(None))
    return or_(
        exists().where(Message.onboarding_id == Onboarding.id, ~unsent),
        deliveries.any_left(session),
    )


def _goes_on(session: Session) -> ColumnElement[bool]:
    return or_(Onboarding.state.in_(OPEN), archiving.connected(), _under_way(session))


def _over(session: Session, address: str) -> Sequence[Row[UUID, str]]:
    wanted = select(Onboarding.id, Onboarding.reference).where(_theirs(address), ~_goes_on(session))
    return session.execute(wanted.order_by(Onboarding.id)).all()


def _left(session: Session, address: str) -> list[Left]:
    why = case(
        (~_theirs(address), "developer"),
        (Onboarding.state.in_(OPEN), "open"),
        (archiving.connected(), "connected"),
        else_="under_way",
    )
    wanted = select(Onboarding.reference, Onboarding.state, why).where(
        or_(and_(_theirs(address), _goes_on(session)), _names_as_developer(session, address))
    )
    return [Left(*row) for row in session.execute(wanted.order_by(Onboarding.id))]


def _remove(address: str) -> Sequence[Row[UUID, str]]:
    """A batch of those that are over, and the browsers that had to do with them: they are signed out."""
    with transaction() as session:
        wanted = select(Onboarding.id, Onboarding.reference).where(
            _theirs(address), ~_goes_on(session)
        )
        found = wanted.order_by(Onboarding.id).limit(BATCH)
        over = session.execute(found.with_for_update(skip_locked=True, of=Onboarding)).all()
        busy = archiving.sent_again(session, [row.id for row in over])
        batch = [row for row in over if row.id not in busy]
        ids = [row.id for row in batch]
        if ids:
            session.execute(delete(BrowserSession).where(_had_to_do_with(ids)))
            archiving.remove(session, ids)
    return batch


def _had_to_do_with(ids: Sequence[UUID]) -> ColumnElement[bool]:
    """By having proved it, or by being signed in to the seller account that was linked."""
    return or_(
        exists().where(Grant.session_id == BrowserSession.id, Grant.onboarding_id.in_(ids)),
        exists().where(
            Link.onboarding_id.in_(ids),
            Link.issuer == BrowserSession.issuer,
            Link.subject == BrowserSession.subject,
        ),
    )


def _named(session: Session, address: str) -> list[tuple[str, list[Key]]]:
    """By column, the keys of the rows in which the address stands and that belong to no onboarding of theirs."""
    return [
        (name, found)
        for table, kept in RETENTION.items()
        for name in (f"{table}.{column}" for column in kept.personal)
        if table not in _STAYS
        and name not in _ITS_OWN
        and (found := masked_texts.keys(session, name, address, *_apart(session, table, address)))
    ]


def _apart(session: Session, table: str, address: str) -> Iterator[ColumnElement[bool]]:
    """What goes on keeps what it needs: theirs, and where they are named as a developer."""
    columns = masked_texts.TABLES[table].c
    its = columns.get("id" if table == "onboardings" else "onboarding_id")
    if its is not None:
        on = or_(_theirs(address), _names_as_developer(session, address))
        yield or_(its.is_(None), its.not_in(select(Onboarding.id).where(on)))


def _mask(name: str, keys: Sequence[Key], address: str) -> int:
    with transaction() as session:
        return masked_texts.mask(session, name, keys, address)


def _answers_about(session: Session, gone: set[str]) -> list[Key]:
    return masked_texts.keys_about(session, _ANSWERS, gone) if gone else []


def _mask_answers(keys: Sequence[Key]) -> int:
    """A request that is sent again is still carried out once: its answer stays, without whom it was about."""
    with transaction() as session:
        return masked_texts.empty_members(session, _ANSWERS, keys, _MEMBERS)


def _in_the_trail(session: Session, address: str) -> int:
    names = ("audit.reason", "audit.details", "runs.reason")
    return sum(len(masked_texts.keys(session, name, address)) for name in names)
