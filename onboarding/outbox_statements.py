"""The outbox's statements: how a message is written, taken, and removed."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Update,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    union,
    update,
)

from onboarding import db, driver
from onboarding.models import Base, Message

# A worker's turn, in seconds. It must exceed the longest task, which Celery cuts off before.
LEASE: Final = 30.0
# Seconds after which a message that nobody has picked up is published again, at first.
REPUBLISH_AFTER: Final = 2.0
# The columns that are a message's own as it is promised.
PROMISED: Final = (
    "id",
    "onboarding_id",
    "sequence",
    "task",
    "about",
    "max_attempts",
    "traceparent",
    "attempts",
    "claimed_by",
)

_messages: Final = Base.metadata.tables["messages"]

# Writes a promise of which it is given the `outbox.row`.
INSERT: Final = insert(_messages).values(
    {name: bindparam(f"its_{name}", type_=_messages.c[name].type) for name in PROMISED}
    | {"due_at": db.in_seconds(REPUBLISH_AFTER)}
    | {"leased_until": case((bindparam("its_attempts") > 0, db.in_seconds(LEASE)))}
)
# Removes one, if its turn is the latest.
FINISH: Final = (
    delete(_messages)
    .where(_messages.c.id == bindparam("its"), _messages.c.attempts == bindparam("turn"))
    .returning(_messages.c.id)
)
_FINISH_ONE: Final = """
    DELETE FROM messages WHERE id = %(id)s AND attempts = %(attempt)s RETURNING id
"""
FINISH_MANY: Final = """
    DELETE FROM messages
    USING unnest(%(turns)s::uuid[], %(attempts)s::int[]) AS turn (id, attempt)
    WHERE messages.id = ANY(%(turns)s::uuid[])
        AND messages.id = turn.id AND messages.attempts = turn.attempt
    RETURNING messages.id
"""


def finishing(turns: Sequence[tuple[UUID, int]]) -> tuple[str, dict[str, Any]]:
    """The same on PostgreSQL of as many as there are, in one statement; it gives those it removes.

    One is asked for by its name, or the server would plan the statement each time anew.
    """
    ids, attempts = zip(*turns, strict=True)
    if len(ids) == 1:
        return _FINISH_ONE, {"id": ids[0], "attempt": attempts[0]}
    return FINISH_MANY, {"turns": driver.array(ids), "attempts": driver.array(attempts)}


@cache
def claiming(lease: float, known: tuple[str, ...] | None, *, others: bool = False) -> Update:
    """PostgreSQL locks no rows of a union, but of what it is made from."""
    its = _messages.c
    free_ones = select(its.id).where(its.failed_at.is_(None), free())
    if known is not None:
        free_ones = free_ones.where(or_(*(its.task == name for name in known)))
    # Who waits for one row while it holds others might wait for ever.
    wanted = free_ones.where(its.id == bindparam("wanted")).with_for_update(skip_locked=others)
    fresh = free_ones.where(its.attempts == 0).order_by(its.id).limit(bindparam("limit"))
    some = [wanted, fresh.with_for_update(skip_locked=True)] if others else [wanted]
    which = union(*(select(each.subquery().c.id) for each in some)) if others else wanted
    return (
        update(_messages)
        .where(its.id.in_(which))
        .values(
            attempts=its.attempts + 1,
            leased_until=db.in_seconds(lease),
            claimed_by=bindparam("owner"),
        )
        .returning(
            its.id,
            its.task,
            its.attempts,
            its.max_attempts,
            its.onboarding_id,
            its.sequence,
            its.about,
            its.cause,
            its.traceparent,
        )
    )


def free() -> ColumnElement[bool]:
    """It is nobody's turn, or a turn that is over."""
    return or_(Message.leased_until.is_(None), Message.leased_until <= db.now())
