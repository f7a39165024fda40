"""This project in one process: SQLite, no broker, its tasks on threads beside the people's."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from benchmarks.journeys import ours
from benchmarks.journeys.clients import Mouth, drive
from onboarding import db, outbox
from workers import tasks
from workers.publisher import EmbeddedPublisher

# As many as `serve` has.
THREADS = 2


class Counter:
    """What an engine's connections have written since they were opened."""

    def __init__(self, engine: Engine) -> None:
        self._connections: list[sqlite3.Connection] = []
        self._commits = 0
        event.listen(engine, "do_connect", self._have_them_count)
        event.listen(engine, "connect", lambda opened, _: self._connections.append(opened))

    def _have_them_count(self, *given: Any) -> None:
        """A trace would write each statement out with its values, for the one that is counted."""
        counter = self

        class Counting(sqlite3.Connection):
            def execute(self, text: str, *values: Any) -> sqlite3.Cursor:
                counter._commits += text == "COMMIT"
                return super().execute(text, *values)

            def commit(self) -> None:
                counter._commits += 1
                super().commit()

        given[-1]["factory"] = Counting

    def written(self) -> dict[str, Any]:
        """The flushes that transactions wait for; those of checkpoints come on top."""
        rows = sum(connection.total_changes for connection in self._connections)
        writer = db.writer()
        flushes = writer.flushes if writer else 0
        return {"commits": self._commits, "flushes": flushes, "rows": rows}


def walk(port: int, folder: Path, counter: Counter) -> None:
    tasks.TASKS.update(ours.work_of(Mouth(port, folder)))
    outbox.publish_with(EmbeddedPublisher(THREADS).publish)
    drive(ours.Walk, ours.STEPS, port, counter.written)


def main(role: str, _: str, port: str, folder: str) -> None:
    engine = db.connect(f"sqlite:///{Path(folder) / 'onboarding.db'}")
    counter = Counter(engine)
    match role:
        case "prepare":
            ours.prepare(Path(folder))
        case "client":
            walk(int(port), Path(folder), counter)


if __name__ == "__main__":
    main(*sys.argv[1:])
