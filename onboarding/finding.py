"""Which onboardings: one filter for the console, the command line and everything else that lists them.

Written as in an address, `waiting_on=platform&overdue=yes`, so that a view can be sent to somebody.
"""

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from datetime import time as midnight
from itertools import starmap
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from onboarding import db, queries
from onboarding.chart import CONNECTION_TYPES, NEXT_MOVE, STATES
from onboarding.errors import Invalid
from onboarding.models import Assignment, Client, Link, Message, Onboarding

WHOM: Final = tuple(dict.fromkeys(move.whom for move in NEXT_MOVE.values()))
# More than this is not counted on: nobody reads that far, and a count of a million takes its time.
COUNTED_AT_MOST: Final = 10_000
_LONGEST: Final = 120
_AGO: Final = re.compile(r"([1-9][0-9]{0,3})([hd])")
_SECONDS: Final = {"h": 3600.0, "d": 86_400.0}
# Seconds between whose clock made an ID and the database's, at most.
_CLOCKS_DIFFER: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Filter:
    """What each onboarding of a view has in common; None: it does not matter."""

    state: str | None = None
    type: str | None = None
    # Whose turn it is.
    waiting_on: str | None = None
    overdue: str | None = None
    # An incident with this code.
    cause: str | None = None
    # Any incident.
    failing: str | None = None
    # An operator's ID.
    owner: str | None = None
    aggregator: str | None = None
    # Begun since: some hours or days ago, as 12h or 7d, or a day, as 2026-11-27.
    since: str | None = None
    # A reference, an ID, a client ID, a Seller ID, an e-mail address, or a part of what failed.
    q: str | None = None

    def query(self) -> str:
        """As in an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    def options(self) -> str:
        """As on a command line."""
        words = (
            f"--{name.replace('_', '-')}" + ("" if value == YES else f" {shlex.quote(value)}")
            for name, value in asdict(self).items()
            if value
        )
        return " ".join(words)


YES: Final = "yes"
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "state": STATES,
    "type": CONNECTION_TYPES,
    "waiting_on": WHOM,
    "overdue": (YES,),
    "failing": (YES,),
}


def read(given: Mapping[str, str]) -> Filter:
    """A filter from what an address or a form says; empty fields do not matter. Raises Invalid."""
    wrong: dict[str, str] = {}
    values: dict[str, str] = {}
    for name in (field.name for field in fields(Filter)):
        value = given.get(name, "").strip()
        if not value:
            continue
        if fault := _fault(name, value):
            wrong[name] = fault
        values[name] = value
    if wrong:
        raise Invalid(wrong)
    return Filter(**values)


def page(
    session: Session, wanted: Filter, limit: int, *, after: UUID | None = None
) -> Sequence[Onboarding]:
    """Onboardings, newest first; `after` is the last ID of the page before.

    Overdue ones come longest first, and on one page: whoever has more of them than that begins
    with these.
    """
    if wanted == Filter(state=wanted.state, waiting_on=wanted.waiting_on, overdue=YES):
        return queries.overdue(session, limit, states=_states(wanted))
    query = select(Onboarding).where(*_conditions(wanted)).limit(limit)
    if wanted.overdue:
        return session.scalars(query.order_by(Onboarding.entered_at)).all()
    if after is not None:
        query = query.where(Onboarding.id < after)
    return session.scalars(query.order_by(Onboarding.id.desc())).all()


def count(session: Session, wanted: Filter) -> int:
    """How many there are; not more than `COUNTED_AT_MOST` are counted."""
    return counts(session, [wanted])[0]


def counts(session: Session, several: Sequence[Filter]) -> list[int]:
    """The same of several views, with one question."""
    if not several:
        return []
    rows = session.execute(union_all(*starmap(_counted, enumerate(several))))
    found: dict[int, int] = {row[0]: row[1] for row in rows}
    return [found[number] for number in range(len(several))]


def is_cheap(wanted: Filter) -> bool:
    """Whether an index finds them: then a count takes no longer for a million than for some thousands."""
    return not (wanted.type or wanted.aggregator)


def _counted(number: int, wanted: Filter) -> Select[int, int]:
    some: Select[UUID] = select(Onboarding.id).where(*_conditions(wanted)).limit(COUNTED_AT_MOST)
    return select(literal(number), func.count()).select_from(some.subquery())


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state or wanted.waiting_on:
        found.append(Onboarding.state.in_(_states(wanted)))
    if wanted.type:
        found.append(Onboarding.connection_type == wanted.type)
    if wanted.overdue:
        late = [queries.is_late_in(state) for state in NEXT_MOVE]
        found.append(or_(*(in_state & since for in_state, since in late)))
    if wanted.cause or wanted.failing:
        found.append(_fails(wanted.cause))
    if wanted.owner:
        found.append(_is_of(wanted.owner))
    if wanted.aggregator:
        found.append(Onboarding.aggregator_id == wanted.aggregator)
    if wanted.since:
        found.append(_begun(wanted.since))
    if wanted.q:
        found.append(_says(wanted.q))
    return found


def _states(wanted: Filter) -> tuple[str, ...]:
    """Those that it may stand in."""
    theirs = [
        s for s in STATES if not wanted.waiting_on or queries.waits_on(s) == wanted.waiting_on
    ]
    return tuple(state for state in theirs if wanted.state in {None, state})


def _fails(cause: str | None) -> ColumnElement[bool]:
    failed = select(Message.onboarding_id).where(Message.failed_at.is_not(None))
    if cause:
        failed = failed.where(Message.cause == cause)
    return Onboarding.id.in_(failed)


def _is_of(owner: str) -> ColumnElement[bool]:
    theirs = _uuid(owner)
    taken = select(Assignment.onboarding_id).where(Assignment.operator_id == theirs)
    return Onboarding.id.in_(taken)


def _says(text: str) -> ColumnElement[bool]:
    """Whatever somebody may have at hand. Each is looked up by itself, by an index or among few."""
    wanted, onboarding = _uuid(text), select(Onboarding.id)
    error = Message.last_error.contains(text, autoescape=True)
    found: CompoundSelect[Any] = union_all(
        onboarding.where(Onboarding.reference == text.upper()),
        onboarding.where(Onboarding.contact_email == text),
        *([onboarding.where(Onboarding.id == wanted)] if wanted else []),
        select(Client.onboarding_id).where(Client.id == text),
        select(Link.onboarding_id).where(Link.seller_id == text),
        select(Message.onboarding_id).where(
            Message.failed_at.is_not(None), or_(Message.cause == text, error)
        ),
    )
    return Onboarding.id.in_(found)


def _begun(since: str) -> ColumnElement[bool]:
    """Since then. IDs sort by time, so their index leaves few to look at; clocks may differ a little."""
    if ago := _AGO.fullmatch(since):
        seconds = int(ago[1]) * _SECONDS[ago[2]]
        about = time.time() - seconds
        at: ColumnElement[datetime] = db.in_seconds(-seconds)
    else:
        day = datetime.combine(date.fromisoformat(since), midnight(), UTC)
        at, about = literal(day, db.UTCDateTime()), day.timestamp()
    first = UUID(int=int(max(about - _CLOCKS_DIFFER, 0) * 1000) << 80)
    return and_(Onboarding.id >= first, Onboarding.created_at >= at)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _fault(name: str, value: str) -> str | None:
    """What is wrong with the value of a field; None: nothing."""
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        return f"One of {', '.join(choices)}."
    if not _is_short(value):
        return "A short line of text."
    if name == "since" and not _is_since(value):
        return "Hours or days, as 12h or 7d, or a day, as 2026-11-27."
    return None


def _is_since(text: str) -> bool:
    if _AGO.fullmatch(text):
        return True
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST and text.isprintable()
