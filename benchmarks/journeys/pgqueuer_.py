"""pgqueuer 1.6 over asyncpg, as its guide to performance advises.

Larger batches for short tasks, autovacuum tuned, one connection of its own for the queue, durable tables;
it wakes its worker by NOTIFY. Tasks are enqueued in the event's transaction. Both sides run on uvloop,
as its own command does; each person has a loop and a connection.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.journeys.clients import BACK, LETTER, Mouth, drive
from benchmarks.journeys.machine import CREATE, MOVE, MOVES, REPORTS, STEPS, TABLES

BATCH: Final = 25
CONNECTIONS: Final = 8


def numbered(statement: str, *names: str) -> str:
    """Psycopg's names as asyncpg's numbers."""
    for number, name in enumerate(names, 1):
        statement = statement.replace(f"%({name})s", f"${number}")
    return statement


NUMBERED_CREATE: Final = numbered(CREATE, "id")
NUMBERED_MOVE: Final = numbered(MOVE, "id", "event", "from", "to")


async def prepare(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLES)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    await queries.optimize_autovacuum()
    await connection.close()


class Walk:
    def __init__(self, dsn: str) -> None:
        self._loop = uvloop.new_event_loop()
        self._connection = self._loop.run_until_complete(asyncpg.connect(dsn))

    def create(self) -> str:
        onboarding = uuid4()
        self._loop.run_until_complete(self._connection.execute(NUMBERED_CREATE, onboarding))
        return onboarding.hex

    def move(self, onboarding: str, step: int) -> None:
        self._loop.run_until_complete(move(self._connection, onboarding, *MOVES[step]))


async def move(
    connection: Any, onboarding: str, event: str, source: str, target: str, task: str | None
) -> None:
    async def fire() -> None:
        given = (UUID(onboarding), event, source, target)
        if await connection.execute(NUMBERED_MOVE, *given) != "INSERT 0 1":
            raise RuntimeError(f"{event} found no onboarding in {source}")

    if task is None:
        await fire()
        return
    async with connection.transaction():
        await fire()
        await Queries(AsyncpgDriver(connection)).enqueue(task, onboarding.encode())


async def work(dsn: str, mouth: Mouth) -> None:
    queue = PgQueuer(AsyncpgDriver(await asyncpg.connect(dsn)))
    pool = await asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS)

    async def report(job: Job) -> None:
        onboarding, (source, event, target, task) = job.payload.decode(), REPORTS[job.entrypoint]
        async with pool.acquire() as connection:
            await move(connection, onboarding, event, source, target, task)
        mouth.tell(BACK, onboarding)

    async def letter(job: Job) -> None:
        onboarding = job.payload.decode()
        mouth.write(onboarding)
        mouth.tell(LETTER, onboarding)

    for task in REPORTS:
        queue.entrypoint(task)(report)
    queue.entrypoint("letter")(letter)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, queue.shutdown.set)
    await queue.run(batch_size=BATCH)


def main(role: str, dsn: str, port: str, folder: str) -> None:
    match role:
        case "prepare":
            asyncio.run(prepare(dsn))
        case "client":
            drive(lambda: Walk(dsn), STEPS, int(port))
        case "worker":
            uvloop.run(work(dsn, Mouth(int(port), Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
