"""What more workers bring: `python -m benchmarks.workers [--workers N …] [--clients N …]`.

The journey of `benchmarks.journeys` with 1, 2 and 4 worker processes of one child each, for 8 and for 32
people at once. On one machine they share its processors with everything else.
"""

import argparse
import json
from dataclasses import replace
from typing import Final

from benchmarks.journeys.__main__ import POSTGRES, a_place, disk
from benchmarks.journeys.contest import run
from benchmarks.parked import OURSELVES
from tests.servers.postgres import Postgres
from tests.servers.valkey import valkey_server

WORKERS: Final = (1, 2, 4)
CLIENTS: Final = (8, 32)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    asked.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    asked.add_argument("--journeys", type=int, default=1000)
    given = asked.parse_args()
    with (
        disk() as folder,
        Postgres.start(folder, **POSTGRES) as postgres,
        valkey_server(folder) as valkey,
    ):
        for clients in given.clients:
            for workers in given.workers:
                place = a_place(postgres, valkey, folder, f"workers_{clients}_{workers}")
                found = run(replace(OURSELVES, workers=workers), place, clients, given.journeys)
                told = {
                    "clients": clients,
                    "workers": workers,
                    "journeys_per_s": round(found["per_s"], 1),
                    "cpu_ms": round(found["cpu_ms"], 1),
                    "ack_ms": [round(each, 1) for each in found["ack"]],
                    "back_ms": [round(each, 1) for each in found["back"]],
                    "foreign": round(found["foreign"], 2),
                }
                print(json.dumps(told), flush=True)
                postgres.drop_database(place.folder.name)
                valkey.forget()


if __name__ == "__main__":
    main()
