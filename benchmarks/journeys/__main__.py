"""All contestants in one run: `python -m benchmarks.journeys [names] [--clients N] [--journeys N]`."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import make_url

from benchmarks.journeys import plot, results, table
from benchmarks.journeys.contest import LIMIT, OURS, Contestant, Place, run
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres, conninfo
from tests.servers.valkey import Valkey, valkey_server

CONTESTANTS: Final = (
    Contestant("this project", "benchmarks.journeys.ours", "onboarding", OURS),
    Contestant(
        "this project (SQLite)",
        "benchmarks.journeys.ours_sqlite",
        "onboarding-sqlite",
        OURS,
        workers=0,
    ),
    Contestant("floor", "benchmarks.journeys.floor", "raw-psycopg", LIMIT),
    Contestant("floor (C)", "benchmarks.journeys.floor_c", "raw-pgbench", LIMIT, workers=0),
    Contestant(
        "floor (SQLite)", "benchmarks.journeys.floor_sqlite", "raw-sqlite", LIMIT, workers=0
    ),
    Contestant("pgqueuer", "benchmarks.journeys.pgqueuer_", "pgqueuer"),
    Contestant("Procrastinate", "benchmarks.journeys.procrastinate_", "procrastinate", share=0.5),
    Contestant("Celery", "benchmarks.journeys.celery_", "celery", share=0.5),
    Contestant("DBOS", "benchmarks.journeys.dbos_", "dbos", share=0.2),
    Contestant(
        "DBOS workflow", "benchmarks.journeys.dbos_workflow_", "dbos-workflow", workers=0, share=0.1
    ),
)
# A laptop's worth of memory, and no checkpoint within a run; everything else as it comes, so durable.
POSTGRES: Final = {"shared_buffers": "1GB", "max_wal_size": "8GB"}

WRITTEN: Final = Path("docs/performance")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", help="all, unless some are named")
    asked.add_argument("--clients", type=int, default=8)
    asked.add_argument("--journeys", type=int, default=2000)
    asked.add_argument("--repeat", type=int, default=1)
    asked.add_argument(
        "--write", action="store_true", help=f"write the table and the plot to {WRITTEN}"
    )
    given = asked.parse_args()
    chosen = [one for one in CONTESTANTS if not given.names or one.name in given.names]
    if not chosen:
        asked.error(f"choose from: {', '.join(one.name for one in CONTESTANTS)}")
    turns = measured(chosen, given.clients, given.journeys, given.repeat)
    print(table.plain(turns))
    print(f"Written to {results.write(turns, said_of(given))}", file=sys.stderr)
    if given.write:
        WRITTEN.mkdir(exist_ok=True)
        (WRITTEN / "journeys.md").write_text(f"{said_of(given)}\n\n{table.markdown(turns)}")
        (WRITTEN / "journeys.svg").write_text(plot.svg(turns))


def measured(
    chosen: Sequence[Contestant], clients: int, journeys: int, repeat: int
) -> list[dict[str, dict[str, Any]]]:
    """Turn by turn, so that what changes on the machine meets all alike; each run is told as it ends."""
    turns: list[dict[str, dict[str, Any]]] = []
    with (
        disk() as folder,
        Postgres.start(folder, **POSTGRES) as postgres,
        valkey_server(folder) as valkey,
    ):
        for number in range(repeat):
            turns.append({})
            for one in chosen:
                name = f"{one.module.rpartition('.')[2]}_{number}"
                place = a_place(postgres, valkey, folder, name)
                found = run(one, place, clients, max(clients, round(journeys * one.share)))
                print(json.dumps(found), file=sys.stderr, flush=True)
                turns[-1][one.name] = found
                postgres.drop_database(place.folder.name)
                valkey.forget()
    return turns


def said_of(given: argparse.Namespace) -> str:
    """Where it was measured, and how."""
    return (
        f"`python -m benchmarks.journeys`: {given.clients} clients, {given.journeys} journeys a run "
        "(fewer for those who are slow), "
        f"{given.repeat} turns, one contestant after the other in each. {os.cpu_count()} processors "
        f"({platform.machine()}), Linux {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, PostgreSQL 18 with its defaults for durability."
    )


@contextmanager
def disk() -> Iterator[Path]:
    """A folder on a disk, that PostgreSQL may pass through: in memory a flush would cost nothing."""
    with tempfile.TemporaryDirectory(prefix="journeys-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def a_place(postgres: Postgres, valkey: Valkey, parent: Path, name: str) -> Place:
    url = postgres.create_database(name)
    (parent / name).mkdir()
    return Place(
        dsn=conninfo(make_url(url)),
        port=free_port(),
        folder=parent / name,
        postgres=postgres.cluster.process.pid,
        broker=valkey.process.pid,
        environment=os.environ
        | {
            "BROKER_URL": valkey.url,
            "DATABASE_URL": url,
            "ONBOARDING_BROKER_URL": valkey.url,
            "ONBOARDING_DATABASE_URL": url,
            "ONBOARDING_KEYS_DIR": str(parent / name / "keys"),
            "ONBOARDING_LOG_LEVEL": "error",
        },
    )


if __name__ == "__main__":
    main()
