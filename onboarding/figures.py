"""What monitoring asks: how many onboardings stand where and for how long, and what the outbox owes.

Every answer is a few rows, however many onboardings there are, and names no one of them. An index
holds all that is asked of them; the outbox's table only holds what is unfinished.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from onboarding import queries
from onboarding.chart import NEXT_MOVE
from onboarding.models import AuditEntry, Message, Onboarding, SealedSecret


class Turn(NamedTuple):
    """Those who stand in one state that waits for somebody: since when, and how many for too long."""

    state: str
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


def turns(session: Session) -> Sequence[Turn]:
    """One for each state of the chart that waits for somebody, at a price of those who are late."""
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
def _turns() -> CompoundSelect[Any]:
    """Kept, because to put it together takes longer than to answer it."""
    return union_all(*map(_turn, NEXT_MOVE))


def _turn(state: str) -> Select[Any]:
    """The index has the oldest of a state first, and those who are late in front of the others."""
    oldest = select(func.min(Onboarding.entered_at)).where(Onboarding.state == state)
    late = select(func.count()).where(*queries.is_late_in(state))
    return select(literal(state), oldest.scalar_subquery(), late.scalar_subquery())
