"""What must be so once the chaos is over and all is quiet: everybody is where they wanted to go, and others know."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import func, select

from onboarding import db, event_bodies
from onboarding.db import reading
from onboarding.models import Aggregator, AuditEntry, Message, Onboarding, Transition
from tests.faults import listener
from tests.faults.place import SOURCE, Place
from tests.faults.visitors import Visitor


def waiting() -> int:
    """How many messages wait that journeys have promised."""
    theirs = select(func.count()).select_from(Message).where(Message.task != "deliver_webhooks")
    with reading() as session:
        return session.scalar(theirs) or 0


def held_up() -> list[str]:
    """What every message waits for, in seconds from now."""
    with reading() as session:
        now = db.clock(session)
        return [
            f"{m.task}: attempt {m.attempts}, made {(m.created_at - now).total_seconds():.1f}, "
            f"due {(m.due_at - now).total_seconds():.1f}, turn or rest until "
            f"{(m.leased_until - now).total_seconds() if m.leased_until else None}, by {m.claimed_by}"
            for m in session.scalars(select(Message).limit(20))
        ]


def wrong(visitors: Sequence[Visitor], place: Place) -> list[str]:
    """Each thing that is not as it must be, as a line."""
    return [*_astray(visitors), *_untold(place), *_unheard(visitors)]


def _astray(visitors: Sequence[Visitor]) -> Iterator[str]:
    """Whoever is not where they wanted to go, and onboardings that nobody has asked for."""
    with reading() as session:
        states = {
            row.id: row.state for row in session.execute(select(Onboarding.id, Onboarding.state))
        }
    for visitor in visitors:
        if visitor.id is None or states.get(visitor.id) != visitor.plan.end:
            yield f"{visitor.id}: {states.get(visitor.id)} instead of {visitor.plan.end}"
    if len(states) != len(visitors):
        yield f"{len(visitors)} visitors began {len(states)} onboardings"


def _untold(place: Place) -> Iterator[str]:
    """Endpoints were told everything that they asked for, each onboarding's in order; again is no harm."""
    came: dict[tuple[str, str], dict[int, None]] = defaultdict(dict)
    for path, onboarding_id, sequence in listener.heard(place.heard):
        came[path, onboarding_id].setdefault(sequence)
    for path, types in place.endpoints.items():
        for onboarding, happened in _happened(types).items():
            arrived = [*came[path, str(onboarding)]]
            if arrived != happened:
                yield f"{onboarding}: {path} was told of {arrived} instead of {happened}"


def _happened(types: Sequence[str]) -> dict[UUID, list[int]]:
    """Of these types, where in each history."""
    places: dict[UUID, list[int]] = defaultdict(list)
    with reading() as session:
        for each in session.scalars(select(Transition).order_by(Transition.sequence)):
            if event_bodies.type_of(each) in types:
                places[each.onboarding_id].append(each.sequence)
    return places


def _unheard(visitors: Sequence[Visitor]) -> Iterator[str]:
    """What the marketplace told us has taken effect once."""
    wanted = sorted(visitor.tool for visitor in visitors)
    with reading() as session:
        known = select(Aggregator.id).where(Aggregator.id.in_(wanted))
        trail = select(func.count()).where(AuditEntry.actor == f"source:{SOURCE}")
        registered, noted = sorted(session.scalars(known)), session.scalar(trail)
    if registered != wanted or noted != len(wanted):
        yield f"{len(wanted)} tools were told of, {len(registered)} are known, {noted} are noted"
