"""Whether those who wait slow down those who move: `python -m benchmarks.parked [--parked N …]`.

The journey of `benchmarks.journeys` beside 1,000, 50,000 and 1,000,000 onboardings that wait for their
seller, each with four steps of history. Printed for each: journeys a second, latency and processor time;
what a million takes on disk, by table; a start of the worker's sweep, which reads what is unfinished; the
stuck list's first page. A machine changes its speed, so each turn has its own first to be compared with, and
every second turn goes the other way round; in the end the medians of the turns' ratios are printed.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any, Final

import psycopg

from benchmarks.journeys.__main__ import POSTGRES, a_place, disk
from benchmarks.journeys.contest import OURS, Contestant, run
from tests.servers.postgres import Postgres
from tests.servers.valkey import valkey_server

PARKED: Final = (1_000, 50_000, 1_000_000)
OURSELVES: Final = Contestant("this project", "benchmarks.journeys.ours", "onboarding", OURS)
TABLES: Final = ("onboardings", "transitions")
# Entered over the last 20 days, so some are overdue; each has been through four steps.
PARK: Final = """
INSERT INTO onboardings (id, reference, state, sequence, rule_set, connection_type, credential_mode,
    aggregator_name, answers, locale, contact_email, contact_hash, created_at, entered_at, wakes_at,
    reminders)
SELECT gen_random_uuid(), 'ONB-P' || number, 'awaiting_seller', 4, '2026', 'aggregator', 'delegated',
    'Feedwise', '{}', 'en', 'seller' || number || '@shop.example', md5(number::text),
    entered - interval '1 hour', entered, now() + interval '10 days', 0
FROM (
    SELECT number, now() - interval '20 days' * random() AS entered
    FROM generate_series(1, %(parked)s) AS number
) AS parked;
INSERT INTO transitions (onboarding_id, sequence, event, source, target, actor_kind, actor_id, at,
    rule_set, details)
SELECT id, step, 'choose_type', CASE WHEN step > 1 THEN 'started' END, 'awaiting_seller', 'seller',
    'browser', created_at + interval '1 minute' * step, rule_set, '{}'
FROM onboardings, generate_series(1, 4) AS step WHERE reference LIKE 'ONB-P%%';
"""
UNFINISHED: Final = """
SELECT 1 FROM messages
WHERE failed_at IS NULL AND due_at <= now() AND (leased_until IS NULL OR leased_until <= now())
"""
STUCK: Final = """
SELECT id, reference, state, entered_at FROM onboardings
WHERE state = 'awaiting_seller' AND entered_at < now() - interval '7 days'
ORDER BY entered_at LIMIT 50
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--parked", type=int, nargs="+", default=PARKED)
    asked.add_argument("--clients", type=int, default=8)
    asked.add_argument("--journeys", type=int, default=1500)
    asked.add_argument("--repeat", type=int, default=1)
    given = asked.parse_args()
    turns: list[dict[int, dict[str, Any]]] = []
    with (
        disk() as folder,
        Postgres.start(folder, **POSTGRES) as postgres,
        valkey_server(folder) as valkey,
    ):
        for turn in range(given.repeat):
            turns.append({})
            for parked in given.parked[:: -1 if turn % 2 else 1]:
                place = a_place(postgres, valkey, folder, f"parked_{parked}_{turn}")
                beside: dict[str, Any] = {}
                park = partial(_park, parked, beside)
                found = run(OURSELVES, place, given.clients, given.journeys, before=park)
                turns[-1][parked] = found
                print(json.dumps(_told(parked, turn, found) | beside), flush=True)
                postgres.drop_database(place.folder.name)
                valkey.forget()
    for parked in given.parked[1:]:
        print(json.dumps({"parked": parked} | _compared(turns, given.parked[0], parked)))


def _park(parked: int, beside: dict[str, Any], connection: "psycopg.Connection[Any]") -> None:
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute(PARK, {"parked": parked})
    connection.execute("VACUUM ANALYZE")
    for table in TABLES:
        beside[f"{table}_mb_a_million"] = {
            part: round(_size(connection, function, table) / parked, 1)
            for part, function in (("table", "pg_table_size"), ("indexes", "pg_indexes_size"))
        }
    beside["unfinished_ms"] = _took(lambda: connection.execute(UNFINISHED).fetchall())
    beside["stuck_ms"] = _took(lambda: connection.execute(STUCK).fetchall())


def _size(connection: "psycopg.Connection[Any]", function: str, table: str) -> int:
    """Bytes."""
    row = connection.execute(f"SELECT {function}('{table}')").fetchone()
    assert row is not None
    return int(row[0])


def _took(do: Callable[[], object]) -> float:
    """Milliseconds of the fastest of five."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
    return round(min(times) * 1000, 2)


def _told(parked: int, turn: int, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "parked": parked,
        "turn": turn,
        "journeys_per_s": round(found["per_s"], 1),
        "cpu_ms": round(found["cpu_ms"], 1),
        "ack_ms": [round(each, 1) for each in found["ack"]],
        "back_ms": [round(each, 1) for each in found["back"]],
        "foreign": round(found["foreign"], 2),
    }


def _compared(
    turns: Sequence[dict[int, dict[str, Any]]], first: int, parked: int
) -> dict[str, object]:
    """Ratios within each turn: all of them in order, and their median."""
    ratios = {
        name: sorted(round(turn[parked][name] / turn[first][name], 2) for turn in turns)
        for name in ("per_s", "cpu_ms")
    }
    return {name: {"median": round(median(each), 2), "all": each} for name, each in ratios.items()}


if __name__ == "__main__":
    main()
