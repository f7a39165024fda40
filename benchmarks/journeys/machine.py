"""The onboarding as everybody on PostgreSQL keeps it: a row with a state, its history, and a guard.

The guard is the best that there is, and the same for all: one statement that moves the row only from
the state that the event leads from, and writes the history with it. What each adds is the tasks.
"""

from typing import Any, Final
from uuid import UUID, uuid4

import psycopg

from benchmarks.journeys.clients import BACK, LETTER

TABLES: Final = """
CREATE TABLE onboarding (id uuid PRIMARY KEY, state text NOT NULL, seq int NOT NULL,
    entered_at timestamptz NOT NULL) WITH (fillfactor = 80);
CREATE TABLE history (onboarding_id uuid, seq int, event text, source text, target text,
    actor text, at timestamptz, PRIMARY KEY (onboarding_id, seq));
"""
# event: from, to, and the task that it promises.
MOVES: Final = (
    ("choose_type", "started", "type_chosen", None),
    ("issue_id", "type_chosen", "issuing", "secret"),
    ("reveal_secret", "ready", "revealed", "letter"),
    ("link_seller", "revealed", "checking", "check"),
    ("confirm", "checked", "confirmed", "letter"),
)
# A task that reports an event: from, event, to, and what that promises.
REPORTS: Final = {
    "secret": ("issuing", "secret_generated", "ready", None),
    "check": ("checking", "check_passed", "checked", "letter"),
}
STEPS: Final = (
    frozenset[str](),
    frozenset({BACK}),
    frozenset({LETTER}),
    frozenset({BACK, LETTER}),
    frozenset({LETTER}),
)
CREATE: Final = """
WITH o AS (INSERT INTO onboarding VALUES (%(id)s, 'started', 1, now()))
INSERT INTO history VALUES (%(id)s, 1, 'start', NULL, 'started', 'seller', now())
"""
MOVE: Final = """
WITH o AS (UPDATE onboarding SET state = %(to)s, seq = seq + 1, entered_at = now()
           WHERE id = %(id)s AND state = %(from)s RETURNING id, seq)
INSERT INTO history SELECT id, seq, %(event)s, %(from)s, %(to)s, 'seller', now() FROM o
"""


def given(onboarding: str, event: str, source: str, target: str) -> dict[str, Any]:
    """What MOVE asks for."""
    return {"id": UUID(onboarding), "event": event, "from": source, "to": target}


def create(connection: psycopg.Connection[Any]) -> str:
    onboarding = uuid4()
    connection.execute(CREATE, {"id": onboarding})
    return onboarding.hex


def step(connection: psycopg.Connection[Any], onboarding: str, number: int) -> str | None:
    """A person's event; the task that it promises."""
    event, source, target, task = MOVES[number]
    _move(connection, onboarding, event, source, target)
    return task


def report(connection: psycopg.Connection[Any], onboarding: str, task: str) -> str | None:
    """A task's event; the task that it promises in turn."""
    source, event, target, promised = REPORTS[task]
    _move(connection, onboarding, event, source, target)
    return promised


def _move(
    connection: psycopg.Connection[Any], onboarding: str, event: str, source: str, target: str
) -> None:
    moved = connection.execute(MOVE, given(onboarding, event, source, target)).rowcount
    if moved != 1:
        raise RuntimeError(f"{event} found no onboarding in {source}")
