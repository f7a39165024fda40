"""The embedded default, watched: one process on SQLite, its letters in a folder, for all tests that ask for it."""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from onboarding import db
from tests.faults.stage import a_stage, until
from tests.faults.test_crash_points import an_endpoint
from tests.receiving import Receiver
from tests.threats.canary import sinks
from tests.threats.canary.watched import LOUD, Watched
from tests.tracing import a_collector


@pytest.fixture(scope="package")
def embedded(sqlite_template: Path, servers_folder: Path) -> Iterator[Watched]:
    with a_program(sqlite_template, Path(mkdtemp(dir=servers_folder))) as made:
        an_endpoint(made.stage, made.receiver.url)
        yield made


@contextmanager
def a_program(template: Path, folder: Path, **more: str) -> Iterator[Watched]:
    """`onboarding serve` at debug level, on a new database in this folder."""
    file = folder / "onboarding.db"
    shutil.copy(template, file)
    with a_collector() as collector, closing(Receiver()) as receiver:
        told = LOUD | {"ONBOARDING_OTLP_ENDPOINT": collector.url} | more
        with a_stage(f"sqlite:///{file}", "", folder, "serve", **told) as stage:
            made = Watched(stage, receiver, collector, lambda: of_database(file))
            made.listens_to(stage.http)
            yield made


def of_database(file: Path) -> dict[str, Iterable[bytes]]:
    """Its log, what readers share, the file with its free pages, a dump, and the letters beside it."""
    log, index = (file.with_name(f"{file.name}-{end}").read_bytes() for end in ("wal", "shm"))
    with closing(sqlite3.connect(file)) as connection:
        dump = "\n".join(connection.iterdump()).encode()
    return {
        "database log": [log],
        "database index": [index],
        "database file": [written_out(file)],
        "dump": [dump],
        "mail folder": sinks.letters(file.parent / "mail"),
    }


def written_out(file: Path) -> bytes:
    """The file with all that was in its log, which is empty then. Nobody here may have it open."""
    db.engine().dispose()

    def moved() -> bool:
        with closing(sqlite3.connect(file)) as connection:
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    until(moved, "somebody holds the log")
    return file.read_bytes()
