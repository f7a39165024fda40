"""The statement that moves an onboarding on PostgreSQL to where the chart leads from however it stands."""

import json
from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Final

from psycopg.sql import Literal

from onboarding import outbox, ways
from onboarding.deciding import Call
from onboarding.outbox import Promise
from onboarding.outbox_statements import PROMISED
from onboarding.recording_statements import CHOICES, DUE_AT, HISTORY, POSITION

# Of a message, what comes from the move, and what the statement must be told; the chart says the rest.
_OF_THE_MOVE: Final = ("onboarding_id", "sequence")
TOLD: Final = ("id", "traceparent")
_REST: Final = ", ".join(name for name in PROMISED if name not in _OF_THE_MOVE)


@cache
def moving_by_chart(event: str, chosen: tuple[str | None, str | None] | None = None) -> str:
    """Move one onboarding on PostgreSQL to where the chart's `ways` of an event lead, from where it stands.

    It gives the number of the transition, from where and to where it led, and whether there is somebody
    to write to; nothing if there is no way for how the onboarding stands, or if somebody else has just
    moved it. The ways and what they promise are part of its text, so that the server reads them once.
    """
    possible = ways.of(event, chosen)
    standings, targets = _array(possible.standings, "text"), _array(possible.targets, "text")
    waits = (None if it is None else f"{it.total_seconds()} s" for it in possible.wakes_after)
    wakes_after = _array(waits, "interval")
    set_ = "".join(f", {name} = %({name})s" for name in CHOICES) if chosen else ""
    facts = "" if chosen else " connection_type, credential_mode,"
    promised = "".join(map(_promised_there, count(), possible.calls))
    return f"""
        WITH stood AS (
            SELECT id, sequence, state, contact_email IS NOT NULL AS has_contact,
                GREATEST(entered_at, statement_timestamp()) AS at,
                array_position({standings}, concat_ws(' ', state,{facts}
                    CASE WHEN contact_verified_at IS NULL THEN 0 ELSE 1 END)) AS way
            FROM onboardings
            WHERE id = %(onboarding_id)s AND sequence = COALESCE(%(expected)s, sequence)
        ), moved AS (
            UPDATE onboardings
            SET state = ({targets})[way], sequence = stood.sequence + 1, entered_at = at,
                wakes_at = at + ({wakes_after})[way],
                reminders = 0, extra_days = 0{set_}, position = GREATEST(position, {POSITION})
            FROM stood
            WHERE onboardings.id = %(onboarding_id)s AND onboardings.sequence = stood.sequence
                AND way IS NOT NULL
            RETURNING onboardings.id, onboardings.sequence, stood.state AS source,
                onboardings.state AS target, at, onboardings.rule_set, position, has_contact
        ), written AS (
            INSERT INTO transitions ({HISTORY}, position)
            SELECT id, sequence, %(event)s, source, target, %(actor_kind)s, %(actor_id)s, at, rule_set,
                %(details)s, position
            FROM moved
        ){promised}
        SELECT sequence, source, target, has_contact FROM moved
    """  # noqa: S608 - names of columns, from the models


def _array(values: Iterable[str | None], of: str) -> str:
    """Of the chart's own words, which have no quotes in them."""
    written = ",".join("NULL" if it is None else f'"{it}"' for it in values)
    return f"'{{{written}}}'::{of}[]"


def _promised_there(number: int, call: Call) -> str:
    """What it must be told has its number behind the name."""
    known = outbox.record(Promise(call.task, call.about))
    values = (
        f"%({name}_{number})s" if name in TOLD else _written(known[name])
        for name in PROMISED
        if name not in _OF_THE_MOVE
    )
    return f"""
        , promised_{number} AS (
            INSERT INTO messages ({", ".join(_OF_THE_MOVE)}, {_REST}, due_at)
            SELECT id, sequence, {", ".join(values)}, {DUE_AT}
            FROM moved WHERE target = '{call.target}'{" AND has_contact" if call.notice else ""}
        )
    """  # noqa: S608 - names of columns, from the models


def _written(value: str | int | dict[str, str] | None) -> str:
    """As SQL has it."""
    return Literal(json.dumps(value) if isinstance(value, dict) else value).as_string()
