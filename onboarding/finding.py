"""Finds onboardings: a page of a view, all of it, or how many there are."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from datetime import time as midnight
from itertools import starmap
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from onboarding import db, developers, queries, registry, searching
from onboarding.chart import NEXT_MOVE, STATES
from onboarding.filters import AGO, DEVELOPER, YES, Filter
from onboarding.models import (
    Assignment,
    Message,
    Onboarding,
    Run,
    RunItem,
)

# More than this is not counted on: nobody reads that far, and a count of a million takes its time.
COUNTED_AT_MOST: Final = 10_000
# As many as a number of ours may have.
_DIGITS: Final = 9
# To the microsecond, and with nothing in it that an address would escape.
_INSTANT: Final = "%Y%m%dT%H%M%S.%f"
_SECONDS: Final = {"h": 3600.0, "d": 86_400.0}
# Seconds between whose clock made an ID and the database's, at most.
_CLOCKS_DIFFER: Final = 3600.0


class Place(NamedTuple):
    """Where a page of a view ends; since when it waits counts where that gives the order."""

    id: UUID
    entered_at: datetime | None = None

    def text(self) -> str:
        """As in an address."""
        since = f"{self.entered_at.astimezone(UTC):{_INSTANT}}~" if self.entered_at else ""
        return f"{since}{self.id}"


def place_of(wanted: Filter, last: Onboarding) -> Place:
    """The place of an onboarding in a view."""
    return Place(last.id, last.entered_at if wanted.overdue else None)


def read_place(text: str) -> Place | None:
    """A place as an address has it; None for what is none."""
    since, _, last = text.rpartition("~")
    try:
        instant = datetime.strptime(since, _INSTANT).replace(tzinfo=UTC) if since else None
        return Place(UUID(last), instant)
    except ValueError:
        return None


def meant(session: Session, wanted: Filter) -> Filter:
    """What was searched for may be an aggregator, by its ID or its name: then it is all of its own."""
    if not wanted.q or wanted.aggregator:
        return wanted
    found = registry.by_id(session, wanted.q) or registry.find(session, wanted.q)
    return replace(wanted, q=None, aggregator=found.id) if found else wanted


def page(
    session: Session,
    wanted: Filter,
    limit: int,
    *,
    after: Place | None = None,
    within: ColumnElement[bool] | None = None,
) -> Sequence[Onboarding]:
    """Onboardings, newest first, overdue ones longest first; `after` is where the page before ends.

    `within` says whose they are, for who may see only some: errors of ours are not searched for them.
    """
    wanted = meant(session, wanted)
    only_late = Filter(state=wanted.state, waiting_on=wanted.waiting_on, overdue=YES)
    by_state = wanted.waiting_on != DEVELOPER and wanted == only_late
    if by_state and within is None:
        return _late(session, wanted, limit, after)
    theirs = [within] if within is not None else []
    conditions = _conditions(wanted, errors=within is None)
    query = select(Onboarding).where(*theirs, *conditions).limit(limit)
    if wanted.overdue:
        query = query.order_by(Onboarding.entered_at, Onboarding.id)
        if after is not None and after.entered_at:
            query = query.where(queries.waits_after(after.entered_at, after.id))
        return session.scalars(query).all()
    if after is not None:
        query = query.where(Onboarding.id < after.id)
    return session.scalars(query.order_by(Onboarding.id.desc())).all()


def ids(session: Session, wanted: Filter, limit: int) -> Sequence[UUID]:
    """Those of a view, newest first, whatever is on which page."""
    query = select(Onboarding.id).where(*_conditions(meant(session, wanted)))
    return session.scalars(query.order_by(Onboarding.id.desc()).limit(limit)).all()


def every(session: Session, wanted: Filter, size: int) -> Iterator[Sequence[Onboarding]]:
    """All of a view, in the order of its pages, so many at a time; to be had in one snapshot."""
    after = None
    while found := page(session, wanted, size, after=after):
        after = place_of(wanted, found[-1])
        yield found
        # What was handed over is nobody's any more: a view may be larger than this machine.
        session.expunge_all()


def count(session: Session, wanted: Filter) -> int:
    """How many there are; not more than `COUNTED_AT_MOST` are counted."""
    return counts(session, [wanted])[0]


def counts(session: Session, several: Sequence[Filter]) -> list[int]:
    """The same of several views, with one question."""
    if not several:
        return []
    numbered = enumerate(meant(session, wanted) for wanted in several)
    rows = session.execute(union_all(*starmap(_counted, numbered)))
    found: dict[int, int] = {row[0]: row[1] for row in rows}
    return [found[number] for number in range(len(several))]


def is_cheap(wanted: Filter) -> bool:
    """Whether an index finds them: then a count takes no longer for a million than for some thousands."""
    return not (wanted.type or wanted.aggregator)


def _counted(number: int, wanted: Filter) -> Select[int, int]:
    some: Select[UUID] = select(Onboarding.id).where(*_conditions(wanted)).limit(COUNTED_AT_MOST)
    return select(literal(number), func.count()).select_from(some.subquery())


def causes_of(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Of those that have failed for good, each once and in the order of the alphabet."""
    failed = (
        select(Message.onboarding_id, Message.cause)
        .where(Message.onboarding_id.in_(ids), Message.failed_at.is_not(None))
        .distinct()
        .order_by(Message.cause)
    )
    found: dict[UUID, list[str]] = {}
    for onboarding_id, cause in session.execute(failed):
        found.setdefault(onboarding_id, []).append(cause)  # type: ignore[arg-type]  # both are set
    return found


def owners_of(session: Session, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The operator who looks after each that has one."""
    taken = select(Assignment.onboarding_id, Assignment.operator_id)
    rows = session.execute(taken.where(Assignment.onboarding_id.in_(ids)))
    return {row.onboarding_id: row.operator_id for row in rows}


def _late(
    session: Session, wanted: Filter, limit: int, after: Place | None
) -> Sequence[Onboarding]:
    """The index gives the first page at once, where it does not end between two of one instant."""
    states, own = _states(wanted), wanted.waiting_on is not None
    since = after and after.entered_at
    if after is not None and since:
        return queries.overdue(session, limit, states=states, after=(since, after.id), own=own)
    found = queries.overdue(session, limit + 1, states=states, own=own)
    if len(found) > limit and found[limit].entered_at == found[limit - 1].entered_at:
        first = found[0].entered_at, UUID(int=0)
        return queries.overdue(session, limit, states=states, after=first, own=own)
    return sorted(found[:limit], key=lambda one: (one.entered_at, one.id))


def _conditions(wanted: Filter, *, errors: bool = True) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state or wanted.waiting_on:
        found.append(Onboarding.state.in_(_states(wanted)))
    if wanted.overdue:
        late = [queries.is_late_in(state) for state in NEXT_MOVE]
        found.append(or_(*(in_state & since for in_state, since in late)))
    if wanted.cause or wanted.failing:
        found.append(_fails(wanted.cause))
    if wanted.owner:
        found.append(_is_of(wanted.owner))
    if wanted.run:
        found.append(_is_part_of(wanted.run))
    if wanted.since:
        found.append(_begun(wanted.since))
    if wanted.q:
        found.append(searching.says(wanted.q, errors=errors))
    return [*found, *_has(wanted)]


def _has(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """What stands in its own row."""
    if wanted.type:
        yield Onboarding.connection_type == wanted.type
    if wanted.aggregator:
        yield Onboarding.aggregator_id == wanted.aggregator
    if wanted.waiting_on:
        theirs = developers.has_the_move()
        yield theirs if wanted.waiting_on == DEVELOPER else ~theirs
    if wanted.email:
        yield Onboarding.contact_hash.in_(wanted.hashes())


def _states(wanted: Filter) -> tuple[str, ...]:
    """Those that it may stand in."""
    return tuple(state for state in _turns(wanted.waiting_on) if wanted.state in {None, state})


def _turns(whom: str | None) -> Sequence[str]:
    """Where it is somebody's move; the row says whether a developer is named."""
    if whom == DEVELOPER:
        return developers.THEIR_MOVE
    return [state for state in STATES if not whom or queries.waits_on(state) == whom]


def _fails(cause: str | None) -> ColumnElement[bool]:
    failed = select(Message.onboarding_id).where(Message.failed_at.is_not(None))
    if cause:
        failed = failed.where(Message.cause == cause)
    return searching.among(failed)


def _is_of(owner: str) -> ColumnElement[bool]:
    theirs = searching.as_uuid(owner)
    taken = select(Assignment.onboarding_id).where(Assignment.operator_id == theirs)
    return searching.among(taken)


def _is_part_of(run: str) -> ColumnElement[bool]:
    number = int(run) if run.isdecimal() and len(run) <= _DIGITS else 0
    part = select(RunItem.onboarding_id).join(Run, Run.id == RunItem.run_id)
    return searching.among(part.where(Run.number == number))


def _begun(since: str) -> ColumnElement[bool]:
    """Since then. IDs sort by time, so their index leaves few to look at; clocks may differ a little."""
    if ago := AGO.fullmatch(since):
        seconds = int(ago[1]) * _SECONDS[ago[2]]
        about = time.time() - seconds
        at: ColumnElement[datetime] = db.in_seconds(-seconds)
    else:
        day = datetime.combine(date.fromisoformat(since), midnight(), UTC)
        at, about = literal(day, db.UTCDateTime()), day.timestamp()
    first = UUID(int=int(max(about - _CLOCKS_DIFFER, 0) * 1000) << 80)
    return and_(Onboarding.id >= first, Onboarding.created_at >= at)
