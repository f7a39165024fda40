"""Procrastinate 3.10 over psycopg, as its production pages advise.

A job is deferred on the connection of the event's transaction; the worker carries out asynchronous tasks
side by side, is woken by NOTIFY, and deletes the jobs that have succeeded, so that its table stays small.
"""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import procrastinate
import psycopg
from psycopg_pool import AsyncConnectionPool

from benchmarks.journeys import machine
from benchmarks.journeys.clients import BACK, LETTER, Mouth, drive
from benchmarks.journeys.machine import MOVE, REPORTS, STEPS, TABLES, given

CONCURRENCY: Final = 8


def application(connector: Any) -> Any:
    """The tasks by name alone: who defers them need not have them."""
    return procrastinate.App(connector=connector)


def prepare(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(TABLES)
    app = application(procrastinate.SyncPsycopgConnector(conninfo=dsn))
    with app.open():
        app.schema_manager.apply_schema()


class Walk:
    def __init__(self, dsn: str, app: Any) -> None:
        self._connection, self._app = psycopg.connect(dsn, autocommit=True), app
        self._connection.prepare_threshold = 0

    def create(self) -> str:
        return machine.create(self._connection)

    def move(self, onboarding: str, step: int) -> None:
        if machine.MOVES[step][3] is None:
            machine.step(self._connection, onboarding, step)
            return
        with self._connection.transaction():
            task = machine.step(self._connection, onboarding, step)
            job = self._app.configure_task(task, connection=self._connection)
            job.defer(onboarding=onboarding)


async def work(dsn: str, mouth: Mouth) -> None:
    app = application(procrastinate.PsycopgConnector(conninfo=dsn, max_size=CONCURRENCY + 2))
    # As psycopg advises for what is run again and again; the connector's own pool keeps its default.
    ready = {"autocommit": True, "prepare_threshold": 0}
    pool = AsyncConnectionPool(dsn, min_size=CONCURRENCY, open=False, kwargs=ready)

    async def report(onboarding: str, task: str) -> None:
        source, event, target, promised = REPORTS[task]
        async with pool.connection() as connection, connection.transaction():
            moved = await connection.execute(MOVE, given(onboarding, event, source, target))
            assert moved.rowcount == 1, (UUID(onboarding), event)
            if promised:
                job = app.configure_task(promised, connection=connection)
                await job.defer_async(onboarding=onboarding)
        mouth.tell(BACK, onboarding)

    @app.task(name="secret")
    async def secret(onboarding: str) -> None:
        await report(onboarding, "secret")

    @app.task(name="check")
    async def check(onboarding: str) -> None:
        await report(onboarding, "check")

    @app.task(name="letter")
    async def letter(onboarding: str) -> None:
        mouth.write(onboarding)
        mouth.tell(LETTER, onboarding)

    async with app.open_async(), pool:
        await app.run_worker_async(concurrency=CONCURRENCY, delete_jobs="successful")


def client(dsn: str, port: int) -> None:
    app = application(procrastinate.SyncPsycopgConnector(conninfo=dsn))
    with app.open():
        drive(lambda: Walk(dsn, app), STEPS, port)


def main(role: str, dsn: str, port: str, folder: str) -> None:
    # It warns that its tasks stand in the module that was started, which is meant.
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    match role:
        case "prepare":
            prepare(dsn)
        case "client":
            client(dsn, int(port))
        case "worker":
            asyncio.run(work(dsn, Mouth(int(port), Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
