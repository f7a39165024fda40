"""Half an hour of load: `python -m benchmarks.soak [--minutes N]`; what grows, and what drifts.

The journey of `benchmarks.journeys`, in slices. Printed for each: journeys a second, latency, the
resident memory of each of our processes, in MB, and of the tables that every journey writes to: rows that
are dead and not yet vacuumed, how often autovacuum has come, and MB with indexes. At the end the slope of
memory, in MB an hour over the second half, and latency of the last quarter as a ratio to the second.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path
from statistics import linear_regression, median
from typing import Any, Final

import psycopg

from benchmarks.journeys.__main__ import POSTGRES, a_place, disk
from benchmarks.journeys.contest import WARM_UP, ask, started
from benchmarks.parked import OURSELVES
from tests.servers.postgres import Postgres
from tests.servers.valkey import valkey_server

# Journeys of one slice.
SLICE: Final = 1_000
TABLES: Final = """
    SELECT relname, n_dead_tup, autovacuum_count, round(pg_total_relation_size(relid) / 1e6, 1)::float
    FROM pg_stat_user_tables WHERE relname IN ('onboardings', 'transitions', 'messages')
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--clients", type=int, default=8)
    given = asked.parse_args()
    slices: list[dict[str, Any]] = []
    with (
        disk() as folder,
        Postgres.start(folder, **POSTGRES) as postgres,
        valkey_server(folder) as valkey,
    ):
        place = a_place(postgres, valkey, folder, "soak")
        subprocess.run(OURSELVES.command("prepare", place), env=place.environment, check=True)
        with (
            psycopg.connect(place.dsn, autocommit=True) as connection,
            started(OURSELVES, place, place.environment) as (client, (worker,)),
        ):
            ask(client, given.clients, WARM_UP)
            began = time.monotonic()
            while (seconds := time.monotonic() - began) < given.minutes * 60:
                took = ask(client, given.clients, SLICE)
                slices.append(
                    {
                        "minute": round(seconds / 60, 1),
                        "journeys_per_s": round(took["journeys"] / took["seconds"], 1),
                        "ack_ms": [round(each, 1) for each in took["ack"]],
                        "back_ms": [round(each, 1) for each in took["back"]],
                        "memory_mb": {
                            "client": resident(client.pid),
                            "workers": sum(map(resident, family(worker.pid))),
                            "broker": resident(valkey.process.pid),
                        },
                        "tables": tables(connection),
                    }
                )
                print(json.dumps(slices[-1]), flush=True)
    print(json.dumps(drift(slices)))


def drift(slices: list[dict[str, Any]]) -> dict[str, Any]:
    """What the second half did to memory, and the last quarter to latency."""
    half, quarter = len(slices) // 2, len(slices) // 4
    later = slices[half:]
    hours = [each["minute"] / 60 for each in later]
    return {
        "journeys": len(slices) * SLICE,
        "memory_mb_an_hour": {
            name: round(linear_regression(hours, [s["memory_mb"][name] for s in later]).slope, 2)
            for name in slices[0]["memory_mb"]
        },
        "ack_last_to_second_quarter": round(
            _ack(slices[-quarter:]) / _ack(slices[quarter:half]), 2
        ),
    }


def _ack(slices: list[dict[str, Any]]) -> float:
    return float(median(each["ack_ms"][0] for each in slices))


def tables(connection: "psycopg.Connection[Any]") -> dict[str, dict[str, float]]:
    """What autovacuum has left, and made of them."""
    return {
        name: {"dead": dead, "vacuumed": vacuumed, "mb": size}
        for name, dead, vacuumed, size in connection.execute(TABLES)
    }


def family(root: int) -> list[int]:
    """A process and all that come from it."""
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return [root, *(each for child in map(int, children) for each in family(child))]


def resident(process: int) -> float:
    """What it holds of its own and its part of what it shares, in MB."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return round(int(line.split()[1]) / 1000, 1)
    return 0.0


if __name__ == "__main__":
    main()
