"""What `doctor --deep` costs: seconds and memory for so many finished onboardings with their history.

    python -m benchmarks.checking [--onboardings 50000]

One journey goes through the front door; the others are copies of it with IDs of their own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text

from onboarding import db, invariants
from onboarding.ids import new_id
from onboarding.migrations import upgrade
from onboarding.models import Base
from onboarding.sealing import open_keyring
from tests import builders
from tests.servers.folders import server_folder
from tests.servers.postgres import postgres_server

BATCH = 500
Rows = dict[str, list[dict[str, Any]]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--onboardings", type=int, default=50_000)
    parser.add_argument("--check", metavar="URL", help="only check this database")
    chosen = parser.parse_args(arguments)
    if chosen.check:
        print(json.dumps(measured(chosen.check)))
        return
    with server_folder() as folder, postgres_server(folder) as server:
        for url in (f"sqlite:///{folder}/onboarding.db", server.create_database("checking")):
            seed(url, chosen.onboardings, Path(tempfile.mkdtemp(dir=folder)))
            # In a process of its own: the memory of the seeding is none of its business.
            command = [sys.executable, "-m", "benchmarks.checking", "--check", url]
            said = subprocess.run(command, check=True, capture_output=True, text=True)
            system = url.partition(":")[0].partition("+")[0]
            print(
                json.dumps(
                    {"system": system, "onboardings": chosen.onboardings} | json.loads(said.stdout)
                )
            )


def measured(url: str) -> dict[str, object]:
    """Seconds, processor time and the highest memory of one check."""
    db.connect(url)
    began = time.perf_counter()
    outcomes = invariants.check()
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": round(seconds, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "rss_mb": used.ru_maxrss // 1024,
        "rules": len(outcomes),
        "findings": sum(outcome.count for outcome in outcomes),
    }


def seed(url: str, number: int, folder: Path) -> None:
    """A migrated database with so many onboardings, all confirmed."""
    os.environ |= {
        "ONBOARDING_KEYS_DIR": str(folder / "keys"),
        "ONBOARDING_MAIL_DIR": str(folder / "mail"),
    }
    open_keyring(folder / "keys")
    upgrade(db.connect(url))
    builders.an_onboarding("confirmed", email="seller@shop.example")
    builders.work()
    journey = _everything()
    numbers = count(1)
    for first in range(1, number, BATCH):
        copies = [_copy(journey, next(numbers)) for _ in range(min(BATCH, number - first))]
        with db.transaction() as session:
            for table in Base.metadata.sorted_tables:
                rows = [row for copy in copies for row in copy[table.name]]
                if rows:
                    session.execute(insert(table), rows)
    engine = db.engine()
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _everything() -> Rows:
    with db.reading() as session:
        return {
            table.name: [dict(row) for row in session.execute(select(table)).mappings()]
            for table in Base.metadata.sorted_tables
        }


def _copy(journey: Rows, number: int) -> Rows:
    """The same rows with new IDs, which refer to each other as before."""
    new: dict[Any, Any] = {}

    def anew(value: Any) -> Any:
        if isinstance(value, UUID):
            return new.setdefault(value, new_id())
        if isinstance(value, dict):
            return {name: anew(each) for name, each in value.items()}
        if isinstance(value, str) and value.startswith("cid_"):
            return new.setdefault(value, f"cid_{token_hex(11)}")
        if isinstance(value, str) and value.startswith("ONB-"):
            return f"ONB-COPY-{number}"
        return value

    return {
        table: [{name: anew(value) for name, value in row.items()} for row in rows]
        for table, rows in journey.items()
    }


if __name__ == "__main__":
    main()
