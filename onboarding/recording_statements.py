"""The statements that write a transition, as each database takes them.

What they say themselves is not among the values: when it happens, and its place in the log of events.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, insert, literal_column, select, update
from sqlalchemy.dialects import sqlite

from onboarding.models import Base
from onboarding.outbox_statements import LEASE, PROMISED, REPUBLISH_AFTER

# What `choose_type` may set, and `start_over` clears.
CHOICES: Final = (
    "connection_type",
    "credential_mode",
    "aggregator_id",
    "aggregator_name",
    "aggregator_folded_name",
)
# When an onboarding begins, and when it wakes.
INSTANTS: Final = ("created_at", "entered_at", "wakes_at")

_onboardings: Final = Base.metadata.tables["onboardings"]
_transitions: Final = Base.metadata.tables["transitions"]
_GIVEN: Final = [
    name for name in map(str, _onboardings.c.keys()) if name not in (*INSTANTS, "position")
]
_WRITTEN: Final = [name for name in map(str, _transitions.c.keys()) if name != "position"]
_FIRST: Final = ", ".join(_GIVEN)
HISTORY: Final = ", ".join(_WRITTEN)
_PROMISED: Final = ", ".join(PROMISED)
DUE_AT: Final = f"statement_timestamp() + make_interval(secs => {REPUBLISH_AFTER})"
_LEASED_UNTIL: Final = f"statement_timestamp() + make_interval(secs => {LEASE})"

# This transaction's place in the log of events: see `event_log`.
POSITION: Final = "COALESCE((SELECT shift FROM event_log), 0) + pg_current_xact_id()::text::bigint"
# SQLite's only writer counts on from the last place.
_NEXT: Final[ColumnElement[int]] = literal_column(
    "(MAX(COALESCE((SELECT shift FROM event_log), 0),"
    " COALESCE((SELECT MAX(position) FROM transitions), 0)) + 1)"
)


@cache
def moving_one(*, chooses: bool, promises: int) -> str:
    """Move one onboarding on PostgreSQL. Values that come by themselves cost the server half of what JSON does.

    It is asked for by its ID, or the server would plan the statement each time anew: it takes any list
    for one of ten, and believes that a plan for this very list is better.
    """
    set_ = "".join(f", {name} = %({name})s" for name in CHOICES) if chooses else ""
    return f"""
        WITH moved AS (
            UPDATE onboardings
            SET state = %(target)s, sequence = %(sequence)s, entered_at = %(entered_at)s,
                wakes_at = %(wakes_at)s, reminders = 0, extra_days = 0{set_},
                position = GREATEST(position, {POSITION})
            WHERE id = %(onboarding_id)s AND sequence = %(sequence)s - 1
            RETURNING id, position
        ){"".join(map(_promised_by_one, range(promises)))}
        INSERT INTO transitions ({HISTORY}, position)
        SELECT {", ".join(f"%({name})s" for name in _WRITTEN)}, position FROM moved
        RETURNING onboarding_id
    """  # noqa: S608 - names of columns, from the models


def _promised_by_one(number: int) -> str:
    """The values of each promise have its number behind their names."""
    values = ", ".join(f"%({name}_{number})s" for name in PROMISED)
    return f"""
        , promised_{number} AS (
            INSERT INTO messages ({_PROMISED}, due_at, leased_until)
            SELECT {values}, {DUE_AT}, CASE WHEN %(attempts_{number})s > 0 THEN {_LEASED_UNTIL} END
            FROM moved
        )
    """  # noqa: S608 - names of columns, from the models


@cache
def moving(*, chooses: bool) -> str:
    """Move several on PostgreSQL. It looks them up by `ids`: how many rows come as JSON the planner can only guess."""
    set_ = "".join(f", {name} = new.{name}" for name in CHOICES) if chooses else ""
    return f"""
        WITH moved AS (
            UPDATE onboardings
            SET state = new.state, sequence = new.sequence, entered_at = new.entered_at,
                wakes_at = new.wakes_at, reminders = 0, extra_days = 0{set_},
                position = GREATEST(onboardings.position, {POSITION})
            FROM json_populate_recordset(NULL::onboardings, %(onboardings)s::json) AS new
            WHERE onboardings.id = ANY(%(ids)s::uuid[])
                AND onboardings.id = new.id AND onboardings.sequence = new.sequence - 1
            RETURNING onboardings.id, onboardings.position
        ), promised AS (
            INSERT INTO messages ({_PROMISED}, due_at, leased_until)
            SELECT {_PROMISED}, {DUE_AT}, CASE WHEN attempts > 0 THEN {_LEASED_UNTIL} END
            FROM json_populate_recordset(NULL::messages, %(messages)s::json)
            WHERE onboarding_id IN (SELECT id FROM moved)
        )
        INSERT INTO transitions ({HISTORY}, position)
        SELECT {HISTORY}, moved.position
        FROM json_populate_recordset(NULL::transitions, %(transitions)s::json)
        JOIN moved ON moved.id = onboarding_id
        RETURNING onboarding_id
    """  # noqa: S608 - names of columns, from the models


BEGIN: Final = f"""
    WITH began AS (
        INSERT INTO onboardings ({_FIRST}, {", ".join(INSTANTS)}, position)
        VALUES ({", ".join(f"%({name})s" for name in _GIVEN)},
            statement_timestamp(), statement_timestamp(),
            statement_timestamp() + %(wakes_after)s::interval, {POSITION})
        ON CONFLICT (start_key) WHERE start_key IS NOT NULL DO NOTHING
        RETURNING id, sequence, state, rule_set, created_at, position
    )
    INSERT INTO transitions
        (onboarding_id, sequence, event, target, actor_kind, actor_id, at, rule_set, details,
            position)
    SELECT id, sequence, 'start', state, %(actor_kind)s, %(actor_id)s, created_at, rule_set, '{{}}',
        position
    FROM began
    RETURNING at
"""  # noqa: S608 - names of columns, from the models


@cache
def moved_on_sqlite(*, chooses: bool) -> Any:
    """Move one onboarding on SQLite, from the transition `its_was`."""
    changed = ("state", "sequence", "entered_at", "wakes_at", *(CHOICES if chooses else ()))
    its = _onboardings.c
    return (
        update(_onboardings)
        .where(its.id == bindparam("its_id"), its.sequence == bindparam("its_was"))
        .values(reminders=0, extra_days=0, position=_NEXT, **_taken(_onboardings, changed))
        .returning(its.sequence)
    )


def _taken(table: Any, names: Sequence[str]) -> dict[str, ColumnElement[Any]]:
    return {name: bindparam(f"its_{name}", type_=table.c[name].type) for name in names}


TRANSITION: Final = insert(_transitions).values(
    _taken(_transitions, _WRITTEN)
    | {
        "position": select(_onboardings.c.position)
        .where(_onboardings.c.id == bindparam("its_onboarding_id"))
        .scalar_subquery()
    }
)
STARTED: Final = (
    sqlite.insert(_onboardings)
    .values(_taken(_onboardings, (*_GIVEN, *INSTANTS)) | {"position": _NEXT})
    .on_conflict_do_nothing(
        index_elements=["start_key"], index_where=_onboardings.c.start_key.is_not(None)
    )
    .returning(_onboardings.c.id)
)
