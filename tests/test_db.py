"""One transaction at a time is one unit of work; the database's clock decides; readers wait for nobody."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, insert, literal, select, text
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from onboarding import db
from onboarding.db import after_commit, clock, in_seconds, now, reading, transaction
from onboarding.engines import POOL_TIMEOUT
from onboarding.models import KeyCheck
from tests.racing import race

SQLITE = pysqlite.dialect()
# Python 3.12 and later warn of what these tests are about.
FORKS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def keep(key_id: str, created_at: datetime | None = None) -> None:
    with transaction() as session:
        values = {"key_id": key_id, "value": bytes(32)}
        at = {"created_at": created_at} if created_at else {}
        session.execute(insert(KeyCheck).values(**values, **at))


def kept() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(KeyCheck.key_id).order_by(KeyCheck.key_id)))


def test_a_block_that_ends_is_committed_and_one_that_raises_is_not(database: Engine) -> None:
    keep("a")

    def write_and_fail() -> None:
        with transaction() as session:
            session.add(KeyCheck(key_id="b", value=bytes(32)))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert kept() == ["a"]


def test_reading_leaves_rows_to_look_at(database: Engine) -> None:
    keep("a")
    with reading() as session:
        row = session.scalars(select(KeyCheck)).one()
    assert row.key_id == "a"


def test_reading_writes_nothing(database: Engine) -> None:
    with reading() as session, pytest.raises(RuntimeError, match="a look writes nothing"):
        session.execute(insert(KeyCheck).values(key_id="a", value=bytes(32)))
    with reading() as session:
        session.add(KeyCheck(key_id="a", value=bytes(32)))
        with pytest.raises(RuntimeError, match="a look writes nothing"):
            session.flush()
    assert kept() == []


def test_reading_waits_for_no_writer(database: Engine) -> None:
    keep("a")
    with transaction() as session:
        session.add(KeyCheck(key_id="b", value=bytes(32)))
        session.flush()
        assert race(kept) == [["a"]]
    assert kept() == ["a", "b"]


def test_what_comes_after_a_commit_comes_once_and_only_then(database: Engine) -> None:
    seen: list[object] = []
    with transaction() as session:
        after_commit(session, lambda: seen.append(kept()))
        session.add(KeyCheck(key_id="a", value=bytes(32)))
        assert seen == []
    assert seen == [["a"]]

    def fail() -> None:
        with transaction() as session:
            after_commit(session, lambda: seen.append("rolled back"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    keep("b")
    assert seen == [["a"]]


def test_what_comes_after_a_commit_may_fail_and_may_write(database: Engine) -> None:
    with transaction() as session:
        after_commit(session, lambda: 1 / 0)  # type: ignore[arg-type]
        after_commit(session, lambda: keep("after"))
        session.add(KeyCheck(key_id="a", value=bytes(32)))
    assert kept() == ["a", "after"]


def test_writers_at_once_wait_for_each_other(database: Engine) -> None:
    def count_up(name: str) -> None:
        for number in range(10):
            with transaction() as session:
                before = session.scalar(select(func.count()).select_from(KeyCheck))
                session.add(KeyCheck(key_id=f"{name}{number}:{before}", value=bytes(32)))

    assert race(*(partial(count_up, name) for name in "abcdefgh")) == [None] * 8
    assert len(kept()) == 80


def test_a_transaction_inside_another_is_refused_instead_of_waiting_for_ever(
    database: Engine,
) -> None:
    with pytest.raises(RuntimeError, match="open already"), transaction(), transaction():
        pass
    with pytest.raises(ZeroDivisionError), transaction():
        raise ZeroDivisionError
    keep("a")
    assert kept() == ["a"]


@given(
    moment=st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the strategy adds the zone
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - the same
        timezones=st.timezones(),
    )
)
def test_an_instant_comes_back_as_it_was(moment: datetime) -> None:
    written = db.UTCDateTime().process_bind_param(moment, SQLITE)
    assert written is not None
    back = db.UTCDateTime().process_result_value(written, SQLITE)
    # An hour that a change of the clocks repeats equals nothing in another zone.
    assert back == moment.astimezone(UTC)


def test_instants_of_all_zones_are_stored_as_one(database: Engine) -> None:
    moment = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
    keep("utc", moment)
    keep("east", moment.astimezone(timezone(timedelta(hours=14))))
    with reading() as session:
        rows = session.scalars(select(KeyCheck.created_at)).all()
        same = session.scalars(select(KeyCheck.key_id).where(KeyCheck.created_at == moment)).all()
    assert rows == [moment, moment]
    assert len(same) == 2


def test_the_clock_is_the_databases_and_in_utc(database: Engine) -> None:
    with reading() as session:
        first = clock(session)
        time.sleep(0.01)
        second = clock(session)
        stored = session.scalar(select(func.count()).where(now() > first))
    assert first.tzinfo is UTC
    assert first < second
    assert stored == 1
    assert abs(datetime.now(UTC) - first) < timedelta(minutes=1)


@pytest.mark.parametrize("seconds", [0, 0.001, 1, 60, 86400 * 90, -1, -3600.5, 1e-6, 1e9])
def test_seconds_from_now_are_seconds_from_now(database: Engine, seconds: float) -> None:
    with reading() as session:
        then, at = session.execute(select(in_seconds(seconds), now())).one()
    assert abs((then - at).total_seconds() - seconds) < 0.1


def test_one_query_for_many_lengths_keeps_them_apart(database: Engine) -> None:
    """A compiled statement is cached; what it is about must not be."""
    with reading() as session:
        waits = [
            session.execute(select(in_seconds(wait), now())).one() for wait in (10, -10, 3600, 10)
        ]
    assert [round((then - at).total_seconds()) for then, at in waits] == [10, -10, 3600, 10]


def test_stored_instants_and_the_clock_compare(database: Engine) -> None:
    keep("past", datetime.now(UTC) - timedelta(minutes=5))
    keep("future", datetime.now(UTC) + timedelta(minutes=5))
    keep("now")
    with reading() as session:
        due = session.scalars(
            select(KeyCheck.key_id).where(KeyCheck.created_at <= in_seconds(1))
        ).all()
    assert sorted(due) == ["now", "past"]


def test_a_connection_has_the_isolation_level_that_was_asked_for(postgresql: Engine) -> None:
    with postgresql.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM messages")
    with postgresql.connect() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"


def test_sqlite_has_a_log_and_forgets_what_is_deleted(sqlite: Engine) -> None:
    """Its COMMIT waits for no disk: `test_sqlite_writer` shows who does."""
    with sqlite.connect() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert said == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "secure_delete": 1}


def test_an_error_does_not_say_what_was_in_the_row(database: Engine) -> None:
    with pytest.raises(Exception, match="parameters hidden") as refused, transaction() as session:
        session.execute(text("SELECT :secret FROM nowhere"), {"secret": "mps_live_planted"})
    assert "mps_live_planted" not in f"{refused.value!r} {refused.value}"


@FORKS
def test_a_forked_child_opens_connections_of_its_own(database: Engine) -> None:
    keep("parent")
    with reading():
        child = os.fork()
        if not child:
            try:
                keep("child")
            except BaseException:  # noqa: BLE001 - a child of pytest must not go on as pytest
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert kept() == ["child", "parent"]
    keep("parent again")


@FORKS
def test_a_child_forked_while_another_thread_writes_can_write(sqlite: Engine) -> None:
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction():
            holding.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(20)
    child = os.fork()
    if not child:
        signal.alarm(10)
        keep("child")
        os._exit(0)
    done.set()
    thread.join(20)
    assert os.waitpid(child, 0)[1] == 0
    assert kept() == ["child"]


def test_nothing_works_before_a_database_is_opened() -> None:
    program = "from onboarding import db; db.engine()"
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "RuntimeError: db.connect(url) has not been called" in said.stderr


def test_a_database_that_is_away_is_an_error_within_seconds(postgresql: Engine) -> None:
    opened = db.connect("postgresql+psycopg://postgres@127.0.0.1:1/nowhere")
    began = time.monotonic()
    with pytest.raises(OperationalError):
        kept()
    assert time.monotonic() - began < 5
    opened.dispose()


def test_a_snapshot_sees_one_instant_and_writes_nothing(database: Engine) -> None:
    keys = select(func.count()).select_from(KeyCheck)
    with db.snapshot() as session:
        assert session.scalar(keys) == 0
        race(partial(keep, "seal.later"))
        assert session.scalar(keys) == 0
    with db.snapshot() as session:
        assert session.scalar(keys) == 1
    with pytest.raises(RuntimeError, match="a look writes nothing"), db.snapshot() as session:
        session.execute(insert(KeyCheck).values(key_id="seal.more", value=bytes(32)))


def test_an_instant_moves_on_by_seconds(database: Engine) -> None:
    with reading() as session:
        at = clock(session)
        moved = session.scalar(select(db.later(literal(at, db.UTCDateTime()), 90.5)))
    assert moved == at + timedelta(seconds=90.5)


def test_nobody_waits_long_for_a_connection(database: Engine) -> None:
    """Who finds none free is told that the database is busy, on either kind."""
    assert isinstance(database.pool, QueuePool)
    assert database.pool.timeout() == POOL_TIMEOUT
