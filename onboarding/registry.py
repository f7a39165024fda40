"""Aggregators: which are known, registered and on REST, and what they ask a seller for.

When the registry changes, everybody who waits for that aggregator is checked again by itself.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from onboarding import db, holding, names, outbox
from onboarding.errors import Invalid
from onboarding.models import Aggregator, Onboarding

STATUSES = ("registered", "suspended", "unregistered")
# What an aggregator is called in URLs.
ID: Final = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
# As the table has it.
NAME_AT_MOST = 120

# How many parked onboardings one message wakes; it promises the next batch itself.
BATCH = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an aggregator may be connected; if not, why, as a code that pages explain."""

    approved: bool
    cause: str | None = None


SAMPLES: tuple[dict[str, object], ...] = (
    {"name": "Feedwise", "status": "registered", "uses_rest": True, "asks_for": "delegated"},
    {"name": "Channel Harbour", "status": "registered", "uses_rest": True, "asks_for": "full"},
    {
        "name": "Catalogue Express",
        "status": "registered",
        "uses_rest": False,
        "asks_for": "delegated",
    },
    {"name": "Listing Loop", "status": "suspended", "uses_rest": True, "asks_for": "delegated"},
)


def known(session: Session) -> Sequence[Aggregator]:
    """Every aggregator, by name."""
    return session.scalars(select(Aggregator).order_by(Aggregator.name)).all()


def by_id(session: Session, aggregator_id: str) -> Aggregator | None:
    """The aggregator with this ID."""
    return session.get(Aggregator, aggregator_id)


def find(session: Session, name: str) -> Aggregator | None:
    """The aggregator of exactly this name, however it is spelled; a similar one is another one."""
    return session.scalars(
        select(Aggregator).where(Aggregator.folded_name == fold(name))
    ).one_or_none()


def upsert(
    session: Session,
    *,
    name: str,
    status: str,
    uses_rest: bool,
    asks_for: str,
    aggregator_id: str | None = None,
) -> Aggregator:
    """Record what the marketplace knows of an aggregator, and recheck whoever waits for it."""
    if status not in STATUSES:
        raise Invalid({"status": f"One of {', '.join(STATUSES)}."})
    if asks_for not in ("delegated", "full"):
        raise Invalid({"asks_for": "One of delegated, full."})
    aggregator = session.get(Aggregator, aggregator_id) if aggregator_id else None
    # One from before names were checked may keep its own.
    if aggregator is None or aggregator.name != name:
        aggregator = _called(session, aggregator, name, aggregator_id)
    aggregator.uses_rest = uses_rest
    aggregator.asks_for = asks_for
    set_status(session, aggregator, status)
    return aggregator


def set_status(session: Session, aggregator: Aggregator, status: str) -> None:
    """Whether it may be connected, whatever it is called, and recheck whoever waits for it."""
    aggregator.status = status
    aggregator.changed_at = db.clock(session)
    outbox.promise(session, "recheck_parked", {"aggregator": aggregator.id})


def name_fault(name: str) -> str:
    """What is wrong with an aggregator's name, for those who sent it; nothing for a good one."""
    if not fold(name):
        return "A name with letters or digits."
    return names.fault(names.kept(name), NAME_AT_MOST)


def check(session: Session, onboarding: Onboarding) -> Verdict:
    """What the registry says of an onboarding's aggregator.

    Nobody changes the registry before this transaction ends: whoever parks an onboarding on this
    verdict would otherwise do so unseen by the recheck that follows a change.
    """
    holding.hold(session, Aggregator.__tablename__)
    return verdict_on(named_by(session, onboarding))


def verdict_on(aggregator: Aggregator | None) -> Verdict:
    """Whether this one may be connected as it is now; None is one that we do not know."""
    if aggregator is None or aggregator.status == "unregistered":
        return Verdict(False, "aggregator_not_registered")
    if aggregator.status == "suspended":
        return Verdict(False, "aggregator_suspended")
    if not aggregator.uses_rest:
        return Verdict(False, "aggregator_soap_only")
    return Verdict(True)


def named_by(session: Session, onboarding: Onboarding) -> Aggregator | None:
    """The aggregator that an onboarding chose, or typed the name of before we knew it."""
    if onboarding.aggregator_id:
        return session.get(Aggregator, onboarding.aggregator_id)
    return find(session, onboarding.aggregator_name or "")


def adopt(session: Session, onboarding: Onboarding) -> None:
    """Keep to the aggregator that is found by the name that was typed, whatever it is called later."""
    aggregator = named_by(session, onboarding)
    if aggregator is not None:
        onboarding.aggregator_id = aggregator.id
        onboarding.aggregator_name = aggregator.name


def parked(session: Session, aggregator_id: str, after: UUID | None = None) -> list[UUID]:
    """The next onboardings that wait for this aggregator, by ID or by the name that was typed."""
    aggregator = session.get(Aggregator, aggregator_id)
    if aggregator is None:
        return []
    chosen = Onboarding.aggregator_id == aggregator_id
    typed = Onboarding.aggregator_id.is_(None) & (
        Onboarding.aggregator_folded_name == aggregator.folded_name
    )
    query = select(Onboarding.id).where(
        Onboarding.state == "awaiting_aggregator", or_(chosen, typed)
    )
    if after is not None:
        query = query.where(Onboarding.id > after)
    return list(session.scalars(query.order_by(Onboarding.id).limit(BATCH)))


def add_samples(session: Session) -> None:
    """Aggregators to try the product with; those that exist already are left alone."""
    for sample in SAMPLES:
        if find(session, str(sample["name"])) is None:
            upsert(session, **sample)  # type: ignore[arg-type]


def fold(name: str) -> str:
    """A name without case, accents, punctuation and doubled spaces, to compare it by."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = (c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join("".join(letters).split())[:120]


def _called(
    session: Session, aggregator: Aggregator | None, name: str, aggregator_id: str | None
) -> Aggregator:
    """The one that has this name, or has it from now on. Raises Invalid."""
    if fault := name_fault(name):
        raise Invalid({"name": fault})
    namesake = find(session, name)
    aggregator = aggregator or namesake
    if namesake is not None and namesake is not aggregator:
        raise Invalid({"name": f"The name of another aggregator, {namesake.id}."})
    if aggregator is None:
        aggregator = Aggregator(id=aggregator_id or _free_id(session, name))
        session.add(aggregator)
    aggregator.name = names.kept(name)
    aggregator.folded_name = fold(name)
    return aggregator


def _free_id(session: Session, name: str) -> str:
    """The name for URLs, with a number where an aggregator that was renamed still has it."""
    base = fold(name).replace(" ", "-")[:60]
    ids = chain([base], (f"{base}-{number}" for number in count(2)))
    return next(free for free in ids if session.get(Aggregator, free) is None)
