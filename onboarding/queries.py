"""Named selects: the questions that pages, the CLI and the API ask. They write nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from onboarding import db, developers, ids
from onboarding.chart import NEXT_MOVE, STATES
from onboarding.errors import NotFound
from onboarding.looks import Look
from onboarding.models import (
    Client,
    Grant,
    KeyCheck,
    Link,
    Mail,
    Message,
    Onboarding,
    Secret,
    Transition,
)


def by_id(session: Session, onboarding_id: UUID) -> Onboarding:
    """One onboarding. Raises NotFound."""
    onboarding = session.get(Onboarding, onboarding_id)
    if onboarding is None:
        raise NotFound
    return onboarding


def by_reference(session: Session, reference: str) -> Onboarding:
    """One onboarding by its reference, or by its ID, as an operator may have either."""
    wanted = reference.strip()
    if not wanted.isprintable():
        raise NotFound
    try:
        match = Onboarding.id == UUID(wanted)
    except ValueError:
        match = Onboarding.reference == ids.as_reference(wanted)
    onboarding = session.scalars(select(Onboarding).where(match)).one_or_none()
    if onboarding is None:
        raise NotFound
    return onboarding


def references(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The reference of each of these onboardings."""
    named = select(Onboarding.id, Onboarding.reference).where(Onboarding.id.in_(ids))
    return {row.id: row.reference for row in session.execute(named)}


def history(session: Session, onboarding_id: UUID) -> Sequence[Transition]:
    """Every transition, from the first."""
    return session.scalars(
        select(Transition)
        .where(Transition.onboarding_id == onboarding_id)
        .order_by(Transition.sequence)
    ).all()


def last_step(session: Session, onboarding_id: UUID) -> Transition:
    """The transition that led where it stands."""
    ((step,),) = _LAST_STEP.all(session, of=onboarding_id)
    return step


def overdue(
    session: Session,
    limit: int = 100,
    *,
    states: Collection[str] = STATES,
    after: tuple[datetime, UUID] | None = None,
    own: bool = False,
) -> Sequence[Onboarding]:
    """Whose turn has lasted longer than the chart allows, longest first; in some states, or in any.

    `after` is when the last one of the page before began to wait, and its ID; `own` leaves out those
    that a named developer must move.
    """
    waiting = tuple(state for state in NEXT_MOVE if state in states)
    if not waiting:
        return []
    since, last = after or (None, None)
    asked = {"most": limit, "since": since, "last": last} if after else {"most": limit}
    return session.scalars(_overdue_in(waiting, on=after is not None, own=own), asked).all()


@cache
def _overdue_in(states: tuple[str, ...], *, on: bool, own: bool) -> Select[Onboarding]:
    """An index finds the first ones of each state; no more than these are looked at.

    Kept, because to put it together takes longer than to answer it. Whoever goes on from a place
    needs an order without ties.
    """
    most = bindparam("most", type_=Integer())
    since, last = bindparam("since", type_=db.UTCDateTime()), bindparam("last", type_=Uuid())
    only = [waits_after(since, last)] if on else []
    only += [~developers.has_the_move()] if own else []
    of_each = [
        select(
            select(Onboarding.id, Onboarding.entered_at)
            .where(*is_late_in(state), *only)
            .order_by(Onboarding.entered_at, *([Onboarding.id] if on else []))
            .limit(most)
            .subquery()
        )
        for state in states
    ]
    late = union_all(*of_each).subquery()
    order = [late.c.entered_at, *([late.c.id] if on else [])]
    first = select(late).order_by(*order).limit(most).subquery()
    found = select(Onboarding).join(first, first.c.id == Onboarding.id)
    return found.order_by(Onboarding.entered_at, *([Onboarding.id] if on else []))


def waits_after(since: Any, last: Any) -> ColumnElement[bool]:
    """A condition: in the order in which they began to wait, it comes after this place."""
    beyond = or_(Onboarding.entered_at > since, Onboarding.id > last)
    return and_(Onboarding.entered_at >= since, beyond)


def is_late_in(state: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Conditions: it stands in this state, and for longer than the chart allows."""
    since = db.in_seconds(-NEXT_MOVE[state].overdue_after.total_seconds())
    return Onboarding.state == state, Onboarding.entered_at < since


def waits_on(state: str) -> str | None:
    """Whose turn it is there; None: nobody's, it is an end."""
    move = NEXT_MOVE.get(state)
    return move.whom if move else None


def is_overdue(onboarding: Onboarding, now: datetime) -> bool:
    """Whether this one's turn has lasted longer than the chart allows."""
    move = NEXT_MOVE.get(onboarding.state)
    return move is not None and now - onboarding.entered_at > move.overdue_after


def incidents(session: Session, limit: int = 100) -> Sequence[Message]:
    """Messages that have failed for good, newest first."""
    return session.scalars(
        select(Message)
        .where(Message.failed_at.is_not(None))
        .order_by(Message.failed_at.desc())
        .limit(limit)
    ).all()


def messages_of(session: Session, onboarding_id: UUID) -> Sequence[Message]:
    """What is still promised for one onboarding."""
    return session.scalars(
        select(Message)
        .where(Message.onboarding_id == onboarding_id)
        .order_by(Message.created_at, Message.id)
    ).all()


def waits_for(session: Session, onboarding_id: UUID) -> tuple[Sequence[Message], datetime]:
    """The same, and when it was asked, in one look. Raises NotFound."""
    found = _WAITS_FOR.all(session, of=onboarding_id)
    if not found:
        raise NotFound
    return [message for message, _ in found if message], found[0][1]


def mails_of(session: Session, onboarding_id: UUID) -> Sequence[Mail]:
    """The e-mails that were handed over for one onboarding."""
    return session.scalars(
        select(Mail).where(Mail.onboarding_id == onboarding_id).order_by(Mail.sent_at, Mail.id)
    ).all()


def secrets_of(session: Session, onboarding_id: UUID) -> Sequence[Secret]:
    """Every version of every secret of one onboarding; none of them holds the secret itself."""
    return session.scalars(
        select(Secret)
        .join(Client, Client.id == Secret.client_id)
        .where(Client.onboarding_id == onboarding_id)
        .order_by(Client.created_at, Secret.version)
    ).all()


def for_browser(session: Session, session_id: UUID) -> Sequence[Onboarding]:
    """What a browser has started or resumed, newest first."""
    return session.scalars(
        select(Onboarding)
        .join(Grant, Grant.onboarding_id == Onboarding.id)
        .where(Grant.session_id == session_id)
        .order_by(Onboarding.id.desc())
    ).all()


def for_seller(session: Session, issuer: str, subject: str) -> Sequence[Onboarding]:
    """What is linked to any seller account of one person, newest first."""
    linked = select(Link.onboarding_id).where(
        Link.issuer == issuer, Link.subject == subject, Link.ended_at.is_(None)
    )
    return session.scalars(
        select(Onboarding).where(Onboarding.id.in_(linked)).order_by(Onboarding.id.desc())
    ).all()


def live_client_ids(session: Session, onboarding_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The client ID of each of these onboardings that has one which is not revoked."""
    rows = session.execute(
        select(Client.onboarding_id, Client.id).where(
            Client.onboarding_id.in_(onboarding_ids), Client.revoked_at.is_(None)
        )
    )
    return {row[0]: row[1] for row in rows}


def fired_this_hour(session: Session, onboarding_id: UUID, event: str) -> int:
    """How often people have fired an event in the last hour; what the platform fires is no concern."""
    query = select(func.count()).where(
        Transition.onboarding_id == onboarding_id,
        Transition.event == event,
        Transition.actor_kind == "seller",
        Transition.at > db.in_seconds(-3600),
    )
    return session.scalar(query) or 0


def latest_transition_at(session: Session) -> datetime | None:
    """When anything moved last; None where nothing ever did."""
    return session.scalar(select(func.max(Onboarding.entered_at)))


def counts(session: Session) -> dict[str, int]:
    """How many onboardings are in each state that has any."""
    rows = session.execute(select(Onboarding.state, func.count()).group_by(Onboarding.state))
    return {row[0]: row[1] for row in rows}


def strangers(session: Session, limit: int) -> dict[str, str]:
    """Onboardings in a state that the chart does not have: reference → state."""
    unknown = counts(session).keys() - set(STATES)
    if not unknown:
        return {}
    query = select(Onboarding.reference, Onboarding.state).where(Onboarding.state.in_(unknown))
    return {row.reference: row.state for row in session.execute(query.limit(limit))}


def unfinished(session: Session) -> tuple[int, datetime | None]:
    """How many messages wait for their effect, and since when the oldest does.

    One that rests after a failure waits from the end of its rest: until then that instant is to come.
    """
    since = case((Message.cause.is_(None), Message.created_at), else_=Message.due_at)
    row = session.execute(
        select(func.count(), func.min(since)).where(Message.failed_at.is_(None))
    ).one()
    return row[0], row[1]


def key_checks(session: Session) -> dict[str, bytes]:
    """The fingerprint of each key that this database was used with."""
    return {check.key_id: check.value for check in session.scalars(select(KeyCheck))}


_LAST_STEP: Final = Look(
    select(Transition)
    .where(Transition.onboarding_id == bindparam("of"))
    .order_by(Transition.sequence.desc())
    .limit(1)
)
_WAITS_FOR: Final = Look(
    select(Message, db.now())
    .select_from(Onboarding)
    .outerjoin(Message, Message.onboarding_id == Onboarding.id)
    .where(Onboarding.id == bindparam("of"))
    .order_by(Message.created_at, Message.id)
)
