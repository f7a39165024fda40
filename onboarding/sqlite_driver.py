"""Hands SQLite's driver statements that SQLAlchemy has compiled once: a tenth of what it does for each execution.

There is no round trip to save here: nine tenths of a transition on SQLite were Python's. Its errors
come out as SQLAlchemy's, so whoever asks what a failure means asks in one way.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sqlalchemy import ClauseElement, Select
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import UpdateBase

from onboarding import at_hand, db, outages
from onboarding.errors import OutcomeUnknown

Rows = list[tuple[Any, ...]]
# Executes one in the transaction that it is of.
Execute = Callable[[ClauseElement, Mapping[str, Any]], Rows]
_Translate = Callable[[Any], Any]

_dialect = SQLiteDialect_pysqlite()


def within(session: Session) -> Execute:
    """Executes in the session's transaction: good until that ends."""
    return partial(_execute, session.connection().connection.driver_connection)


def look(statement: ClauseElement, values: Mapping[str, Any]) -> Rows:
    """Read in one statement: what was committed when it began."""
    with _connection() as connection:
        return _execute(connection, statement, values)


@contextmanager
def alone() -> Iterator[Execute]:
    """A transaction without a session, committed at the end of the block; any exception rolls back.

    Raises OutcomeUnknown where nobody can say whether it has happened, and RuntimeError inside
    another transaction of this thread.
    """
    with db.alone(), db.turn() as about_to_commit, _connection() as connection:
        _say(connection, "BEGIN IMMEDIATE")
        yield partial(_execute, connection)
        db.written()
        about_to_commit()
        _commit(connection)
    db.committed()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement's text and its own values; how what is given is written at each place, and columns are read."""

    text: str
    constants: Mapping[str, Any]
    places: tuple[tuple[str, _Translate | None], ...]
    # Empty where each is read as it is.
    columns: tuple[_Translate | None, ...]


@cache
def _prepared(statement: ClauseElement) -> _Prepared:
    """By the types of its values and columns, as SQLAlchemy would write and read them."""
    compiled: Any = statement.compile(dialect=_dialect)
    if compiled.insert_prefetch or compiled.update_prefetch:
        raise TypeError("a default of Python's is nobody's to fill in here")
    binds = {name: compiled.binds[name] for name in compiled.positiontup}
    constants = {name: compiled.params[name] for name, it in binds.items() if not it.required}
    places = ((name, _type(it).bind_processor(_dialect)) for name, it in binds.items())
    written = dict(places)
    assert isinstance(statement, Select | UpdateBase)
    read = [_type(column).result_processor(_dialect, None) for column in statement.exported_columns]
    return _Prepared(
        str(compiled),
        constants,
        tuple((name, written[name]) for name in compiled.positiontup),
        tuple(read) if any(read) else (),
    )


def _type(of: Any) -> Any:
    return of.type.dialect_impl(_dialect)


def _execute(connection: Any, statement: ClauseElement, values: Mapping[str, Any]) -> Rows:
    """Translations are written out: a call for each value took a tenth of what a statement does."""
    prepared = _prepared(statement)
    known = {**prepared.constants, **values} if prepared.constants else values
    given = [
        value if (value := known[name]) is None or write is None else write(value)
        for name, write in prepared.places
    ]
    rows = _say(connection, prepared.text, given)
    if not (rows and prepared.columns):
        return rows
    return [
        tuple(
            [
                value if value is None or read is None else read(value)
                for value, read in zip(row, prepared.columns, strict=True)
            ]
        )
        for row in rows
    ]


def _commit(connection: Any) -> None:
    try:
        _say(connection, "COMMIT")
    except DBAPIError as error:
        if outages.leaves_unknown(error):
            raise OutcomeUnknown from error
        raise


@contextmanager
def _connection() -> Iterator[Any]:
    with at_hand.taken(db.engine()) as kept:
        connection = kept.driver
        try:
            yield connection
        finally:
            # One that cannot be rolled back is closed: what has failed before is what is told.
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.rollback()


def _say(connection: Any, text: str, given: list[Any] | tuple[()] = ()) -> list[Any]:
    """Without the statement and its values in what is raised: nobody may read those in a log."""
    try:
        return list(connection.execute(text, given))
    except sqlite3.Error as error:
        told = DBAPIError.instance(None, None, error, sqlite3.Error, dialect=_dialect)
        raise told from error
