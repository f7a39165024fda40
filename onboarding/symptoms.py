"""One cause looked at closely: how many, where, since when, and some of them.

All of it is read from messages that are unfinished. Whatever succeeded in the end, or was ended, has
no message any more: an hour that shows few may have been worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from onboarding import db, stuck
from onboarding.models import Message, Onboarding
from onboarding.stuck import Cause

HOURS: Final = 24
SAMPLES: Final = 3
_SPLIT_AT_MOST: Final = 10

# How many there are of something; None: of those that have none.
Split = Sequence[tuple[str | None, int]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One that has failed, or is tried again: its onboarding and its error."""

    reference: str | None
    error: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Symptoms:
    """What there is to see of a cause; `last_at` is when the latest one failed, as far as is known."""

    cause: Cause
    last_at: datetime
    # For each hour of the last day, the oldest first: its beginning, and how many failed in it.
    hours: Sequence[tuple[datetime, int]]
    states: Split
    aggregators: Split
    samples: Sequence[Sample]


def of(session: Session, task: str, code: str) -> Symptoms | None:
    """What there is to see; None: nothing, it is over."""
    every = [c for c in stuck.causes(session) if (c.task, c.code) == (task, code)]
    if not every:
        return None
    (cause,) = stuck.together(every)
    return Symptoms(
        cause,
        _last_at(session, task, code),
        _hours(session, task, code),
        [(each.state, each.failed + each.resting) for each in every],
        _aggregators(session, task, code),
        _samples(session, task, code),
    )


# It failed for good then, or, while it is tried again, was promised then: nothing tells more.
_AT: Final = func.coalesce(Message.failed_at, Message.created_at)


def _last_at(session: Session, task: str, code: str) -> datetime:
    at = session.scalar(select(func.max(_AT)).where(Message.task == task, Message.cause == code))
    return at or db.clock(session)


def _hours(session: Session, task: str, code: str) -> list[tuple[datetime, int]]:
    """One look at the table, whatever the number of hours."""
    now = db.clock(session)
    beginnings = [now - timedelta(hours=hour) for hour in range(HOURS, 0, -1)]
    numbers = [
        func.count(case((and_(begins <= _AT, begins + timedelta(hours=1) > _AT), 1)))
        for begins in beginnings
    ]
    row = session.execute(select(*numbers).where(Message.task == task, Message.cause == code)).one()
    return list(zip(beginnings, row, strict=True))


def _aggregators(session: Session, task: str, code: str) -> Split:
    number = func.count()
    rows = session.execute(
        select(Onboarding.aggregator_name, number)
        .join(Message, Message.onboarding_id == Onboarding.id)
        .where(Message.task == task, Message.cause == code)
        .group_by(Onboarding.aggregator_name)
        .order_by(number.desc(), Onboarding.aggregator_name)
        .limit(_SPLIT_AT_MOST)
    )
    return [(name, count) for name, count in rows]


def _samples(session: Session, task: str, code: str) -> list[Sample]:
    """The latest ones; those that have failed for good first."""
    rows = session.execute(
        select(Onboarding.reference, Message.last_error, Message.attempts)
        .select_from(Message)
        .outerjoin(Onboarding, Onboarding.id == Message.onboarding_id)
        .where(Message.task == task, Message.cause == code)
        .order_by(Message.failed_at.is_(None), _AT.desc())
        .limit(SAMPLES)
    )
    return [Sample(*row) for row in rows]
