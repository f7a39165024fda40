"""Promises to do something after the commit, kept at least once: the transactional outbox.

A message is inserted in the transaction that makes it necessary and stays until its effect is
committed. Publishing only wakes a worker: whatever the broker loses comes due again. So "broker
down", "worker killed" and "task raised" are one case, and this file is the only retry policy.
"""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from onboarding import attempts, crash_points, db, tracing
from onboarding.models import Message

# A worker's turn, in seconds. It must exceed the longest task, which Celery cuts off before.
LEASE: Final = 30.0
# How soon a message that nobody has picked up is published again; it grows with its age. The most
# is what an old message still waits when all is well again, if its last copy was lost.
REPUBLISH_AFTER: Final = timedelta(seconds=2)
REPUBLISH_AT_MOST: Final = timedelta(seconds=15)
# Waits between attempts: 1, 2, 4, … seconds, at most an hour, each with jitter.
BACKOFF_AT_MOST: Final = 3600.0
# The most that it rests because its worker died, which is seldom its own fault.
REST_AFTER_DEATH_AT_MOST: Final = 8.0
# How many of them one success wakes; the next one wakes the next.
WOKEN_AT_MOST: Final = 500
MAX_ATTEMPTS: Final = 8
# A mail server may defer a letter for a while, and be away for long: about a day in all.
ATTEMPTS: Final[Mapping[str, int]] = {"send_email": 35}


class LeaseLost(Exception):
    """Another worker has taken over: this one's result is late and writes nothing."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a broker learns of a message: its task's name and its ID, and whether it goes first."""

    task: str
    id: UUID
    first: bool = False
    traceparent: str | None = field(default_factory=tracing.current, compare=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's turn at a message; `attempt` fences off those who had an earlier turn."""

    id: UUID
    task: str
    attempt: int
    max_attempts: int
    onboarding_id: UUID | None
    sequence: int | None
    about: dict[str, Any]
    # Why the attempt before this one failed, as a code.
    cause: str | None = None
    traceparent: str | None = None


Publish = Callable[[Sequence[Announcement]], None]
_publish: list[Publish] = []


def publish_with(publish: Publish | None) -> None:
    """Hand the product its publisher. Without one, messages wait for a worker's sweep."""
    _publish[:] = [publish] if publish else []


def promise(
    session: Session,
    task: str,
    about: dict[str, Any] | None = None,
    *,
    onboarding_id: UUID | None = None,
    sequence: int | None = None,
    max_attempts: int | None = None,
    first: bool = False,
) -> UUID:
    """Write down that a task must run, and wake a worker once that is durable.

    The row says "published" from the start: if the publisher dies first, it comes due by itself.
    """
    message_id = db.new_id()
    session.execute(
        insert(Message).values(
            id=message_id,
            onboarding_id=onboarding_id,
            sequence=sequence,
            task=task,
            about=about or {},
            due_at=db.in_seconds(REPUBLISH_AFTER.total_seconds()),
            max_attempts=max_attempts or ATTEMPTS.get(task, MAX_ATTEMPTS),
        )
    )
    _announce_after_commit(session, Announcement(task, message_id, first))
    return message_id


def claim(
    session: Session,
    message_id: UUID,
    lease: float = LEASE,
    *,
    owner: int | None = None,
    known: Collection[str] | None = None,
) -> Claim | None:
    """Take a turn of `lease` seconds at a message.

    None: it is done, failed for good, resting after a failure, another worker's turn, or none of
    the `known` tasks, and then left to a worker that knows it. `owner` is the process's sign of
    life: once that is gone, so is the turn. A message whose workers all died without a word
    becomes an incident here.
    """
    wanted = [Message.id == message_id, Message.failed_at.is_(None), _free()]
    if known is not None:
        wanted.append(Message.task.in_(known))
    row = session.execute(
        update(Message)
        .where(*wanted)
        .values(attempts=Message.attempts + 1, leased_until=db.in_seconds(lease), claimed_by=owner)
        .returning(
            Message.id,
            Message.task,
            Message.attempts,
            Message.max_attempts,
            Message.onboarding_id,
            Message.sequence,
            Message.about,
            Message.cause,
            Message.traceparent,
        )
    ).one_or_none()
    if row is None:
        return None
    crash_points.reach("message.claimed")
    taken = Claim(*row)
    if taken.attempt > taken.max_attempts:
        fail(session, taken, "worker_died", "every attempt ended without a result")
        return None
    return taken


def finish(session: Session, claim: Claim) -> None:
    """The effect is in this same transaction: remove the promise. Raises LeaseLost."""
    done = session.execute(delete(Message).where(*_turn(claim)))
    if done.rowcount == 0:  # type: ignore[attr-defined]
        raise LeaseLost(str(claim.id))
    crash_points.reach("message.finished")


def fail(session: Session, claim: Claim, cause: str, error: str, *, final: bool = False) -> bool:
    """An attempt has failed: try later, or make it an incident. True if this made it one.

    `cause` is a stable code for operators; `error` one line for a person, without secrets. Until
    it is due again it rests: a turn that is nobody's, so that no stray delivery wastes an attempt.
    """
    over = final or claim.attempt >= claim.max_attempts
    why = {"claimed_by": None, "leased_until": None, "cause": cause, "last_error": error[:500]}
    end = {"failed_at": db.now()} if over else _resting(_backoff(claim.attempt))
    written = session.execute(update(Message).where(*_turn(claim)).values(**why | end))
    attempts.keep(session, claim.id, claim.attempt)
    crash_points.reach("message.failed")
    return over and bool(written.rowcount)  # type: ignore[attr-defined]


def any_due(session: Session) -> bool:
    """Whether there is anything to publish again. It takes no lock: most looks find nothing."""
    return bool(session.scalar(select(exists().where(*_is_due()))))


def due(session: Session, limit: int = 100) -> list[Announcement]:
    """Messages to publish again: nobody works on them and their time has come."""
    now = db.clock(session)
    rows = session.execute(
        select(Message.id, Message.task, Message.created_at, Message.traceparent)
        .where(*_is_due())
        .order_by(Message.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        wait = ({"id": r.id, "due_at": now + _republish_after(now, r.created_at)} for r in rows)
        session.execute(update(Message), list(wait))
    return [Announcement(row.task, row.id, traceparent=row.traceparent) for row in rows]


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
        rest = min(_backoff(row.attempts - 1), REST_AFTER_DEATH_AT_MOST)
        values = {"claimed_by": None} | (_published() if row.attempts == 1 else _resting(rest))
        session.execute(update(Message).where(Message.id == row.id).values(**values))
        if row.attempts == 1:
            _announce_after_commit(session, Announcement(row.task, row.id, first=True))
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
        .values(failed_at=None, cause=None, max_attempts=Message.attempts + 1, **_published())
        .returning(Message.task)
    ).one_or_none()
    if row is None:
        return False
    _announce_after_commit(session, Announcement(row.task, message_id))
    return True


def _turn(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    """Nobody has had a turn since."""
    return Message.id == claim.id, Message.attempts == claim.attempt


def _free() -> ColumnElement[bool]:
    """It is nobody's turn, or a turn that is over."""
    return or_(Message.leased_until.is_(None), Message.leased_until <= db.now())


def _is_due() -> tuple[ColumnElement[bool], ...]:
    return Message.failed_at.is_(None), Message.due_at <= db.now(), _free()


def _published() -> dict[str, Any]:
    """Anybody's turn, and as if published: it comes due by itself if the publisher dies first."""
    return {"leased_until": None, "due_at": db.in_seconds(REPUBLISH_AFTER.total_seconds())}


def _resting(seconds: float) -> dict[str, Any]:
    """Nobody's turn until the rest is over, and due then: one instant in both columns."""
    wait = db.in_seconds(seconds)
    return {"leased_until": wait, "due_at": wait}


def _announce_after_commit(session: Session, announcement: Announcement) -> None:
    """One call of the publisher for all messages of a transaction."""
    waiting: list[Announcement] = session.info.setdefault("announcements", [])
    if not waiting:
        db.after_commit(session, partial(_announce, waiting))
    waiting.append(announcement)


def _announce(announcements: Sequence[Announcement]) -> None:
    for publish in _publish:
        publish(announcements)


def _backoff(attempt: int) -> float:
    """Seconds until the next attempt. The jitter keeps an outage's victims from coming back as one."""
    seconds = min(2.0 ** (attempt - 1), BACKOFF_AT_MOST)
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret


def _republish_after(now: datetime, created_at: datetime) -> timedelta:
    """As long as it has waited already, within bounds: doubles without a counter."""
    return min(max(now - created_at, REPUBLISH_AFTER), REPUBLISH_AT_MOST)
