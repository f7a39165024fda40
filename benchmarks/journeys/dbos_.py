"""DBOS 3.4 with state in a row: workflows enqueued in the event's transaction, on a queue in PostgreSQL.

The queue is polled; a tenth of a second instead of the default one is what its reference offers for lower
latency. A task is a workflow of one step; its event and what that promises are one transaction.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from dbos import DBOS, DBOSClient
from sqlalchemy import Connection, Engine, create_engine, text

from benchmarks.journeys.clients import BACK, LETTER, Mouth, drive
from benchmarks.journeys.machine import CREATE, MOVE, MOVES, REPORTS, STEPS, TABLES, given

QUEUE: Final = "tasks"
# Seconds; its default is 1.0.
POLLED: Final = 0.1
NAME: Final = "journeys"
MOST_CLIENTS: Final = 64
# One for each workflow that runs; a parked one holds its thread.
THREADS: Final = 64


def launch(url: str) -> None:
    """It makes its tables where they are missing."""
    DBOS(
        config={
            "name": NAME,
            "system_database_url": url,
            "log_level": "ERROR",
            "max_executor_threads": THREADS,
        }
    )
    DBOS.launch()
    DBOS.register_queue(QUEUE, polling_interval_sec=POLLED, on_conflict="always_update")


def prepare(dsn: str, url: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(TABLES)
    launch(url)
    DBOS.destroy()


class Tasks:
    """Its client: on connections of ours it enqueues within our transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._client = DBOSClient(system_database_engine=engine, application_name=NAME)

    def create(self) -> str:
        onboarding = uuid4()
        with self._engine.begin() as connection:
            connection.execute(text(colons(CREATE)), {"id": onboarding})
        return onboarding.hex

    def move(self, onboarding: str, event: str, source: str, target: str, task: str | None) -> None:
        with self._engine.begin() as connection:
            self._fire(connection, given(onboarding, event, source, target))
            if task:
                options = {"workflow_name": task, "queue_name": QUEUE}
                self._client.enqueue_in_transaction(connection, options, onboarding)

    def _fire(self, connection: Connection, values: dict[str, Any]) -> None:
        if connection.execute(text(colons(MOVE)), values).rowcount != 1:
            raise RuntimeError(f"{values['event']} found no onboarding in {values['from']}")


def colons(statement: str) -> str:
    """Psycopg's names as SQLAlchemy's."""
    for name in ("id", "event", "from", "to"):
        statement = statement.replace(f"%({name})s", f":{name}")
    return statement


class Walk:
    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def create(self) -> str:
        return self._tasks.create()

    def move(self, onboarding: str, step: int) -> None:
        self._tasks.move(onboarding, *MOVES[step])


def work(url: str, tasks: Callable[[], Tasks], mouth: Mouth) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())

    @DBOS.step()
    def report(onboarding: str, task: str) -> None:
        source, event, target, promised = REPORTS[task]
        ready.move(onboarding, event, source, target, promised)
        mouth.tell(BACK, onboarding)

    @DBOS.step()
    def write(onboarding: str) -> None:
        mouth.write(onboarding)
        mouth.tell(LETTER, onboarding)

    @DBOS.workflow(name="secret")
    def secret(onboarding: str) -> None:
        report(onboarding, "secret")

    @DBOS.workflow(name="check")
    def check(onboarding: str) -> None:
        report(onboarding, "check")

    @DBOS.workflow(name="letter")
    def letter(onboarding: str) -> None:
        write(onboarding)

    ready = tasks()
    launch(url)
    ended.wait()
    DBOS.destroy()


def main(role: str, dsn: str, port: str, folder: str) -> None:
    logging.disable(logging.WARNING)
    url = os.environ["DATABASE_URL"]

    def tasks() -> Tasks:
        return Tasks(create_engine(url, pool_size=MOST_CLIENTS))

    match role:
        case "prepare":
            prepare(dsn, url)
        case "client":
            one = tasks()
            drive(lambda: Walk(one), STEPS, int(port))
        case "worker":
            work(url, tasks, Mouth(int(port), Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
