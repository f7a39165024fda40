"""Nobody is told of what the disk may not have: not who wrote it, nor who reads it. One flush serves several."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from onboarding import alone, db
from onboarding.db import reading, transaction
from onboarding.errors import DatabaseAway, OutcomeUnknown
from onboarding.models import Onboarding
from onboarding.sealing import Keyring
from onboarding.sqlite_writer import Writer, flush_wal
from tests import builders
from tests.builders import SELLER
from tests.faults.stage import until
from tests.web.answering import furnished
from tests.web.visiting import Visitor


class Disk:
    """One that takes its time: each flush waits until somebody lets it go on."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def flush(self, _database: str) -> None:
        self.begun.release()
        assert self.go_on.acquire(timeout=30)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def people() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def commit(writer: Writer) -> None:
    with writer.turn() as about_to_commit:
        about_to_commit()


def commit_and_keep(writer: Writer) -> None:
    commit(writer)
    writer.keep()


def test_one_flush_serves_all_who_have_committed_before_it(
    disk: Disk, people: ThreadPoolExecutor
) -> None:
    writer = Writer("some.db", disk.flush)
    first = people.submit(commit_and_keep, writer)
    assert disk.begun.acquire(timeout=30)
    # The turn is free while the disk is busy.
    for _ in range(5):
        commit(writer)
    others = [people.submit(writer.keep) for _ in range(5)]
    disk.go_on.release()
    first.result(30)
    # Theirs came after that flush had begun, so it is not one for them.
    assert disk.begun.acquire(timeout=30)
    assert not any(one.done() for one in others)
    disk.go_on.release()
    for one in others:
        one.result(30)
    assert writer.flushes == 2


def test_who_has_nothing_new_to_see_waits_for_nothing() -> None:
    asked: list[str] = []
    writer = Writer("some.db", asked.append)
    writer.keep()
    assert asked == []
    commit_and_keep(writer)
    writer.keep()
    assert asked == ["some.db"]


def test_who_sees_a_commit_before_it_is_counted_waits_for_it(
    disk: Disk, people: ThreadPoolExecutor
) -> None:
    """Between SQLite's COMMIT and our count others see what it wrote."""
    writer, seen, go_on = Writer("some.db", disk.flush), threading.Event(), threading.Event()

    def commit_slowly() -> None:
        with writer.turn() as about_to_commit:
            about_to_commit()
            seen.set()
            assert go_on.wait(30)

    slow = people.submit(commit_slowly)
    assert seen.wait(30)
    reader = people.submit(writer.keep)
    go_on.set()
    slow.result(30)
    assert disk.begun.acquire(timeout=30)
    assert not reader.done()
    disk.go_on.release()
    reader.result(30)


def test_a_rollback_asks_nothing_of_the_disk() -> None:
    asked: list[str] = []
    writer = Writer("some.db", asked.append)
    with pytest.raises(ZeroDivisionError), writer.turn():
        1 / 0  # noqa: B018 - whatever goes wrong
    writer.keep()
    assert asked == []


def test_a_disk_that_has_failed_is_not_believed_again() -> None:
    answers: list[OSError | None] = [OSError(5, "Input/output error"), None]

    def flush(_: str) -> None:
        if error := answers.pop(0):
            raise error

    writer = Writer("some.db", flush)
    for _ in range(2):
        with pytest.raises(DatabaseAway):
            writer.keep() if writer.flushes else commit_and_keep(writer)
    with pytest.raises(DatabaseAway), writer.turn():
        pytest.fail("what is written now would be lost with what was")
    assert answers == [None]


def test_what_is_in_memory_needs_no_disk() -> None:
    writer = Writer(None, lambda _: pytest.fail("there is nothing to flush"))
    commit_and_keep(writer)


def test_a_database_without_a_log_has_all(tmp_path: Path) -> None:
    flush_wal(str(tmp_path / "nothing.db"))


class Stalled:
    """A disk that does not answer, until it fails: instead of the log, a pipe that nobody has opened yet.

    Whoever has the log open goes on with it, so connections are made before.
    """

    def __init__(self, engine: Engine) -> None:
        self.log = Path(f"{engine.url.database}-wal")
        connections = [engine.connect() for _ in range(4)]
        for each in connections:
            each.exec_driver_sql("SELECT count(*) FROM onboardings").all()
            each.rollback()
        self._onlooker = connections[0]
        self._others = connections[1:]
        self._opened: int | None = None

    def stall(self) -> None:
        for each in self._others:
            each.close()
        self.log.rename(f"{self.log}.aside")
        os.mkfifo(self.log)

    def fail(self) -> None:
        # For reading, too, or it would wait until somebody flushes.
        self._opened = self._opened or os.open(self.log, os.O_RDWR)

    def is_visible(self) -> bool:
        """Whether an onboarding is committed; asked past our own code."""
        looked: Any = self._onlooker.connection.driver_connection
        (count,) = looked.execute("SELECT count(*) FROM onboardings").fetchone()
        return bool(count == 1)

    def mend(self) -> None:
        self.fail()
        assert self._opened is not None
        os.close(self._opened)
        self.log.unlink()
        Path(f"{self.log}.aside").rename(self.log)
        self._onlooker.close()


# Asked for after `people`, so that nobody waits for it any more when those are waited for.
@pytest.fixture
def stalled(sqlite: Engine) -> Iterator[Stalled]:
    made = Stalled(sqlite)
    made.stall()
    yield made
    made.mend()


def start() -> None:
    alone.start(SELLER, locale="en", rule_set="2026")


def test_neither_who_writes_nor_who_reads_goes_on_before_the_disk_has_it(
    people: ThreadPoolExecutor, stalled: Stalled
) -> None:
    """Committed and visible, told to nobody; and when the disk fails, nobody says that it has happened."""
    seen: list[int] = []

    def read() -> None:
        with reading() as session:
            seen.append(len(session.scalars(select(Onboarding.id)).all()))

    writes = people.submit(start)
    until(stalled.is_visible, "it is not committed")
    reads = people.submit(read)
    until(lambda: seen == [1], "it is not seen")
    assert not writes.done()
    assert not reads.done()
    stalled.fail()
    with pytest.raises(OutcomeUnknown):
        writes.result(30)
    with pytest.raises(DatabaseAway):
        reads.result(30)


def test_a_transaction_waits_for_the_disk_as_a_statement_alone_does(
    people: ThreadPoolExecutor, stalled: Stalled
) -> None:
    told: list[str] = []

    def write() -> None:
        with transaction() as session:
            db.after_commit(session, lambda: told.append("told"))
            builders.start(session)

    writes = people.submit(write)
    until(stalled.is_visible, "it is not committed")
    assert not writes.done()
    stalled.fail()
    with pytest.raises(OutcomeUnknown):
        writes.result(30)
    assert told == []


@pytest.fixture
def visitor(sqlite: Engine, ring: Keyring) -> Visitor:
    return Visitor(furnished(ring))


def test_nothing_is_acknowledged_once_the_disk_has_failed(
    visitor: Visitor, people: ThreadPoolExecutor, stalled: Stalled
) -> None:
    """Until the program starts again: a disk may say later that it has what it lost."""
    failed = people.submit(start)
    until(stalled.is_visible, "it is not committed")
    stalled.fail()
    with pytest.raises(OutcomeUnknown):
        failed.result(30)
    answers = [visitor.get("/en"), visitor.get("/readyz")]
    assert [each.status_code for each in answers] == [503, 503]


def test_alone_each_transaction_has_a_flush_of_its_own(sqlite: Engine) -> None:
    writer = db.writer()
    assert writer is not None
    before = writer.flushes
    for _ in range(5):
        start()
    with reading() as session:
        assert len(session.scalars(select(Onboarding.id)).all()) == 5
    assert writer.flushes - before == 5
