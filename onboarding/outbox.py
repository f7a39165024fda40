"""Promises to do something after the commit, kept at least once: the transactional outbox.

A message is inserted in the transaction that makes it necessary and stays until its effect is
committed. Publishing only wakes a worker: whatever the broker loses comes due again (`redelivery`).
So "broker down", "worker killed" and "task raised" are one case.
"""

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from onboarding import attempts, crash_points, db, driver, sqlite_driver, tracing
from onboarding.ids import new_id
from onboarding.models import Message
from onboarding.outbox_statements import (
    FINISH,
    INSERT,
    LEASE,
    REPUBLISH_AFTER,
    claiming,
    finishing,
)

# Waits between attempts: 1, 2, 4, … seconds, at most an hour, each with jitter.
BACKOFF_AT_MOST: Final = 3600.0
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
    # It has been tried before, so nobody takes it along with others.
    tried: bool = field(default=False, compare=False)
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


@dataclass(frozen=True, slots=True)
class Promise:
    """A task that must run, about an onboarding's transition or about something else."""

    task: str
    about: dict[str, Any]
    onboarding_id: UUID | None = None
    sequence: int | None = None
    max_attempts: int | None = None
    # Before all that waits.
    first: bool = False
    id: UUID = field(default_factory=new_id)
    traceparent: str | None = field(default_factory=tracing.current)

    @property
    def announcement(self) -> Announcement:
        return Announcement(self.task, self.id, self.first)

    @property
    def attempts_at_most(self) -> int:
        return self.max_attempts or ATTEMPTS.get(self.task, MAX_ATTEMPTS)

    @property
    def claim(self) -> Claim:
        """The first turn at it, of whoever takes it at once."""
        return Claim(
            id=self.id,
            task=self.task,
            attempt=1,
            max_attempts=self.attempts_at_most,
            onboarding_id=self.onboarding_id,
            sequence=self.sequence,
            about=self.about,
            traceparent=self.traceparent,
        )


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
    made = Promise(task, about or {}, onboarding_id, sequence, max_attempts, first)
    session.execute(INSERT, [row(made)])
    announce(session, [made.announcement])
    return made.id


def record(promise: Promise, taker: int | None = None) -> dict[str, Any]:
    """The columns PROMISED of its message; a process that is its `taker` has the first turn at once."""
    return {
        "id": promise.id,
        "onboarding_id": promise.onboarding_id,
        "sequence": promise.sequence,
        "task": promise.task,
        "about": promise.about,
        "max_attempts": promise.attempts_at_most,
        "traceparent": promise.traceparent,
        "attempts": int(taker is not None),
        "claimed_by": taker,
    }


def row(promise: Promise, taker: int | None = None) -> dict[str, Any]:
    """What `INSERT` takes. No name is that of a column: SQLAlchemy would set that, too."""
    return {f"its_{name}": value for name, value in record(promise, taker).items()}


def announce(session: Session, announcements: Sequence[Announcement]) -> None:
    """Wake a worker after the commit: one call of the publisher for all of a transaction."""
    waiting: list[Announcement] = session.info.setdefault("announcements", [])
    if announcements and not waiting:
        db.after_commit(session, partial(publish, waiting))
    waiting += announcements


def publish(announcements: Sequence[Announcement]) -> None:
    """Wake a worker now, for what is durable already."""
    for hand_over in _publish:
        hand_over(announcements)


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
    one = {"wanted": message_id, "owner": owner}
    statement = claiming(lease, tuple(known) if known is not None else None)
    claims = _claimed(session.connection().execute(statement, one))
    return next((claim for claim in claims if not _is_over(session, claim)), None)


def claim_many(
    message_id: UUID, limit: int, *, owner: int | None, known: Collection[str]
) -> list[Claim]:
    """The same, and a turn at so many others of which nobody has had one yet, oldest first.

    It is a transaction of its own.
    """
    some = {"wanted": message_id, "limit": limit, "owner": owner}
    statement = claiming(LEASE, tuple(known), others=True)
    if db.engine().dialect.name == "sqlite":
        with sqlite_driver.alone() as execute:
            claims = _claimed(execute(statement, some))
    else:
        text, values = driver.compiled(statement)
        claims = [Claim(*row) for row in driver.alone(text, values | some)]
    over = [claim for claim in claims if claim.attempt > claim.max_attempts]
    if over:
        with db.transaction() as session:
            over = [claim for claim in over if _is_over(session, claim)]
    return [claim for claim in claims if claim not in over]


def finish(session: Session, *claims: Claim) -> None:
    """The effects are in this same transaction: remove the promises. Raises LeaseLost."""
    if session.get_bind().dialect.name == "sqlite":
        execute = sqlite_driver.within(session)
        turns = [{"its": claim.id, "turn": claim.attempt} for claim in claims]
        finished = sum(len(execute(FINISH, turn)) for turn in turns)
    else:
        finished = len(driver.within(session, *finishing([(it.id, it.attempt) for it in claims])))
    finished_all(claims, finished)


def finished_all(claims: Sequence[Claim], removed: int) -> None:
    """So many of these promises were removed. Raises LeaseLost where one was somebody else's turn."""
    if removed != len(claims):
        raise LeaseLost(", ".join(str(claim.id) for claim in claims))
    crash_points.reach("message.finished")


def give_back(session: Session, claims: Sequence[Claim]) -> None:
    """End turns in which nothing was begun; whoever comes next has this attempt."""
    for claim in claims:
        unused = {"attempts": Message.attempts - 1, "claimed_by": None, **published()}
        session.execute(update(Message).where(*_turn(claim)).values(**unused))
    announce(session, [Announcement(each.task, each.id) for each in claims])


def fail(
    session: Session,
    claim: Claim,
    cause: str,
    error: str,
    *,
    final: bool = False,
    wait: float = 0.0,
) -> bool:
    """An attempt has failed: try later, or make it an incident. True if this made it one.

    `cause` is a stable code for operators; `error` one line for a person, without secrets; `wait`
    are the seconds that whoever refused has asked for. Until it is due again it rests: a turn that is
    nobody's, so that no stray delivery wastes an attempt.
    """
    over = final or claim.attempt >= claim.max_attempts
    why = {"claimed_by": None, "leased_until": None, "cause": cause, "last_error": error[:500]}
    end = (
        {"failed_at": db.now()}
        if over
        else resting(max(backoff(claim.attempt), min(wait, BACKOFF_AT_MOST)))
    )
    written = session.execute(update(Message).where(*_turn(claim)).values(**why | end))
    attempts.keep(session, claim.id, claim.attempt)
    crash_points.reach("message.failed")
    return over and bool(written.rowcount)  # type: ignore[attr-defined]


def _claimed(rows: Iterable[Sequence[Any]]) -> list[Claim]:
    claims = [Claim(*row) for row in rows]
    if claims:
        crash_points.reach("message.claimed")
    return claims


def _is_over(session: Session, claim: Claim) -> bool:
    over = claim.attempt > claim.max_attempts
    return over and fail(session, claim, "worker_died", "every attempt ended without a result")


def _turn(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    """Nobody has had a turn since."""
    return Message.id == claim.id, Message.attempts == claim.attempt


def published() -> dict[str, Any]:
    """Anybody's turn, and as if published: it comes due by itself if the publisher dies first."""
    return {"leased_until": None, "due_at": db.in_seconds(REPUBLISH_AFTER)}


def resting(seconds: float) -> dict[str, Any]:
    """Nobody's turn until the rest is over, and due then: one instant in both columns."""
    wait = db.in_seconds(seconds)
    return {"leased_until": wait, "due_at": wait}


def backoff(attempt: int) -> float:
    """Seconds until the next attempt. The jitter keeps an outage's victims from coming back as one."""
    seconds = min(2.0 ** (attempt - 1), BACKOFF_AT_MOST)
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
