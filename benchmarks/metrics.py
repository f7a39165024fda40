"""What one answer of `/metrics` costs: `python -m benchmarks.metrics [--onboardings 50000] [--explain]`.

On PostgreSQL, with so many onboardings in all states and 5,000 messages in the outbox. The median and
the worst of some answers that are made anew, and of each question that is asked for one.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event

from onboarding import canaries, db, figures
from onboarding.chart import STATES
from onboarding.migrations import upgrade
from onboarding.web import metrics
from tests.servers.folders import server_folder
from tests.servers.postgres import postgres_server

ROUNDS = 15
ASKED = (
    figures.counts,
    figures.counts_of_developers,
    figures.turns,
    figures.promised,
    figures.sealed_secrets,
    canaries.silence,
)
ONBOARDINGS = """
INSERT INTO onboardings (id, reference, state, sequence, rule_set, connection_type, answers, locale,
    reminders, contact_email, connection_name, entered_at)
SELECT gen_random_uuid(), 'ONB-' || to_char(n, 'FM00000"-"00000'),
    (%(states)s::text[])[1 + n %% 16], 1, 'benchmark',
    (ARRAY['plugin', 'own_development'])[1 + n %% 2], '{"values": "three"}', 'en', 0,
    'seller' || n || '@shop.example', 'Corner shop', now() - random() * interval '40 days'
FROM generate_series(1, %(count)s) n
"""
# One of ten of those who wait for a secret has named a developer.
DEVELOPERS = """
WITH named AS (
    INSERT INTO handovers (id, onboarding_id, email)
    SELECT gen_random_uuid(), id, 'dora@dev.example' FROM onboardings
    WHERE state IN ('secret_ready', 'secret_revealed') AND random() < 0.1
    RETURNING id, onboarding_id
)
UPDATE onboardings SET handover_id = named.id FROM named WHERE onboardings.id = named.onboarding_id
"""
MESSAGES = """
INSERT INTO messages (id, task, about, due_at, attempts, max_attempts)
SELECT gen_random_uuid(), 'send_email', '{}', now(), 0, 8 FROM generate_series(1, 5000)
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--onboardings", type=int, default=50_000)
    asked.add_argument("--explain", action="store_true", help="print PostgreSQL's plans, too")
    chosen = asked.parse_args()
    with server_folder() as folder, postgres_server(folder) as server:
        engine = db.connect(server.create_database("metrics"))
        upgrade(engine)
        seed(engine, chosen.onboardings)
        print(json.dumps({"onboardings": chosen.onboardings, "ms": measured()}))
        if chosen.explain:
            explain(engine)


def seed(engine: Engine, count: int) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql(ONBOARDINGS, {"states": list(STATES), "count": count})
        connection.exec_driver_sql(DEVELOPERS)
        connection.exec_driver_sql(MESSAGES)
        connection.exec_driver_sql("VACUUM ANALYZE")


def measured() -> dict[str, list[float]]:
    """Milliseconds by question: the median and the worst."""
    found = {"whole answer": times(metrics.measured)}
    for question in ASKED:
        with db.reading() as session:
            session.connection()
            found[question.__name__] = times(lambda: question(session))  # noqa: B023
    return found


def times(work: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return [round(statistics.median(taken), 1), round(max(taken), 1)]


def explain(engine: Engine) -> None:
    sent: list[tuple[str, Any]] = []

    def note(_c: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    metrics.measured()
    event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        for statement, parameters in sent:
            if statement.lstrip("(").startswith("SELECT"):
                plan = connection.exec_driver_sql(f"EXPLAIN ANALYZE {statement}", parameters)
                sys.stdout.write("\n".join([statement, *plan.scalars(), "", ""]))


if __name__ == "__main__":
    main()
