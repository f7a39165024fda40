"""Whether taking out what is over disturbs who moves: `python -m benchmarks.archiving [--finished N] [--seconds N]`.

A million onboardings that were cancelled a year ago, each with four steps of history, and the journey of
`benchmarks.journeys` before, while and after `onboarding archive` takes them out, for so many seconds at
most: whoever stops it loses nothing. Printed: journeys a second and latency of each of the three, the later
ones as ratios to the first; how many went in a second; the strongest lock on a table, and the longest wait
for any, that was seen meanwhile; what the tables take before, after, and once they have been vacuumed.
"""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from benchmarks.journeys.__main__ import POSTGRES, a_place, disk
from benchmarks.journeys.contest import WARM_UP, Place, ask, started
from benchmarks.parked import OURSELVES
from tests.servers.postgres import Postgres
from tests.servers.valkey import valkey_server

# Journeys before and after; meanwhile, as many slices as there is time for.
SLICE: Final = 1_000
# Seconds between two looks at who holds and who waits.
LOOK: Final = 0.05
FINISH: Final = """
INSERT INTO onboardings (id, reference, state, sequence, rule_set, answers, locale, contact_email,
    contact_hash, created_at, entered_at, reminders)
SELECT gen_random_uuid(), 'ONB-F' || number, 'cancelled', 4, '2026', '{}', 'en',
    'seller' || number || '@shop.example', md5(number::text), ended - interval '1 hour', ended, 0
FROM (
    SELECT number, now() - interval '365 days' - interval '20 days' * random() AS ended
    FROM generate_series(1, %(finished)s) AS number
) AS finished;
INSERT INTO transitions (onboarding_id, sequence, event, source, target, actor_kind, actor_id, at,
    rule_set, details)
SELECT id, step, 'cancel', CASE WHEN step > 1 THEN 'started' END, 'cancelled', 'seller',
    'browser', created_at + interval '1 minute' * step, rule_set, '{}'
FROM onboardings, generate_series(1, 4) AS step WHERE reference LIKE 'ONB-F%%';
"""
# What programs hold on our tables, as a number: the greater, the more it keeps away. Autovacuum gives way.
HELD: Final = """
SELECT coalesce(max(array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock',
    'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
    'AccessExclusiveLock'], mode)), 0)
FROM pg_locks
JOIN pg_class ON pg_class.oid = relation
JOIN pg_stat_activity USING (pid)
WHERE locktype = 'relation' AND backend_type = 'client backend' AND granted
    AND relname IN ('onboardings', 'transitions', 'messages')
"""
MODES: Final = (
    *("none", "access share", "row share", "row exclusive", "share update exclusive"),
    *("share", "share row exclusive", "exclusive", "access exclusive"),
)
LEFT: Final = "SELECT count(*) FROM onboardings WHERE state = 'cancelled'"
WAITED: Final = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)
FROM pg_locks WHERE NOT granted
"""


@dataclass
class Seen:
    """The strongest lock on a table, and the longest wait for any lock in seconds."""

    strongest: int = 0
    waited: float = 0.0


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--finished", type=int, default=1_000_000)
    asked.add_argument("--seconds", type=float, default=120)
    asked.add_argument("--clients", type=int, default=8)
    given = asked.parse_args()
    with (
        disk() as folder,
        Postgres.start(folder, **POSTGRES) as postgres,
        valkey_server(folder) as valkey,
    ):
        place = a_place(postgres, valkey, folder, "archiving")
        subprocess.run(OURSELVES.command("prepare", place), env=place.environment, check=True)
        with psycopg.connect(place.dsn, autocommit=True) as connection:
            fill(connection, given.finished)
            sizes = {"before": size(connection)}
            with started(OURSELVES, place, place.environment) as (client, _):
                ask(client, given.clients, WARM_UP)
                told = walked_beside(client, connection, place, given)
            sizes["after"] = size(connection)
            connection.execute("VACUUM")
            sizes["vacuumed"] = size(connection)
    print(json.dumps({"finished": given.finished, **told, "mb": sizes}, indent=1))


def fill(connection: "psycopg.Connection[Any]", finished: int) -> None:
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute(FINISH, {"finished": finished})
    connection.execute("VACUUM ANALYZE")


def walked_beside(
    client: "subprocess.Popen[str]",
    connection: "psycopg.Connection[Any]",
    place: Place,
    given: argparse.Namespace,
) -> dict[str, Any]:
    """Journeys alone, beside the archiving until it ends, and alone again."""
    alone = ask(client, given.clients, SLICE)
    during: list[dict[str, Any]] = []
    with looking(place.dsn) as seen:
        began = time.monotonic()
        archiving = subprocess.Popen(
            [sys.executable, "-m", "onboarding", "archive", "--older-than", "30", "--json"],
            cwd=place.folder,
            env=place.environment,
            stdout=subprocess.DEVNULL,
        )
        while archiving.poll() is None and time.monotonic() - began < given.seconds:
            during.append(ask(client, given.clients, SLICE))
        archiving.send_signal(signal.SIGINT)
        archiving.wait(30)
        seconds = time.monotonic() - began
    archived = given.finished - _number(connection, LEFT)
    after = ask(client, given.clients, SLICE)
    return {
        "archived": archived,
        "archived_a_second": round(archived / seconds),
        "alone": told([alone], alone),
        "beside": told(during, alone),
        "afterwards": told([after], alone),
        "strongest_lock": MODES[seen.strongest],
        "longest_wait_ms": round(seen.waited * 1000),
    }


def told(slices: list[dict[str, Any]], alone: dict[str, Any]) -> dict[str, Any]:
    """Of slices: the mean, and the ratio to one that had the machine to itself."""
    per_s = sum(each["journeys"] for each in slices) / sum(each["seconds"] for each in slices)
    ack = [sum(each["ack"][part] for each in slices) / len(slices) for part in (0, 1)]
    return {
        "journeys_a_second": round(per_s, 1),
        "of_alone": round(per_s * alone["seconds"] / alone["journeys"], 2),
        "ack_ms": [round(each, 1) for each in ack],
        "ack_of_alone": [round(ack[part] / alone["ack"][part], 2) for part in (0, 1)],
    }


@contextmanager
def looking(dsn: str) -> Iterator[Seen]:
    """Looks again and again, at who holds and who waits, until the end of the block."""
    seen, over = Seen(), threading.Event()

    def look() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not over.wait(LOOK):
                seen.strongest = max(seen.strongest, int(_number(connection, HELD)))
                seen.waited = max(seen.waited, _number(connection, WAITED))

    looks = threading.Thread(target=look)
    looks.start()
    try:
        yield seen
    finally:
        over.set()
        looks.join()


def size(connection: "psycopg.Connection[Any]") -> dict[str, float]:
    """MB of each table, with its indexes."""
    return {
        table: round(_number(connection, f"SELECT pg_total_relation_size('{table}')") / 1e6, 1)
        for table in ("onboardings", "transitions")
    }


def _number(connection: "psycopg.Connection[Any]", question: str) -> float:
    row = connection.execute(question).fetchone()
    assert row is not None
    return float(row[0])


if __name__ == "__main__":
    main()
