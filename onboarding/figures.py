"""What monitoring asks: how many onboardings stand where and for how long, and what the outbox owes.

Every answer is a few rows, however many onboardings there are, and names no one of them. An index
holds all that is asked of them; the outbox's table only holds what is unfinished.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from onboarding import developers, queries
from onboarding.chart import NEXT_MOVE
from onboarding.filters import DEVELOPER
from onboarding.models import AuditEntry, Message, Onboarding, SealedSecret


class Turn(NamedTuple):
    """Those who stand in one state and wait for the same: since when, and how many for too long."""

    state: str
    whom: str
    oldest: datetime | None
    overdue: int


class Promised(NamedTuple):
    """Messages of one task that stand alike: failed for good or not, and of the same cause or none."""

    task: str
    cause: str | None
    failed: bool
    number: int
    oldest: datetime


def counts(session: Session) -> dict[tuple[str, str | None], int]:
    """How many onboardings there are of each state and connection type that has any."""
    kind = Onboarding.state, Onboarding.connection_type
    rows = session.execute(select(*kind, func.count()).group_by(*kind))
    return {(state, connection_type): count for state, connection_type, count in rows}


def counts_of_developers(session: Session) -> dict[tuple[str, str | None], int]:
    """Of these, how many wait for a named developer: an index has them, and nobody else."""
    kind = Onboarding.state, Onboarding.connection_type
    named = select(*kind, func.count()).where(developers.has_the_move())
    rows = session.execute(named.group_by(*kind))
    return {(state, connection_type): count for state, connection_type, count in rows}


def turns(session: Session) -> Sequence[Turn]:
    """Each state that waits, by whom it may wait for, at a price of those who are late or have a developer."""
    return [Turn(*row) for row in session.execute(_turns())]


def promised(session: Session) -> Sequence[Promised]:
    """All that the outbox holds; without a cause, no attempt of it has failed."""
    kind = Message.task, Message.cause, Message.failed_at.is_not(None)
    rows = session.execute(
        select(*kind, func.count(), func.min(Message.created_at)).group_by(*kind)
    )
    return [Promised(*row) for row in rows]


def stuck_onboardings(session: Session) -> dict[str, int]:
    """How many onboardings have an incident of each cause, however many messages it has stopped."""
    number = func.count(Message.onboarding_id.distinct())
    failed = select(Message.cause, number).where(
        Message.failed_at.is_not(None), Message.onboarding_id.is_not(None)
    )
    rows = session.execute(failed.group_by(Message.cause))
    return {str(cause): count for cause, count in rows}


def sealed_secrets(session: Session) -> int:
    """How many client secrets wait to be shown."""
    return session.scalar(select(func.count()).select_from(SealedSecret)) or 0


def operator_actions(session: Session) -> dict[tuple[str, str], int]:
    """How often operators have done what, and how often they were refused it: the trail, by kind.

    It has a row for each time a person acted, so it is short beside all else.
    """
    kind = AuditEntry.action, AuditEntry.outcome
    rows = session.execute(select(*kind, func.count()).group_by(*kind))
    return {(action, outcome): count for action, outcome, count in rows}


@cache
def _turns() -> CompoundSelect[*tuple[Any, ...]]:
    """Kept, because to put it together takes longer than to answer it."""
    return union_all(*chain.from_iterable(map(_turns_in, NEXT_MOVE)))


def _turns_in(state: str) -> Iterator[Select[*tuple[Any, ...]]]:
    """The index has the oldest of a state first, and those who are late in front of the others."""
    whom, in_state, late = NEXT_MOVE[state].whom, Onboarding.state == state, _late(state)
    if state not in developers.THEIR_MOVE:
        yield _turn(state, whom, late, in_state)
        return
    theirs = developers.has_the_move()
    late_of_theirs = _late(state, theirs)
    yield _turn(state, whom, late - late_of_theirs, in_state, Onboarding.handover_id.is_(None))
    yield _turn(state, DEVELOPER, late_of_theirs, in_state, theirs)


def _turn(
    state: str, whom: str, late: ColumnElement[int], *which: ColumnElement[bool]
) -> Select[*tuple[Any, ...]]:
    oldest = select(func.min(Onboarding.entered_at)).where(*which).scalar_subquery()
    return select(literal(state), literal(whom), oldest, late)


def _late(state: str, *which: ColumnElement[bool]) -> ColumnElement[int]:
    late = select(func.count()).where(*queries.is_late_in(state), *which)
    return late.scalar_subquery()
