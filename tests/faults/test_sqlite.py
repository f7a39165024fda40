"""F31: another process that holds SQLite's only writing lock, and a log that was cut off in the middle."""

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from onboarding.sealing import Keyring
from tests.builders import an_onboarding, promised, state_of
from tests.web.calling import a_system, expect, refused, served
from workers import turns

HOLDER = (
    "import sqlite3, sys\n"
    "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    "connection.execute('BEGIN IMMEDIATE')\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()"
)
COMMITS = 60
CUTS = 40


def test_who_cannot_write_is_told_to_come_back_and_who_reads_waits_for_nobody(
    sqlite: Engine, ring: Keyring
) -> None:
    caller = a_system(served(ring))
    onboarding = caller.start()
    cancel = {"event": "cancel", "data": {}}
    with impatient(sqlite), locked(sqlite):
        answer = caller.post(onboarding["links"]["events"], cancel)
        refused(answer, 503, "busy")
        assert int(answer.headers["retry-after"]) > 0
        assert caller.look(onboarding)["state"] == "started"
        assert expect(caller.get("/readyz"), 200)["status"] == "ok"
    assert expect(caller.post(onboarding["links"]["events"], cancel), 200)["state"] == "cancelled"


def test_a_task_that_cannot_write_comes_due_again(sqlite: Engine) -> None:
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised("generate_secret")
    with impatient(sqlite), locked(sqlite):
        with pytest.raises(OperationalError, match="locked"):
            turns.run(str(message.id))
        assert [kept.attempts for kept in promised("generate_secret")] == [0]
    turns.run(str(message.id))
    assert state_of(onboarding_id) == "secret_ready"


def test_what_was_acknowledged_survives_kill_9_and_a_log_that_is_torn_anywhere(
    sqlite: Engine, tmp_path: Path
) -> None:
    """The tail of the log is what a power cut may tear; whatever is left of it is whole."""
    path = Path(str(sqlite.url.database))
    acknowledged = killed_while_committing(sqlite)
    sqlite.dispose()
    log = path.with_name(path.name + "-wal").read_bytes()
    assert log, "it was torn off in the middle, not put away in order"

    assert acknowledged <= found_in(path, log, tmp_path)
    assert acknowledged <= found_in(path, log + random.randbytes(5000), tmp_path)
    chance = random.Random(31)
    sizes = sorted(chance.randrange(len(log)) for _ in range(CUTS))
    left = [found_in(path, log[:size], tmp_path) for size in sizes]
    assert all(before <= after for before, after in pairwise(left))


def killed_while_committing(engine: Engine) -> set[str]:
    """Those that a process had acknowledged when it was killed."""
    program = Path(__file__).with_name("committing.py")
    url = engine.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, program, url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(COMMITS)]
        process.kill()
        said += process.stdout.readlines()
    return {line.strip().replace("-", "") for line in said if line.endswith("\n")}


def found_in(path: Path, log: bytes, folder: Path) -> set[str]:
    """The onboardings in a copy of the database with this log, once it is known to be whole."""
    copy = folder / "copy.db"
    shutil.copy(path, copy)
    copy.with_name("copy.db-wal").write_bytes(log)
    copy.with_name("copy.db-shm").unlink(missing_ok=True)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        rows: list[Any] = connection.execute(
            "SELECT o.id, o.state, o.sequence, count(t.sequence) FROM onboardings o"
            " JOIN transitions t ON t.onboarding_id = o.id GROUP BY o.id"
        ).fetchall()
    assert {row[1:] for row in rows} <= {("cancelled", 2, 2)}, "all of a transaction, or nothing"
    return {row[0] for row in rows}


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Another process has begun to write, and takes its time."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(engine.url.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()


@contextmanager
def impatient(engine: Engine) -> Iterator[None]:
    """Connections that wait for the lock for a moment, where ours wait five seconds."""

    def hurry(connection: Any, record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 50")

    engine.dispose()
    event.listen(engine, "connect", hurry)
    yield
    event.remove(engine, "connect", hurry)
    engine.dispose()
