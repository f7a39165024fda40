"""What comes due again: lost by the broker, left by the dead, or resting for a cause that is gone.

All of it wakes workers again, and none of it does any work: whoever claims a message decides.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from onboarding import db, outbox
from onboarding.models import Message
from onboarding.outbox import Announcement
from onboarding.outbox_statements import REPUBLISH_AFTER, free

# How soon a message that nobody has picked up is published again; it grows with its age. The most
# is what an old message still waits when all is well again, if its last copy was lost.
_AT_FIRST: Final = timedelta(seconds=REPUBLISH_AFTER)
REPUBLISH_AT_MOST: Final = timedelta(seconds=15)
# The most that it rests because its worker died, which is seldom its own fault.
REST_AFTER_DEATH_AT_MOST: Final = 8.0
# How many of them one success wakes; the next one wakes the next.
WOKEN_AT_MOST: Final = 500


def any_due(session: Session) -> bool:
    """Whether there is anything to publish again. It takes no lock: most looks find nothing."""
    return bool(session.scalar(_ANY_DUE))


def due(session: Session, limit: int = 100) -> list[Announcement]:
    """Messages to publish again: nobody works on them and their time has come."""
    now = db.clock(session)
    rows = session.execute(
        select(Message.id, Message.task, Message.created_at, Message.traceparent, Message.attempts)
        .where(*_is_due())
        .order_by(Message.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        _put_off(session, {r.id: now + _republish_after(now, r.created_at) for r in rows})
    return [
        Announcement(row.task, row.id, tried=row.attempts > 0, traceparent=row.traceparent)
        for row in rows
    ]


def untried(session: Session) -> list[Announcement]:
    """A message that nobody has tried, if there is one: whoever comes for it takes all of those."""
    nobodys = (Message.failed_at.is_(None), Message.attempts == 0, free())
    found = session.execute(select(Message.task, Message.id).where(*nobodys).limit(1))
    return [Announcement(*row) for row in found]


def owners(session: Session) -> set[int]:
    """The processes whose turn it is at some message."""
    taken = select(Message.claimed_by).where(Message.claimed_by.is_not(None)).distinct()
    return {owner for owner in session.scalars(taken) if owner is not None}


def take_back(session: Session, dead: Collection[int]) -> int:
    """End the turns of processes that have died; returns how many.

    The first time a message is published at once, and before all that waits: somebody has waited
    for it longest. One that has seen several workers die may be what kills them, so it rests.
    """
    rows = session.execute(
        select(Message.id, Message.task, Message.attempts)
        .where(Message.claimed_by.in_(dead))
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        rest = min(outbox.backoff(row.attempts - 1), REST_AFTER_DEATH_AT_MOST)
        values = {"claimed_by": None} | (
            outbox.published() if row.attempts == 1 else outbox.resting(rest)
        )
        session.execute(update(Message).where(Message.id == row.id).values(**values))
        if row.attempts == 1:
            outbox.announce(session, [Announcement(row.task, row.id, first=True)])
    return len(rows)


def wake(session: Session, cause: str) -> int:
    """What one attempt failed of works again: end the rest of others that failed of it; how many.

    So an outage is over for all messages as soon as it is for one, whatever their backoff. It reads
    the table, which holds what is unfinished: an index would cost every claim something.
    """
    woken = session.scalars(
        select(Message.id)
        .where(Message.cause == cause, Message.failed_at.is_(None))
        .where(Message.claimed_by.is_(None), Message.leased_until > db.now())
        .limit(WOKEN_AT_MOST)
        .with_for_update(skip_locked=True)
    ).all()
    free = {"leased_until": None, "due_at": db.now()}
    session.execute(update(Message).where(Message.id.in_(woken)).values(**free))
    return len(woken)


def retry(session: Session, message_id: UUID) -> bool:
    """An operator's retry of an incident: always grants one attempt more. False: not an incident."""
    row = session.execute(
        update(Message)
        .where(Message.id == message_id, Message.failed_at.is_not(None))
        .values(failed_at=None, cause=None, max_attempts=Message.attempts + 1, **outbox.published())
        .returning(Message.task)
    ).one_or_none()
    if row is None:
        return False
    outbox.announce(session, [Announcement(row.task, message_id, tried=True)])
    return True


def retry_those_of(session: Session, onboarding_id: UUID, task: str) -> None:
    """Incidents that what has just happened may have ended."""
    failed = select(Message.id).where(
        Message.onboarding_id == onboarding_id, Message.task == task, Message.failed_at.is_not(None)
    )
    for message_id in session.scalars(failed).all():
        retry(session, message_id)


def _put_off(session: Session, instants: Mapping[UUID, datetime]) -> None:
    """Have each due again then. On PostgreSQL in one statement: there may be thousands."""
    if session.get_bind().dialect.name == "sqlite":
        rows = [{"id": of, "due_at": instant} for of, instant in instants.items()]
        session.execute(update(Message), rows)
    else:
        given = {"ids": [*instants], "instants": [*instants.values()]}
        session.connection().exec_driver_sql(_PUT_OFF, given)


def _is_due() -> tuple[ColumnElement[bool], ...]:
    return Message.failed_at.is_(None), Message.due_at <= db.now(), free()


def _republish_after(now: datetime, created_at: datetime) -> timedelta:
    """As long as it has waited already, within bounds: doubles without a counter."""
    return min(max(now - created_at, _AT_FIRST), REPUBLISH_AT_MOST)


_ANY_DUE: Final = select(exists().where(*_is_due()))
_PUT_OFF: Final = """
    UPDATE messages SET due_at = later.instant
    FROM unnest(%(ids)s::uuid[], %(instants)s::timestamptz[]) AS later (id, instant)
    WHERE messages.id = ANY(%(ids)s::uuid[]) AND messages.id = later.id
"""
