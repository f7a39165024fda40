"""A task that does nothing, so that it tells whether workers take work at all.

A worker that runs may have lost its broker, or hang: only work that was done shows that work gets
done. So whoever sweeps promises a canary now and then, it goes the way of every task, and the worker
that takes it notes when. There is one at a time, whoever sweeps: the database decides.
"""

import math
from typing import Any, Final

from sqlalchemy import ColumnElement, Insert, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from onboarding import db, outbox
from onboarding.models import Canary, Message

TASK: Final = "canary"
# Seconds from one to the next, and after which nobody takes work: it has missed two by then.
EVERY: Final = 30.0
SILENT_AFTER: Final = 90.0

_INSERT: Final[dict[str, Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def is_time(session: Session) -> bool:
    """Whether the latest is taken, or failed for good, and old enough. It takes no lock."""
    recent = exists().where(~_is_old())
    return not session.scalar(select(or_(recent, _is_waiting())))


def send(session: Session) -> bool:
    """Promise one. False: another sweep was faster."""
    if session.scalar(_note(session.get_bind().dialect.name)) is None:
        return False
    # One that has failed is followed by the next, so nobody has to retry it.
    session.execute(delete(Message).where(Message.task == TASK, Message.failed_at.is_not(None)))
    # It asks whether anybody works, not how long the queue is.
    outbox.promise(session, "canary", first=True)
    return True


def take(session: Session) -> None:
    """A worker has taken it."""
    session.execute(update(Canary).values(taken_at=db.now()))


def silence(session: Session) -> float | None:
    """Seconds since a worker took one; infinite if none ever did, None if none was ever sent."""
    canary = session.get(Canary, 1)
    if canary is None:
        return None
    if canary.taken_at is None:
        return math.inf
    return max((db.clock(session) - canary.taken_at).total_seconds(), 0.0)


def is_waiting(session: Session) -> bool:
    """Whether one is there that nobody has taken yet."""
    return bool(session.scalar(select(_is_waiting())))


def _is_old() -> ColumnElement[bool]:
    return Canary.sent_at <= db.in_seconds(-EVERY)


def _is_waiting() -> ColumnElement[bool]:
    return exists().where(Message.task == TASK, Message.failed_at.is_(None))


def _note(dialect: str) -> Insert:
    """Sweeps at once wait for each other here; whoever comes second finds a fresh one and no row."""
    first = _INSERT[dialect](Canary).values(id=1, sent_at=db.now())
    again = first.on_conflict_do_update(
        index_elements=[Canary.id], set_={"sent_at": db.now()}, where=_is_old() & ~_is_waiting()
    )
    noted: Insert = again.returning(Canary.id)
    return noted
