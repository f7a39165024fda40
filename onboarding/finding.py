"""Which onboardings: one filter for the console, the command line and everything else that lists them.

Written as in an address, `waiting_on=platform&overdue=yes`, so that a view can be sent to somebody.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, or_, select, union_all
from sqlalchemy.orm import Session

from onboarding import queries
from onboarding.chart import CONNECTION_TYPES, NEXT_MOVE, STATES
from onboarding.errors import Invalid
from onboarding.models import Assignment, Client, Link, Message, Onboarding, Run, RunItem

WHOM: Final = tuple(dict.fromkeys(move.whom for move in NEXT_MOVE.values()))
# More than this is not counted on: nobody reads that far, and a count of a million takes its time.
COUNTED_AT_MOST: Final = 10_000
_LONGEST: Final = 120
# As many as a number of ours may have.
_DIGITS: Final = 9


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
    # The number of a run that it was part of.
    run: str | None = None
    # A reference, an ID, a client ID, a Seller ID, an e-mail address, or a part of what failed.
    q: str | None = None

    def fields(self) -> dict[str, str]:
        """What matters: name → value."""
        return {name: value for name, value in asdict(self).items() if value}

    def query(self) -> str:
        """As in an address."""
        return urlencode(self.fields())

    def options(self) -> str:
        """As on a command line."""
        words = (
            f"--{name.replace('_', '-')}" + ("" if value == YES else f" {shlex.quote(value)}")
            for name, value in self.fields().items()
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
        choices = _CHOICES.get(name)
        if not value:
            continue
        if (choices and value not in choices) or not _is_short(value):
            wrong[name] = f"One of {', '.join(choices)}." if choices else "A short line of text."
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


def ids(session: Session, wanted: Filter, limit: int) -> Sequence[UUID]:
    """Those of a view, newest first, whatever is on which page."""
    query = select(Onboarding.id).where(*_conditions(wanted))
    return session.scalars(query.order_by(Onboarding.id.desc()).limit(limit)).all()


def count(session: Session, wanted: Filter) -> int:
    """How many there are; not more than `COUNTED_AT_MOST` are counted."""
    some: Select[UUID] = select(Onboarding.id).where(*_conditions(wanted)).limit(COUNTED_AT_MOST)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


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
    if wanted.run:
        found.append(_is_part_of(wanted.run))
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


def _is_part_of(run: str) -> ColumnElement[bool]:
    number = int(run) if run.isdecimal() and len(run) <= _DIGITS else 0
    part = select(RunItem.onboarding_id).join(Run, Run.id == RunItem.run_id)
    return Onboarding.id.in_(part.where(Run.number == number))


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


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST and text.isprintable()
