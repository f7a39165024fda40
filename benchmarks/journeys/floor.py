"""The raw limit: psycopg, one statement for each event, tasks claimed and finished in batches.

It cheats in ways that a product may not: the statement knows the state that it expects, and tasks are
carried out within the transaction that claims them, so there is no lease.
"""

import socket
import sys
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg

from benchmarks.journeys.clients import BACK, LETTER, Mouth, drive
from benchmarks.journeys.machine import CREATE, MOVES, REPORTS, STEPS, TABLES

JOBS: Final = """
CREATE TABLE job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, onboarding_id uuid, task text);
"""
MOVE: Final = """
WITH o AS (UPDATE onboarding SET state = %(to)s, seq = seq + 1, entered_at = now()
           WHERE id = ANY(%(ids)s) AND state = %(from)s RETURNING id, seq),
     j AS (INSERT INTO job (onboarding_id, task) SELECT id, %(task)s FROM o WHERE %(task)s <> '')
INSERT INTO history SELECT id, seq, %(event)s, %(from)s, %(to)s, 'seller', now() FROM o
"""
CLAIM: Final = """
DELETE FROM job WHERE id IN (SELECT id FROM job ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED)
RETURNING onboarding_id, task
"""


def prepare(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(TABLES + JOBS)


class Walk:
    def __init__(self, dsn: str, wake: int) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._connection.prepare_threshold = 0
        self._bell, self._wake = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), wake

    def create(self) -> str:
        onboarding = uuid4()
        self._connection.execute(CREATE, {"id": onboarding})
        return onboarding.hex

    def move(self, onboarding: str, step: int) -> None:
        event, source, target, task = MOVES[step]
        moved = move(self._connection, [UUID(onboarding)], event, source, target, task)
        assert moved == 1, (event, moved)
        if task:
            self._bell.sendto(b"!", ("127.0.0.1", self._wake))


def move(
    connection: psycopg.Connection[Any],
    ids: list[UUID],
    event: str,
    source: str,
    target: str,
    task: str | None,
) -> int:
    given = {"ids": ids, "event": event, "from": source, "to": target, "task": task or ""}
    return connection.execute(MOVE, given).rowcount


def work(dsn: str, wake: int, mouth: Mouth) -> None:
    """One worker. A datagram wakes it; it looks every 50 ms all the same."""
    bell = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bell.bind(("127.0.0.1", wake))
    bell.settimeout(0.05)
    with psycopg.connect(dsn) as connection:
        connection.prepare_threshold = 0
        while True:
            while done := _batch(connection, mouth):
                for kind, onboarding in done:
                    mouth.tell(kind, onboarding)
            try:
                bell.recv(1)
            except TimeoutError:
                continue


def _batch(connection: psycopg.Connection[Any], mouth: Mouth) -> list[tuple[str, str]]:
    done = []
    with connection.transaction():
        jobs = connection.execute(CLAIM).fetchall()
        for task, (source, event, target, promised) in REPORTS.items():
            ids = [onboarding for onboarding, wanted in jobs if wanted == task]
            if ids:
                move(connection, ids, event, source, target, promised)
                done += [(BACK, one.hex) for one in ids]
        for onboarding, task in jobs:
            if task == "letter":
                mouth.write(onboarding.hex)
                done.append((LETTER, onboarding.hex))
    return done


def main(role: str, dsn: str, port: str, folder: str) -> None:
    wake = int(port) + 1
    match role:
        case "prepare":
            prepare(dsn)
        case "client":
            drive(lambda: Walk(dsn, wake), STEPS, int(port))
        case "worker":
            work(dsn, wake, Mouth(int(port), Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
