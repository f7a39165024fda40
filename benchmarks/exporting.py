"""What an export costs in memory: `python -m benchmarks.exporting [--rows 100000] [--database URL]`.

By how much the process grows while it writes so many rows, once it has written a few: what it had
to load is not the export's. On an empty, migrated database; without one, on PostgreSQL of its own.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator

from sqlalchemy import insert

from onboarding import db, exports
from onboarding.chart import OPEN
from onboarding.db import snapshot, transaction
from onboarding.filters import Filter
from onboarding.ids import new_id
from onboarding.migrations import upgrade
from onboarding.models import Onboarding
from tests.servers.folders import server_folder
from tests.servers.postgres import postgres_server

FEW = 1_000
AT_ONCE = 5_000


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=exports.AT_MOST)
    asked.add_argument("--database", help="where they are put")
    chosen = asked.parse_args()
    if chosen.database:
        db.connect(chosen.database)
        print(json.dumps(measured(chosen.rows)))
        return
    with server_folder() as folder, postgres_server(folder) as server:
        upgrade(db.connect(server.create_database("exporting")))
        print(json.dumps(measured(chosen.rows)))


def measured(rows: int) -> dict[str, float]:
    for count in batches(rows):
        seed(count)
    written(FEW)
    before, began = size(), time.perf_counter()
    found = written(rows)
    taken = time.perf_counter() - began
    return {
        "rows": found,
        "grown_mib": round((size() - before) / 2**20, 1),
        "seconds": round(taken, 2),
    }


def written(most: int) -> int:
    with tempfile.TemporaryFile() as out, snapshot() as session:
        return exports.write(session, Filter(), "csv", out, most=most)


def batches(rows: int) -> Iterator[int]:
    for start in range(0, rows, AT_ONCE):
        yield min(AT_ONCE, rows - start)


def seed(count: int) -> None:
    states = sorted(OPEN)
    with transaction() as session:
        many = [(number, new_id()) for number in range(count)]
        session.execute(
            insert(Onboarding),
            [
                {
                    "id": one,
                    "reference": f"Q-{one.hex[-14:]}",
                    "state": states[number % len(states)],
                    "sequence": 1,
                    "rule_set": "benchmark",
                    "locale": "en",
                    "answers": {},
                    "reminders": 0,
                    "connection_type": "plugin",
                    "contact_email": f"seller{number}@shop.example",
                }
                for number, one in many
            ],
        )


def size() -> int:
    """The most that this process ever had, in bytes: the system counts in KiB, but for macOS."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
