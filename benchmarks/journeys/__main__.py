"""All contestants in one run: `python -m benchmarks.journeys [names] [--clients N] [--journeys N]`."""

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from benchmarks.journeys.contest import Contestant, Place, run
from tests.servers.postgres import Postgres, conninfo
from tests.servers.valkey import Valkey, free_port, valkey_server

CONTESTANTS = (
    Contestant("floor", "benchmarks.journeys.floor"),
    Contestant("pgqueuer", "benchmarks.journeys.pgqueuer_"),
    Contestant("Procrastinate", "benchmarks.journeys.procrastinate_"),
    Contestant("Celery", "benchmarks.journeys.celery_"),
    Contestant("DBOS", "benchmarks.journeys.dbos_"),
)
# A laptop's worth of memory, and no checkpoint within a run; everything else as it comes, so durable.
POSTGRES = {"shared_buffers": "1GB", "max_wal_size": "8GB"}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*")
    asked.add_argument("--clients", type=int, default=8)
    asked.add_argument("--journeys", type=int, default=2000)
    asked.add_argument("--repeat", type=int, default=1)
    given = asked.parse_args()
    with (
        disk() as folder,
        Postgres.start(folder, **POSTGRES) as postgres,
        valkey_server(folder) as valkey,
    ):
        for turn in range(given.repeat):
            for one in CONTESTANTS:
                if not given.names or one.name in given.names:
                    place = a_place(postgres, valkey, folder, f"{one.name}_{turn}")
                    print(json.dumps(run(one, place, given.clients, given.journeys)), flush=True)
                    postgres.drop_database(place.folder.name)
                    valkey.forget()


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
        environment=os.environ | {"BROKER_URL": valkey.url, "DATABASE_URL": url},
    )


if __name__ == "__main__":
    main()
