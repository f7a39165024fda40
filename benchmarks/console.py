"""How long the operators' pages take: `python -m benchmarks.console [--onboardings 1000000]`.

On PostgreSQL, with so many onboardings in all states, each with its last transition, and 5,000
incidents. Milliseconds of each page, in this process, the median and the 95th of a hundred; then
looking at 10,000 for a run: seconds, the size of its form, and how many rows it wrote.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, text

from benchmarks import metrics
from onboarding import db
from onboarding.db import reading
from onboarding.migrations import upgrade
from onboarding.models import Onboarding
from onboarding.sealing import open_keyring
from tests.servers.folders import server_folder
from tests.servers.postgres import postgres_server
from tests.web.operating import a_quiet_site, at_console

ROUNDS = 100
TRANSITIONS = """
INSERT INTO transitions (onboarding_id, sequence, event, source, target, actor_kind, actor_id, at,
    rule_set, details)
SELECT id, 1, 'start', NULL, state, 'seller', 'benchmark', entered_at, 'benchmark', '{}'
FROM onboardings
"""
INCIDENTS = """
UPDATE messages SET failed_at = now(), cause = 'mail_login_refused', attempts = 1,
    last_error = 'Refused: 535 5.7.8', about = '{"notice": "confirmed"}', sequence = 1,
    onboarding_id = theirs.id
FROM (SELECT id, row_number() OVER () AS n FROM (SELECT id FROM onboardings LIMIT 5000) x) theirs,
    (SELECT id, row_number() OVER () AS n FROM messages) these
WHERE messages.id = these.id AND these.n = theirs.n
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--onboardings", type=int, default=1_000_000)
    chosen = asked.parse_args()
    with server_folder() as folder, postgres_server(folder) as server:
        engine = db.connect(server.create_database("console"))
        upgrade(engine)
        seed(engine, chosen.onboardings)
        print(json.dumps({"onboardings": chosen.onboardings, **measured(engine, folder)}))


def seed(engine: Engine, count: int) -> None:
    metrics.seed(engine, count)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        for statement in (TRANSITIONS, INCIDENTS, "VACUUM ANALYZE"):
            connection.exec_driver_sql(statement)


def measured(engine: Engine, folder: Path) -> dict[str, Any]:
    os.environ["ONBOARDING_KEYS_DIR"] = str(folder / "keys")
    visitor = at_console(a_quiet_site(open_keyring(folder / "keys")), "lead")
    with reading() as session:
        one = session.query(Onboarding.reference).limit(1).scalar()
    pages = {
        "overview": "",
        "list": "/onboardings",
        "list, overdue": "/onboardings?overdue=yes&waiting_on=platform",
        "list, one state": "/onboardings?state=awaiting_seller",
        "list, failing": "/onboardings?failing=yes",
        "found by reference": f"/onboardings?q={one}",
        "found by error": "/onboardings?q=mail_login_refused",
        "detail": f"/onboardings/{one}",
        "causes": "/causes",
        "runs": "/bulk",
    }
    taken = {
        name: percentiles(lambda path=path: _well(visitor.get(f"/en/console{path}")))  # type: ignore[misc]
        for name, path in pages.items()
    }
    with rows_written(engine) as written:
        began = time.perf_counter()
        page = visitor.get("/en/console/bulk/new?action=cancel")
        seconds = time.perf_counter() - began
    assert "A run takes 10000 at most" in page.text
    preview = {
        "items": 10_000,
        "seconds": round(seconds, 2),
        "form_kb": len(page.text) // 1024,
        "rows_written": written[1] - written[0],
    }
    return {"ms": taken, "preview": preview}


def _well(answer: httpx.Response) -> None:
    assert answer.status_code == 200


def percentiles(ask: Callable[[], object], rounds: int = ROUNDS) -> dict[str, float]:
    """Milliseconds, after one that fills the caches."""
    ask()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - began))
    return {
        "p50": round(statistics.median(took), 1),
        "p95": round(statistics.quantiles(took, n=20)[-1], 1),
    }


@contextmanager
def rows_written(engine: Engine) -> Iterator[list[int]]:
    """What the database counts as inserted, updated and deleted, before and after."""
    counted = text(
        "SELECT tup_inserted + tup_updated + tup_deleted FROM pg_stat_database"
        " WHERE datname = current_database()"
    )
    numbers: list[int] = []

    def count() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_stat_force_next_flush()"))
            numbers.append(int(connection.execute(counted).scalar_one()))

    count()
    yield numbers
    count()


if __name__ == "__main__":
    main()
