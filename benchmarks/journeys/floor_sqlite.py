"""The limit of the embedded way: SQLite in the process, one writer that commits for all who wait.

People are threads, as everywhere; they hand what they want to write to the writer, and are answered after
the commit that holds it. Tasks are carried out by one more thread, in the order of their rows.
"""

import queue
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from benchmarks.journeys.clients import BACK, LETTER, PATIENCE, Mouth, drive
from benchmarks.journeys.machine import MOVES, REPORTS, STEPS

TABLES: Final = """
PRAGMA journal_mode = WAL;
CREATE TABLE onboarding (id BLOB PRIMARY KEY, state TEXT NOT NULL, seq INT NOT NULL,
    entered_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE history (onboarding_id BLOB, seq INT, event TEXT, source TEXT, target TEXT, actor TEXT,
    at TEXT, PRIMARY KEY (onboarding_id, seq)) WITHOUT ROWID;
CREATE TABLE job (id INTEGER PRIMARY KEY, onboarding_id BLOB, task TEXT);
"""
CREATE: Final = "INSERT INTO onboarding VALUES (?, 'started', 1, current_timestamp)"
MOVE: Final = """
UPDATE onboarding SET state = ?, seq = seq + 1, entered_at = current_timestamp
WHERE id = ? AND state = ? RETURNING seq
"""
ENTER: Final = "INSERT INTO history VALUES (?, ?, ?, ?, ?, 'seller', current_timestamp)"
PROMISE: Final = "INSERT INTO job (onboarding_id, task) VALUES (?, ?)"
FINISH: Final = "DELETE FROM job WHERE id = ?"

# The onboarding's key, the job's, and what it promises; a job that was promised is known by its row.
Job = tuple[int, bytes, str]
Change = Callable[[sqlite3.Connection], Job | None]
Answers = queue.SimpleQueue[None]


def file(folder: Path) -> Path:
    return folder / "journeys.sqlite"


def prepare(folder: Path) -> None:
    with closing(sqlite3.connect(file(folder))) as connection:
        connection.executescript(TABLES)


class Writer:
    """One thread with the one connection that writes; whatever waits for it goes into one commit."""

    def __init__(self, path: Path) -> None:
        self._asked = queue.SimpleQueue[tuple[Change, Answers]]()
        self.promised = queue.SimpleQueue[Job]()
        self.commits = self.rows = 0
        threading.Thread(target=self._write, args=(path,), daemon=True).start()

    def ask(self, change: Change, answers: Answers) -> None:
        self._asked.put((change, answers))

    def _write(self, path: Path) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        while True:
            group = [self._asked.get()]
            while not self._asked.empty():
                group.append(self._asked.get())
            connection.execute("BEGIN IMMEDIATE")
            jobs = [change(connection) for change, _ in group]
            connection.execute("COMMIT")
            self.commits, self.rows = self.commits + 1, connection.total_changes
            for job, (_, answers) in zip(jobs, group, strict=True):
                if job:
                    self.promised.put(job)
                answers.put(None)


def create(key: bytes) -> Change:
    def change(connection: sqlite3.Connection) -> None:
        connection.execute(CREATE, (key,))
        connection.execute(ENTER, (key, 1, "start", None, "started"))

    return change


def move(key: bytes, event: str, source: str, target: str, task: str | None) -> Change:
    def change(connection: sqlite3.Connection) -> Job | None:
        (seq,) = connection.execute(MOVE, (target, key, source)).fetchone()
        connection.execute(ENTER, (key, seq, event, source, target))
        if not task:
            return None
        row = connection.execute(PROMISE, (key, task)).lastrowid
        assert row
        return row, key, task

    return change


class Walk:
    def __init__(self, writer: Writer) -> None:
        self._writer, self._answers = writer, Answers()

    def create(self) -> str:
        key = uuid4().bytes
        self._wait_for(create(key))
        return key.hex()

    def move(self, onboarding: str, step: int) -> None:
        self._wait_for(move(bytes.fromhex(onboarding), *MOVES[step]))

    def _wait_for(self, change: Change) -> None:
        self._writer.ask(change, self._answers)
        self._answers.get(timeout=PATIENCE)


def work(writer: Writer, mouth: Mouth) -> None:
    """Carries out what was promised, batch by batch; what it reports is in the commit that ends the task."""
    answers = Answers()
    while True:
        jobs = [writer.promised.get()]
        while not writer.promised.empty():
            jobs.append(writer.promised.get())
        for job in jobs:
            if job[2] == "letter":
                mouth.write(job[1].hex())
            writer.ask(finish(*job), answers)
        for _, key, task in jobs:
            answers.get(timeout=PATIENCE)
            mouth.tell(LETTER if task == "letter" else BACK, key.hex())


def finish(row: int, key: bytes, task: str) -> Change:
    def change(connection: sqlite3.Connection) -> Job | None:
        connection.execute(FINISH, (row,))
        if task == "letter":
            return None
        source, event, target, promised = REPORTS[task]
        return move(key, event, source, target, promised)(connection)

    return change


def client(port: int, folder: Path) -> None:
    writer = Writer(file(folder))
    threading.Thread(target=work, args=(writer, Mouth(port, folder)), daemon=True).start()

    def written() -> dict[str, Any]:
        # One flush of the WAL a commit; those of checkpoints come on top.
        return {"commits": writer.commits, "flushes": writer.commits, "rows": writer.rows}

    drive(lambda: Walk(writer), STEPS, port, written)


def main(role: str, dsn: str, port: str, folder: str) -> None:
    match role:
        case "prepare":
            prepare(Path(folder))
        case "client":
            client(int(port), Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
