"""Writes transitions: the new state, its history and what it promises, in one statement.

The statement moves an onboarding only from the transition that was decided on, so of two that were
decided at the same time one is written. PostgreSQL takes the rows as JSON, any number of them in one
value, so the statement is always the same. SQLite changes one table in one statement; there it takes
three, and none of them a round trip.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, insert, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from onboarding import db, deadlines, driver, outbox, tracing
from onboarding.access import Actor
from onboarding.models import Base
from onboarding.outbox import Promise
from onboarding.outbox_statements import INSERT, LEASE, PROMISED, REPUBLISH_AFTER

# What `choose_type` may set, and `start_over` clears.
CHOICES: Final = (
    "connection_type",
    "credential_mode",
    "aggregator_id",
    "aggregator_name",
    "aggregator_folded_name",
)
# What the statement says itself of an onboarding that begins.
INSTANTS: Final = ("created_at", "entered_at", "wakes_at")

# Executes a statement on PostgreSQL: within a transaction, or alone.
Execute = Callable[[str, Mapping[str, Any]], driver.Rows]

_onboardings: Final = Base.metadata.tables["onboardings"]
_transitions: Final = Base.metadata.tables["transitions"]


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
    # All of CHOICES where the event sets them; else what they are stays.
    choices: Mapping[str, str | None] | None = None
    promises: Sequence[Promise] = ()

    def traced(self) -> "Step":
        """The same, and what it promises follows from the step of a trace that is under way."""
        if not tracing.are_on():
            return self
        here = tracing.current()
        return replace(self, promises=[replace(it, traceparent=here) for it in self.promises])

    def taken_by(self, taker: int | None) -> "Step":
        """The same, and whoever writes it takes the first turn at what it promises."""
        return replace(self, promises=[replace(each, taker=taker) for each in self.promises])


def begin(session: Session, values: Mapping[str, Any], actor: Actor) -> datetime | None:
    """Write a new onboarding and its first transition; when it began.

    None: its start key is taken, nothing is written. Two that are sent at once meet in the unique
    index, the later one waiting for the earlier.
    """
    if _is_sqlite(session):
        return _begin_on_sqlite(session, values, actor)
    return begin_with(partial(driver.within, session), values, actor)


def begin_with(execute: Execute, values: Mapping[str, Any], actor: Actor) -> datetime | None:
    """The same on PostgreSQL, in one statement."""
    began = execute(
        _BEGIN,
        {
            "onboarding": _json(values),
            "wakes_after": deadlines.wakes_after(values["state"]),
            "actor_kind": actor.kind,
            "actor_id": actor.id,
        },
    )
    return began[0][0] if began else None


def move(session: Session, steps: Sequence[Step]) -> bool:
    """Write these transitions, each of another onboarding.

    False: one of them had moved on already, and the caller rolls back.
    """
    if _is_sqlite(session):
        moved = sum(_move_on_sqlite(session, list(alike)) for _, alike in groupby(steps, _chooses))
    else:
        moved = len(move_with(partial(driver.within, session), steps))
    promised = [each for step in steps for each in step.promises if each.taker is None]
    outbox.announce(session, [each.announcement for each in promised])
    return moved == len(steps)


def move_with(execute: Execute, steps: Sequence[Step]) -> set[UUID]:
    """The same on PostgreSQL; which onboardings were moved. Nobody is told of what was promised."""
    return {
        onboarding_id
        for chooses, alike in groupby(steps, _chooses)
        for (onboarding_id,) in _execute(execute, chooses=chooses, steps=list(alike))
    }


def _execute(execute: Execute, *, chooses: bool, steps: Sequence[Step]) -> driver.Rows:
    return execute(_moving(chooses=chooses, alone=len(steps) == 1), _rows(steps))


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _chooses(step: Step) -> bool:
    """What has the same statement."""
    return step.choices is not None


def _rows(steps: Sequence[Step]) -> dict[str, Any]:
    """The rows of each table, as the statement takes them."""
    return {
        "ids": [step.onboarding_id for step in steps] if len(steps) > 1 else steps[0].onboarding_id,
        "onboardings": _json([_onboarding(step) for step in steps]),
        "transitions": _json([_transition(step) for step in steps]),
        "messages": _json([outbox.record(each) for step in steps for each in step.promises]),
        "due_after": REPUBLISH_AFTER,
        "lease": LEASE,
    }


def _onboarding(step: Step) -> dict[str, Any]:
    return {
        "id": step.onboarding_id,
        "sequence": step.sequence,
        "state": step.target,
        "entered_at": step.at,
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


@cache
def _moving(*, chooses: bool, alone: bool) -> str:
    """It looks the onboardings up by `ids`: how many rows come as JSON the planner can only guess.

    One `alone` is asked for by its name, or the server would plan the statement each time anew: it
    takes any list for one of ten, and believes that a plan for this very list is better.
    """
    wanted = "%(ids)s" if alone else "ANY(%(ids)s::uuid[])"
    set_ = "".join(f", {name} = new.{name}" for name in CHOICES) if chooses else ""
    return f"""
        WITH moved AS (
            UPDATE onboardings
            SET state = new.state, sequence = new.sequence, entered_at = new.entered_at,
                wakes_at = new.wakes_at, reminders = 0, extra_days = 0{set_}
            FROM json_populate_recordset(NULL::onboardings, %(onboardings)s::json) AS new
            WHERE onboardings.id = {wanted}
                AND onboardings.id = new.id AND onboardings.sequence = new.sequence - 1
            RETURNING onboardings.id
        ), promised AS (
            INSERT INTO messages ({_PROMISED}, due_at, leased_until)
            SELECT {_PROMISED}, statement_timestamp() + make_interval(secs => %(due_after)s),
                CASE WHEN attempts > 0 THEN
                    statement_timestamp() + make_interval(secs => %(lease)s)
                END
            FROM json_populate_recordset(NULL::messages, %(messages)s::json)
            WHERE onboarding_id IN (SELECT id FROM moved)
        )
        INSERT INTO transitions ({_HISTORY})
        SELECT {_HISTORY} FROM json_populate_recordset(NULL::transitions, %(transitions)s::json)
        WHERE onboarding_id IN (SELECT id FROM moved)
        RETURNING onboarding_id
    """  # noqa: S608 - names of columns, from the models


_PROMISED: Final = ", ".join(PROMISED)
_HISTORY: Final = ", ".join(_transitions.c.keys())
_FIRST: Final = ", ".join(name for name in map(str, _onboardings.c.keys()) if name not in INSTANTS)
_BEGIN: Final = f"""
    WITH began AS (
        INSERT INTO onboardings ({_FIRST}, {", ".join(INSTANTS)})
        SELECT {_FIRST}, statement_timestamp(), statement_timestamp(),
            statement_timestamp() + %(wakes_after)s::interval
        FROM json_populate_record(NULL::onboardings, %(onboarding)s::json)
        ON CONFLICT (start_key) DO NOTHING
        RETURNING id, sequence, state, rule_set, created_at
    )
    INSERT INTO transitions
        (onboarding_id, sequence, event, target, actor_kind, actor_id, at, rule_set, details)
    SELECT id, sequence, 'start', state, %(actor_kind)s, %(actor_id)s, created_at, rule_set, '{{}}'
    FROM began
    RETURNING at
"""  # noqa: S608 - names of columns, from the models


def _begin_on_sqlite(session: Session, values: Mapping[str, Any], actor: Actor) -> datetime | None:
    at = db.clock(session)
    wakes_at = deadlines.wakes_at(values["state"], at, 0)
    row = dict(values) | dict(zip(INSTANTS, (at, at, wakes_at), strict=True))
    begun = session.connection().execute(_STARTED, _named(row))
    if not begun.rowcount:
        return None
    first = Step(row["id"], 1, "start", None, row["state"], actor, at, row["rule_set"], details={})
    session.connection().execute(_TRANSITION, _named(_transition(first)))
    return at


def _move_on_sqlite(session: Session, steps: Sequence[Step]) -> int:
    connection = session.connection()
    rows = [_named(_onboarding(step)) | {"its_was": step.sequence - 1} for step in steps]
    moved = connection.execute(_moved(chooses=_chooses(steps[0])), rows).rowcount
    connection.execute(_TRANSITION, [_named(_transition(step)) for step in steps])
    promised = [outbox.row(promise) for step in steps for promise in step.promises]
    if promised:
        connection.execute(INSERT, promised)
    return moved


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    """No name is that of a column: SQLAlchemy would set that, too."""
    return {f"its_{name}": value for name, value in row.items()}


def _taken(table: Any, names: Sequence[str]) -> dict[str, ColumnElement[Any]]:
    return {name: bindparam(f"its_{name}", type_=table.c[name].type) for name in names}


@cache
def _moved(*, chooses: bool) -> Any:
    changed = ("state", "sequence", "entered_at", "wakes_at", *(CHOICES if chooses else ()))
    its = _onboardings.c
    return (
        update(_onboardings)
        .where(its.id == bindparam("its_id"), its.sequence == bindparam("its_was"))
        .values(reminders=0, extra_days=0, **_taken(_onboardings, changed))
    )


_TRANSITION: Final = insert(_transitions).values(_taken(_transitions, _transitions.c.keys()))
_STARTED: Final = (
    sqlite.insert(_onboardings)
    .values(_taken(_onboardings, _onboardings.c.keys()))
    .on_conflict_do_nothing(index_elements=["start_key"])
    .execution_options(preserve_rowcount=True)
)
