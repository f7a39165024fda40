"""Opens a database: PostgreSQL with bounds on what may wait, SQLite so that what is committed stays."""

import json
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from onboarding import at_hand, cursors, discretion

# What PostgreSQL may take, in milliseconds, before it gives up and all is rolled back. A row is held
# for a few: whoever waits this long waits for something wrong, and keeps a thread from others.
LOCK_TIMEOUT: Final = 2_000
STATEMENT_TIMEOUT: Final = 10_000
# A process that was stopped in the middle of a transaction gives up its locks, as if it had died.
IDLE_TIMEOUT: Final = 30_000
# Seconds for a connection, where so many are in use that one must be waited for.
POOL_TIMEOUT: Final = 3.0
# Seconds for a turn at writing in SQLite, in this process and then among several.
SQLITE_PATIENCE: Final = 5.0
_A_MOMENT: Final = 0.02

_decode: Final = json.JSONDecoder().decode


def open_engine(url: str, pool_size: int) -> Engine:
    """The database of this URL; nothing is connected yet."""
    opened = _sqlite(url) if url.startswith("sqlite") else _postgresql(url, pool_size)
    event.listen(opened, "before_cursor_execute", _refuse_to_write)
    return opened


def read_no_whole_table(engine: Engine) -> None:
    """Have PostgreSQL look up whatever an index finds, for a process that asks for little and often.

    It keeps the plans of a connection. One that was made while a table was empty would read all of it for
    each question, until something looks at the table's statistics again: a minute, of a new installation.
    """
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _look_up)
        # The connections that it has are not like that.
        engine.dispose()


def _look_up(connection: Any, record: object) -> None:
    """Where a table must be read all the same, that counts as so dear as to be worth compiling: it is not."""
    connection.autocommit = True
    connection.execute("SET enable_seqscan = off; SET jit = off")
    connection.autocommit = False


def _refuse_to_write(
    connection: Connection, _cursor: object, _statement: str, _values: object, context: Any, *_: Any
) -> None:
    """A look has nothing that would be rolled back: on PostgreSQL, each statement is committed."""
    writes = context and (context.isinsert or context.isupdate or context.isdelete)
    if writes and connection.get_execution_options().get("onboarding_read_only"):
        raise RuntimeError("a look writes nothing")


def _postgresql(url: str, pool_size: int) -> Engine:
    """A restarted server is noticed before a request does: see `_ping`.

    Row locks decide here, and they do so in READ COMMITTED: another default of the server's would
    have strangers fail each other. What the URL itself asks for comes last, and wins.
    """
    asked = str(make_url(url).query.get("options", ""))
    limits = {
        "lock_timeout": LOCK_TIMEOUT,
        "statement_timeout": STATEMENT_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
        # Of statements that are a transaction each; for others, `isolation_level` says it.
        "default_transaction_isolation": r"read\ committed",
    }
    options = [f"-c {name}={value}" for name, value in limits.items()]
    opened = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,
        json_deserializer=_read_json,
        connect_args={
            "connect_timeout": 3,
            "application_name": "onboarding",
            "cursor_factory": cursors.Cursor,
            "options": " ".join([*options, asked]),
            # A server whose machine is gone sends no word: it counts as lost after 10 seconds.
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
        },
    )
    event.listen(opened, "connect", _count_in_utc)
    event.listen(opened, "handle_error", discretion.cut_both)
    event.listen(opened, "begin", _choose_autocommit)
    event.listen(opened, "checkin", _note_use)
    event.listen(opened, "checkout", partial(_ping, opened.dialect))
    at_hand.keep(opened, pool_size // 2)
    return opened


def _count_in_utc(connection: Any, record: object) -> None:
    """Where clocks change, PostgreSQL's days are not 24 hours, and instants come back in that zone.

    Not by an option: a URL that asks for a zone and libpq's PGTZ would win. The driver knows the zone
    without asking for it.
    """
    if connection.info.parameter_status("TimeZone") != "UTC":
        # Not within a transaction, whose end might take it back.
        connection.autocommit = True
        connection.execute("SET TIME ZONE 'UTC'")
        connection.autocommit = False


def _read_json(written: bytes) -> Any:
    """The server sends UTF-8. `json.loads` would look which encoding it is, which takes as long as to read it."""
    return _decode(written.decode())


def _choose_autocommit(connection: Connection) -> None:
    """A look needs neither BEGIN nor ROLLBACK, two round trips: each statement sees what is committed.

    So it does in READ COMMITTED anyway. `driver` leaves connections as it needs them; who asks for an
    isolation level has it set already.
    """
    options = connection.get_execution_options()
    if "isolation_level" in options:
        return
    looks = bool(options.get("onboarding_read_only"))
    driver: Any = connection.connection.driver_connection
    if driver.autocommit != looks:
        driver.autocommit = looks


def _note_use(connection: object, record: ConnectionPoolEntry) -> None:
    at_hand.note_use(record.info)


def _ping(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, proxy: object) -> None:
    """SQLAlchemy's own `pool_pre_ping` asks every time, which is a tenth of what an event costs."""
    if at_hand.must_be_tried(record.info, connection) and not _answers(dialect, connection):
        raise DisconnectionError


def _answers(dialect: Dialect, connection: Any) -> bool:
    try:
        return bool(dialect.do_ping(connection))
    except dialect.loaded_dbapi.Error as error:
        if dialect.is_disconnect(error, connection, None):
            return False
        raise


def _sqlite(url: str) -> Engine:
    """WAL: readers wait for nobody. What is committed is flushed by `sqlite_writer`, for several at once."""
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    opened = create_engine(
        url, pool_size=20, max_overflow=20, pool_timeout=POOL_TIMEOUT, hide_parameters=True
    )
    event.listen(opened, "connect", _prepare_sqlite)
    event.listen(opened, "begin", _begin_sqlite)
    # One writes at a time: the next may begin while the last one gives its connection back.
    at_hand.keep(opened, 2)
    return opened


def _prepare_sqlite(connection: Any, record: object) -> None:
    """SQLAlchemy's begin event below opens transactions, so the driver must not."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={SQLITE_PATIENCE * 1000:.0f}")
    _to_wal(connection)
    for pragma in (
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _to_wal(connection: Any) -> None:
    """Of processes that start at once on a new file, one changes it; SQLite lets the others not wait."""
    deadline = time.monotonic() + SQLITE_PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_A_MOMENT)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock first: a transaction that upgrades later fails under contention."""
    read_only = connection.get_execution_options().get("onboarding_read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
