"""The database: its engine, its clock, and `transaction()`, the only place that commits.

The idiom at every edge is `with transaction() as session: verb(session, …)`, opened inside the
handler, so that the commit has happened before an answer exists.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import DateTime, Engine, Float, literal, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql import expression
from sqlalchemy.types import TypeDecorator

from onboarding import crash_points, logs, outages
from onboarding.engines import open_engine
from onboarding.errors import DatabaseAway, OutcomeUnknown
from onboarding.sqlite_writer import Writer

log = logs.get(__name__)

_sessions: sessionmaker[Session] = sessionmaker(expire_on_commit=False)
_looks: sessionmaker[Session] = sessionmaker(expire_on_commit=False)  # They write nothing.
# Where the database is SQLite.
_writer: Writer | None = None
_thread = threading.local()


def connect(url: str, pool_size: int = 20) -> Engine:
    """Open the database of this process and make it the one that `transaction()` uses."""
    global _writer  # noqa: PLW0603 - it belongs to the process, as its engine does
    engine = open_engine(url, pool_size)
    _looks.configure(bind=engine.execution_options(onboarding_read_only=True))
    _writer = Writer(engine.url.database) if engine.dialect.name == "sqlite" else None
    previous = _sessions.kw.get("bind")
    _sessions.configure(bind=engine)
    if previous is not None:
        previous.dispose()
    return engine


def engine() -> Engine:
    """The open database. Raises RuntimeError before `connect`."""
    bind: Engine | None = _sessions.kw.get("bind")
    if bind is None:
        raise RuntimeError("db.connect(url) has not been called")
    return bind


def writer() -> Writer | None:
    """The one writer of the open database, where that is SQLite."""
    return _writer


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work that writes: commits at the end, rolls back on any exception.

    What `after_commit` was given runs once the commit has happened. Raises OutcomeUnknown where
    nobody can say if it has, and RuntimeError inside another transaction of this thread: it could
    wait for that one for ever.
    """
    with (
        alone(),
        turn() as about_to_commit,
        _sessions() as session,
        _certain(session),
        session.begin(),
    ):
        yield session
        # What can still be refused is refused now, so that the COMMIT alone is left.
        session.flush()
        session.info["committing"] = True
        written()
        about_to_commit()
    committed()
    for action in session.info.get("after_commit", ()):
        _attempt(action)
    crash_points.reach("transaction.announced")


@contextmanager
def reading() -> Iterator[Session]:
    """A look that writes nothing and, on SQLite, waits for no writer, but until the disk has what it saw.

    On PostgreSQL each of its statements sees what is committed when it begins. Closing rolls back;
    `rollback()` would also empty every row that was read.
    """
    with _looks() as session:
        yield session
    _keep()


def commits() -> int:
    """How many transactions this thread has committed; who tries something again compares."""
    return getattr(_thread, "commits", 0)


def written() -> None:
    """All that this transaction writes is; the COMMIT is left."""
    crash_points.reach("transaction.done")


def committed() -> None:
    """Another transaction of this thread is. Raises OutcomeUnknown where the disk may not have it."""
    try:
        _keep()
    except DatabaseAway as error:
        raise OutcomeUnknown from error
    crash_points.reach("transaction.committed")
    _thread.commits = commits() + 1


@contextmanager
def alone() -> Iterator[None]:
    """What commits must not stand inside another transaction of this thread. Raises RuntimeError."""
    if getattr(_thread, "writes", False):
        raise RuntimeError("this thread has a transaction open already")
    _thread.writes = True
    try:
        yield
    finally:
        _thread.writes = False


def turn() -> AbstractContextManager[Callable[[], None]]:
    """The place of SQLite's one writer; PostgreSQL has room for all. See `Writer.turn`."""
    return _writer.turn() if _writer else nullcontext(_nothing)


def without_hurry(session: Session) -> None:
    """Let the statements of this transaction take their time. Raises RuntimeError where each is one."""
    if session.get_bind().dialect.name == "postgresql":
        driver: Any = session.connection().connection.driver_connection
        if driver.autocommit:
            raise RuntimeError("each statement of this look is a transaction of its own")
        session.execute(text("SET LOCAL statement_timeout = 0"))


@contextmanager
def snapshot() -> Iterator[Session]:
    """Looks that all see the same instant, whatever is committed meanwhile. Keep it short."""
    options: dict[str, Any] = {"onboarding_read_only": True}
    if engine().dialect.name == "postgresql":
        # On SQLite, every transaction is like that.
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with _sessions() as session:
        session.connection(execution_options=options)
        yield session
    _keep()


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Do this once the transaction is durable; best effort, never instead of a message."""
    session.info.setdefault("after_commit", []).append(action)


class now(expression.FunctionElement[datetime]):  # noqa: N801 - reads as SQL's now() in a query
    """The database's clock, in UTC: the only clock that decides anything."""

    inherit_cache = True

    @property
    def type(self) -> "UTCDateTime":  # type: ignore[override]
        return UTCDateTime()


@compiles(now, "postgresql")
def _now_postgresql(element: object, compiler: object, **options: object) -> str:
    """Not clock_timestamp(): that may change from row to row, so no index could be asked for it."""
    return "statement_timestamp()"


@compiles(now, "sqlite")
def _now_sqlite(element: object, compiler: object, **options: object) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


class in_seconds(expression.FunctionElement[datetime]):  # noqa: N801 - reads as a function of SQL
    """The database's clock, that many seconds from now; a negative number lies in the past."""

    inherit_cache = True

    def __init__(self, seconds: float) -> None:
        super().__init__(literal(float(seconds), Float()))

    @property
    def type(self) -> "UTCDateTime":  # type: ignore[override]
        return UTCDateTime()


@compiles(in_seconds, "postgresql")
def _in_seconds_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"statement_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)})"


@compiles(in_seconds, "sqlite")
def _in_seconds_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"


class later(expression.FunctionElement[datetime]):  # noqa: N801 - reads as a function of SQL
    """An instant, that many seconds on."""

    inherit_cache = True

    def __init__(self, instant: Any, seconds: Any) -> None:
        super().__init__(instant, seconds)

    @property
    def type(self) -> "UTCDateTime":  # type: ignore[override]
        return UTCDateTime()


@compiles(later, "postgresql")
def _later_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    instant, seconds = (compiler.process(each, **options) for each in element.clauses)
    return f"({instant} + make_interval(secs => {seconds}))"


@compiles(later, "sqlite")
def _later_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    instant, seconds = (compiler.process(each, **options) for each in element.clauses)
    return f"strftime('%Y-%m-%d %H:%M:%f000', {instant}, ({seconds}) || ' seconds')"


def clock(session: Session) -> datetime:
    """What the database's clock says, in UTC."""
    return session.execute(CLOCK).scalar_one()


# What it asks, for whoever executes without a session.
CLOCK: Final = select(now())


class UTCDateTime(TypeDecorator[datetime]):
    """An instant. Aware and in UTC on this side, whatever the database makes of it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _nothing() -> None:
    """What PostgreSQL is told before a COMMIT."""


def _keep() -> None:
    if _writer:
        _writer.keep()


@contextmanager
def _certain(session: Session) -> Iterator[None]:
    """A COMMIT without an answer has happened or not: then that is what is told."""
    try:
        yield
    except DBAPIError as error:
        if session.info.get("committing") and outages.leaves_unknown(error):
            raise OutcomeUnknown from error
        raise


def _start_afresh() -> None:
    """A forked child must use neither its parent's connections nor a lock that was held at the fork."""
    global _writer  # noqa: PLW0603 - its locks belong to the process
    _writer = Writer(_writer.database) if _writer else None
    _thread.writes = False
    inherited = _sessions.kw.get("bind")
    if inherited is not None:
        inherited.dispose(close=False)


os.register_at_fork(after_in_child=_start_afresh)


def _attempt(action: Callable[[], None]) -> None:
    """The commit has happened: nothing that fails from here on may reach the caller."""
    try:
        action()
    except Exception:
        log.warning("after_commit_failed", exc_info=True)
