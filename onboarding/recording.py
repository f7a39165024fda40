"""Writes transitions: the new state, its history and what it promises, in one statement.

The statement moves an onboarding only from the transition that was decided on, so of two that were
decided at the same time one is written. SQLite changes one table in one statement; there it takes
three, and none of them a round trip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, bindparam, insert, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from onboarding import outbox
from onboarding.access import Actor
from onboarding.models import Base
from onboarding.outbox import Promise

# What `choose_type` may set, and `start_over` clears.
CHOICES: Final = (
    "connection_type",
    "credential_mode",
    "aggregator_id",
    "aggregator_name",
    "aggregator_folded_name",
)

_onboardings: Final = Base.metadata.tables["onboardings"]
_transitions: Final = Base.metadata.tables["transitions"]
_messages: Final = Base.metadata.tables["messages"]


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


def begin(session: Session, values: Mapping[str, Any], step: Step) -> bool:
    """Write a new onboarding and its first transition. False: its start key is taken, nothing is written.

    Two that are sent at once meet in the unique index, the later one waiting for the earlier.
    """
    connection = session.connection()
    rows = {f"new_{name}": value for name, value in values.items()} | _values(step)
    if connection.dialect.name == "postgresql":
        return bool(connection.execute(_STARTED, rows).rowcount)
    begun = bool(connection.execute(_STARTED_SQLITE, rows).rowcount)
    if begun:
        connection.execute(_TRANSITION, rows)
    return begun


def move(session: Session, steps: Sequence[Step]) -> bool:
    """Write these transitions, each of another onboarding.

    False: one of them had moved on already, and the caller rolls back.
    """
    moved = sum(_move(session, kind, list(alike)) for kind, alike in groupby(steps, _kind))
    outbox.announce(session, [each.announcement for step in steps for each in step.promises])
    return moved == len(steps)


def _kind(step: Step) -> tuple[bool, int]:
    """What has the same statement."""
    return step.choices is not None, len(step.promises)


def _move(session: Session, kind: tuple[bool, int], steps: Sequence[Step]) -> int:
    chosen, promises = kind
    rows, connection = [_values(step) for step in steps], session.connection()
    if connection.dialect.name == "postgresql":
        return connection.execute(_statement(chosen=chosen, promises=promises), rows).rowcount
    moved = connection.execute(_moved(chosen=chosen), rows).rowcount
    connection.execute(_TRANSITION, rows)
    if promises:
        promised = [outbox.row(promise) for step in steps for promise in step.promises]
        connection.execute(outbox.INSERT, promised)
    return moved


def _values(step: Step) -> dict[str, Any]:
    """What the statements below take. No name is that of a column: SQLAlchemy would set that, too."""
    values = {
        "of": step.onboarding_id,
        "was": step.sequence - 1,
        "the_sequence": step.sequence,
        "the_event": step.event,
        "the_source": step.source,
        "the_target": step.target,
        "the_actor_kind": step.actor.kind,
        "the_actor_id": step.actor.id,
        "the_at": step.at,
        "the_rule_set": step.rule_set,
        "the_details": dict(step.details),
        "the_wakes_at": step.wakes_at,
    }
    for number, promise in enumerate(step.promises):
        values |= {f"{name}_{number}": value for name, value in outbox.row(promise).items()}
    if step.choices is not None:
        values |= {f"new_{name}": step.choices.get(name) for name in CHOICES}
    return values


@cache
def _statement(*, chosen: bool, promises: int) -> Executable:
    """PostgreSQL's one statement; its row count is that of the history."""
    moved = _moved(chosen=chosen).returning(_onboardings.c.id).cte("moved")
    history = insert(_transitions).from_select(
        [*_HISTORY], select(*_HISTORY.values()).select_from(moved)
    )
    history = history.execution_options(preserve_rowcount=True)
    if not promises:
        return history.add_cte(moved)
    promised = (
        select(*outbox.values(f"_{number}").values()).select_from(moved)
        for number in range(promises)
    )
    messages = insert(_messages).from_select([*outbox.values("_0")], union_all(*promised))
    return history.add_cte(moved, messages.cte("promised"))


@cache
def _moved(*, chosen: bool) -> Any:
    new = {name: bindparam(f"new_{name}", type_=_onboardings.c[name].type) for name in CHOICES}
    return (
        update(_onboardings)
        .where(_onboardings.c.id == bindparam("of"), _onboardings.c.sequence == bindparam("was"))
        .values(
            state=bindparam("the_target"),
            sequence=bindparam("the_sequence"),
            entered_at=bindparam("the_at"),
            wakes_at=bindparam("the_wakes_at"),
            reminders=0,
            extra_days=0,
            **(new if chosen else {}),
        )
    )


def _bind(column: str) -> ColumnElement[Any]:
    name = "of" if column == "onboarding_id" else f"the_{column}"
    return bindparam(name, type_=_transitions.c[column].type)


_HISTORY: Final[dict[str, ColumnElement[Any]]] = {
    each.name: _bind(each.name) for each in _transitions.c
}
_TRANSITION: Final = insert(_transitions).values(_HISTORY)


def _started(dialect: Any) -> Any:
    columns = {each.name: bindparam(f"new_{each.name}", type_=each.type) for each in _onboardings.c}
    made = dialect.insert(_onboardings).values(columns)
    made = made.on_conflict_do_nothing(index_elements=["start_key"])
    return made.execution_options(preserve_rowcount=True)


_STARTED_SQLITE: Final = _started(sqlite)
_started_row: Final = _started(postgresql).returning(_onboardings.c.id).cte("started")
_STARTED: Final = (
    insert(_transitions)
    .from_select([*_HISTORY], select(*_HISTORY.values()).select_from(_started_row))
    .execution_options(preserve_rowcount=True)
)
