"""One cause looked at closely: how many, where, since when, and some of them.

All of it is read from messages that are unfinished. Whatever succeeded in the end, or was ended, has
no message any more: an hour that shows few may have been worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from onboarding import db, stuck
from onboarding.models import Message, Onboarding
from onboarding.stuck import Cause, CauseName

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
    # Where it is met, the most frequent first.
    places: Sequence[Cause]
    aggregators: Split
    samples: Sequence[Sample]


def of(session: Session, name: CauseName) -> Symptoms | None:
    """What there is to see; None: nothing, it is over."""
    every = [cause for cause in stuck.causes(session) if cause.is_of(name)]
    if not every:
        return None
    (cause,) = every if name.has_place else stuck.together(every)
    return Symptoms(
        cause,
        _last_at(session, name),
        _hours(session, name),
        every,
        _aggregators(session, name),
        _samples(session, name),
    )


# It failed for good then, or, while it is tried again, was promised then: nothing tells more.
_AT: Final = func.coalesce(Message.failed_at, Message.created_at)


def _is_of(name: CauseName) -> list[ColumnElement[bool]]:
    """As `stuck.causes` tells them apart."""
    place = zip(stuck.PLACE, (name.state, name.event), strict=True)
    here = [func.coalesce(column, "") == value for column, value in place if name.has_place]
    return [Message.task == name.task, Message.cause == name.code, *here]


def _last_at(session: Session, name: CauseName) -> datetime:
    met = select(func.max(_AT)).select_from(stuck.MET).where(*_is_of(name))
    return session.scalar(met) or db.clock(session)


def _hours(session: Session, name: CauseName) -> list[tuple[datetime, int]]:
    """One look at the table, whatever the number of hours."""
    now = db.clock(session)
    beginnings = [now - timedelta(hours=hour) for hour in range(HOURS, 0, -1)]
    numbers = [
        func.count(case((and_(begins <= _AT, begins + timedelta(hours=1) > _AT), 1)))
        for begins in beginnings
    ]
    row = session.execute(select(*numbers).select_from(stuck.MET).where(*_is_of(name))).one()
    return list(zip(beginnings, row, strict=True))


def _aggregators(session: Session, name: CauseName) -> Split:
    number = func.count()
    rows = session.execute(
        select(Onboarding.aggregator_name, number)
        .select_from(stuck.MET)
        .where(Onboarding.id.is_not(None), *_is_of(name))
        .group_by(Onboarding.aggregator_name)
        .order_by(number.desc(), Onboarding.aggregator_name)
        .limit(_SPLIT_AT_MOST)
    )
    return [(aggregator, count) for aggregator, count in rows]


def _samples(session: Session, name: CauseName) -> list[Sample]:
    """The latest ones; those that have failed for good first."""
    rows = session.execute(
        select(Onboarding.reference, Message.last_error, Message.attempts)
        .select_from(stuck.MET)
        .where(*_is_of(name))
        .order_by(Message.failed_at.is_(None), _AT.desc())
        .limit(SAMPLES)
    )
    return [Sample(*row) for row in rows]
