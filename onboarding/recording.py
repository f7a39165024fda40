"""Writes transitions: the new state, its history and what it promises, in one statement.

The statement moves an onboarding only from the transition that was decided on, so of two that were
decided at the same time one is written. PostgreSQL takes several rows as JSON, any number of them in
one value, so the statement is always the same. SQLite changes one table in one statement; there it takes
three, and none of them a round trip.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import db, deadlines, driver, outbox, sqlite_driver, tracing
from onboarding.access import Actor
from onboarding.outbox import Promise
from onboarding.outbox_statements import INSERT
from onboarding.recording_statements import (
    BEGIN,
    INSTANTS,
    STARTED,
    TRANSITION,
    moved_on_sqlite,
    moving,
    moving_one,
)

# Executes a statement on PostgreSQL: within a transaction, or alone.
Execute = Callable[[str, Mapping[str, Any]], driver.Rows]


@dataclass(frozen=True, slots=True)
class Step:
    """One transition as it will be written; `sequence` is its own number."""

    onboarding_id: UUID
    sequence: int
    event: str
    source: str | None
    target: str
    actor: Actor
    at: datetime
    rule_set: str
    details: Mapping[str, Any]
    wakes_at: datetime | None = None
    # Of one that leaves the state as it is: since when it stands there.
    stays_since: datetime | None = None
    # All of CHOICES where the event sets them; else what they are stays.
    choices: Mapping[str, str | None] | None = None
    promises: Sequence[Promise] = ()

    @property
    def entered_at(self) -> datetime:
        """Since when the onboarding is in the state that it comes to, or stays in."""
        return self.stays_since or self.at

    def traced(self) -> "Step":
        """The same, and what it promises follows from the step of a trace that is under way."""
        if not tracing.are_on():
            return self
        here = tracing.current()
        return replace(self, promises=[replace(it, traceparent=here) for it in self.promises])


def begin(session: Session, values: Mapping[str, Any], actor: Actor) -> datetime | None:
    """Write a new onboarding and its first transition; when it began.

    None: its start key is taken, nothing is written. Two that are sent at once meet in the unique
    index, the later one waiting for the earlier.
    """
    if _is_sqlite(session):
        return begin_on_sqlite(sqlite_driver.within(session), values, actor)
    return begin_with(partial(driver.within, session), values, actor)


def begin_with(execute: Execute, values: Mapping[str, Any], actor: Actor) -> datetime | None:
    """The same on PostgreSQL, in one statement."""
    began = execute(
        BEGIN,
        {
            **values,
            "answers": _json(values["answers"]),
            "wakes_after": deadlines.wakes_after(values["state"]),
            "actor_kind": actor.kind,
            "actor_id": actor.id,
        },
    )
    return began[0][0] if began else None


def move(session: Session, steps: Sequence[Step], taker: int | None = None) -> bool:
    """Write these transitions, each of another onboarding.

    A process that is the `taker` has the first turn at what they promise; without one, workers are woken
    for it. False: one of them had moved on already, and the caller rolls back.
    """
    if _is_sqlite(session):
        moved = move_on_sqlite(sqlite_driver.within(session), steps, taker)
    else:
        moved = len(move_with(partial(driver.within, session), steps, taker))
    if taker is None:
        outbox.announce(session, [it.announcement for step in steps for it in step.promises])
    return moved == len(steps)


def move_with(execute: Execute, steps: Sequence[Step], taker: int | None = None) -> set[UUID]:
    """The same on PostgreSQL; which onboardings were moved. Nobody is told of what was promised."""
    if len(steps) == 1:
        return _ids(_move_one(execute, steps[0], taker))
    return {
        moved
        for chooses, alike in groupby(steps, _chooses)
        for moved in _ids(execute(moving(chooses=chooses), _rows(list(alike), taker)))
    }


def begin_on_sqlite(
    execute: sqlite_driver.Execute, values: Mapping[str, Any], actor: Actor
) -> datetime | None:
    """`begin`, in two statements of a transaction."""
    ((at,),) = execute(db.CLOCK, {})
    wakes_at = deadlines.wakes_at(values["state"], at, 0)
    row = dict(values) | dict(zip(INSTANTS, (at, at, wakes_at), strict=True))
    if not execute(STARTED, _named(row)):
        return None
    first = Step(row["id"], 1, "start", None, row["state"], actor, at, row["rule_set"], details={})
    execute(TRANSITION, _named(_transition(first)))
    return at  # type: ignore[no-any-return]


def move_on_sqlite(
    execute: sqlite_driver.Execute, steps: Sequence[Step], taker: int | None = None
) -> int:
    """Write these transitions, in three statements each; how many onboardings were moved."""
    return sum(_move_one_on_sqlite(execute, step, taker) for step in steps)


def _move_one_on_sqlite(execute: sqlite_driver.Execute, step: Step, taker: int | None) -> bool:
    row = _named(_onboarding(step)) | {"its_was": step.sequence - 1}
    if not execute(moved_on_sqlite(chooses=_chooses(step)), row):
        return False
    execute(TRANSITION, _named(_transition(step)))
    for promise in step.promises:
        execute(INSERT, outbox.row(promise, taker))
    return True


def _move_one(execute: Execute, step: Step, taker: int | None) -> driver.Rows:
    values = _transition(step) | {"details": _json(step.details)}
    values |= {"entered_at": step.entered_at, "wakes_at": step.wakes_at}
    for number, promise in enumerate(step.promises):
        record = outbox.record(promise, taker) | {"about": _json(promise.about)}
        values |= {f"{name}_{number}": value for name, value in record.items()}
    statement = moving_one(chooses=_chooses(step), promises=len(step.promises))
    return execute(statement, {**values, **(step.choices or {})})


def _ids(rows: driver.Rows) -> set[UUID]:
    return {moved for (moved,) in rows}


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _chooses(step: Step) -> bool:
    """What has the same statement."""
    return step.choices is not None


def _rows(steps: Sequence[Step], taker: int | None) -> dict[str, Any]:
    """The rows of each table, as the statement takes them."""
    return {
        "ids": driver.array(step.onboarding_id for step in steps),
        "onboardings": _json([_onboarding(step) for step in steps]),
        "transitions": _json([_transition(step) for step in steps]),
        "messages": _json([outbox.record(it, taker) for step in steps for it in step.promises]),
    }


def _onboarding(step: Step) -> dict[str, Any]:
    return {
        "id": step.onboarding_id,
        "sequence": step.sequence,
        "state": step.target,
        "entered_at": step.entered_at,
        "wakes_at": step.wakes_at,
        **(step.choices or {}),
    }


def _transition(step: Step) -> dict[str, Any]:
    return {
        "onboarding_id": step.onboarding_id,
        "sequence": step.sequence,
        "event": step.event,
        "source": step.source,
        "target": step.target,
        "actor_kind": step.actor.kind,
        "actor_id": step.actor.id,
        "at": step.at,
        "rule_set": step.rule_set,
        "details": dict(step.details),
    }


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a row")


_json: Final = json.JSONEncoder(default=_plain, check_circular=False).encode


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    """No name is that of a column: SQLAlchemy would set that, too."""
    return {f"its_{name}": value for name, value in row.items()}
