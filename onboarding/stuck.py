"""What stands in the way: incidents and repeated failures by their cause, and what is late, by state.

A cause is told by its key: where the onboarding stands, which task, which code. No text of an error
is in it, so that one outage is one line, and two causes are never the same one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from onboarding import queries
from onboarding.chart import NEXT_MOVE
from onboarding.models import Message, Onboarding


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: how many wait because of it, whether by themselves, and since when."""

    state: str | None
    task: str
    code: str
    # Those that have failed for good, and those that will be tried again by themselves.
    failed: int
    resting: int
    first_at: datetime
    last_at: datetime

    @property
    def key(self) -> str:
        """Stable, and short enough to say."""
        return f"{self.state or '-'}.{self.task}.{self.code}"


@dataclass(frozen=True, slots=True)
class Population:
    """Who stands in a state: how many, how many for too long, and since when the oldest one does."""

    state: str
    standing: int
    overdue: int
    oldest_at: datetime | None


def causes(session: Session) -> Sequence[Cause]:
    """Every cause of a failure that is not over, the most frequent first.

    What is unfinished is little, whatever the number of onboardings.
    """
    failed = func.count(Message.failed_at)
    rows = session.execute(
        select(
            Onboarding.state,
            Message.task,
            Message.cause,
            failed,
            func.count() - failed,
            func.min(Message.created_at),
            func.max(Message.created_at),
        )
        .outerjoin(Onboarding, Onboarding.id == Message.onboarding_id)
        .where(Message.cause.is_not(None))
        .group_by(Onboarding.state, Message.task, Message.cause)
        .order_by(failed.desc(), func.count().desc(), Message.task, Message.cause)
    )
    return [Cause(*row) for row in rows]  # type: ignore[arg-type]  # none is without a code


def population(session: Session) -> Sequence[Population]:
    """Every state in which somebody has a next move, in the chart's order."""
    standing, late, oldest = queries.counts(session), _late(session), _oldest(session)
    return [
        Population(state, standing.get(state, 0), late.get(state, 0), oldest.get(state))
        for state in NEXT_MOVE
    ]


def _late(session: Session) -> dict[str, int]:
    """How many are overdue in each state that has any. An index has them next to each other."""
    of_each = [
        select(literal(state), func.count()).where(*queries.is_late_in(state))
        for state in NEXT_MOVE
    ]
    return {row[0]: row[1] for row in session.execute(union_all(*of_each))}


def _oldest(session: Session) -> dict[str, datetime | None]:
    """Since when somebody stands in each state. The same index has them first."""
    of_each = [
        select(literal(state), func.min(Onboarding.entered_at)).where(Onboarding.state == state)
        for state in NEXT_MOVE
    ]
    return {row[0]: row[1] for row in session.execute(union_all(*of_each))}
