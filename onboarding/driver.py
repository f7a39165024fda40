"""Hands PostgreSQL's driver a statement as it is: what SQLAlchemy does for each costs more than most take.

Its errors come out as SQLAlchemy's, so whoever asks what a failure means asks in one way.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import ClauseElement, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from onboarding import at_hand, db, discretion, outages
from onboarding.at_hand import Kept
from onboarding.errors import OutcomeUnknown

Rows = list[tuple[Any, ...]]


@cache
def compiled(statement: ClauseElement) -> tuple[str, dict[str, Any]]:
    """A statement of SQLAlchemy's as the driver takes it, and the values that are part of it."""
    compiled = statement.compile(dialect=db.engine().dialect)
    return str(compiled), {name: it for name, it in compiled.params.items() if it is not None}


def within(session: Session, statement: str, values: Mapping[str, Any]) -> Rows:
    """Execute it in the session's transaction."""
    connection = session.connection()
    cursor = at_hand.cursor_of(connection.connection)
    try:
        return _rows(cursor.execute(statement, values))
    except psycopg.Error as error:
        told = _told(connection.engine, error, cursor.connection)
        if told.connection_invalidated:
            connection.invalidate(told)
        raise told from error


def look(statement: str, values: Mapping[str, Any]) -> Rows:
    """Read in one round trip: what was committed when it began."""
    with at_hand.taken(db.engine()) as kept:
        return _answer(kept, statement, values)


def alone(statement: str, values: Mapping[str, Any]) -> Rows:
    """Write in one round trip: a transaction of its own, without a BEGIN and a COMMIT.

    Raises OutcomeUnknown where nobody can say whether it has happened, and RuntimeError inside
    another transaction of this thread.
    """
    with db.alone():
        # What finds no connection has certainly not happened.
        with at_hand.taken(db.engine()) as kept:
            try:
                rows = _answer(kept, statement, values)
            except DBAPIError as error:
                if outages.leaves_unknown(error):
                    raise OutcomeUnknown from error
                raise
        db.committed()
    return rows


def array(values: Iterable[object]) -> str:
    """IDs or numbers as PostgreSQL writes an array of them; of a list, the driver asks what is in it."""
    return "{" + ",".join(it.hex if isinstance(it, UUID) else str(it) for it in values) + "}"


def _answer(kept: Kept, statement: str, values: Mapping[str, Any]) -> Rows:
    try:
        return _rows(kept.cursor.execute(statement, values))
    except psycopg.Error as error:
        told = _told(db.engine(), error, kept.driver)
        if told.connection_invalidated:
            kept.pooled.invalidate(told)
        raise told from error


def _rows(cursor: Any) -> Rows:
    """Whether there are any its result says for less than its description."""
    return cursor.fetchall() if cursor.pgresult.nfields else []


def _told(engine: Engine, error: psycopg.Error, driver: Any) -> DBAPIError:
    """Without the statement and its values, nor those of the row: nobody may read those in a log."""
    discretion.cut(error)
    known: Any = error
    gone = engine.dialect.is_disconnect(known, driver, None)
    told = DBAPIError.instance(
        None, None, error, psycopg.Error, connection_invalidated=gone, dialect=engine.dialect
    )
    assert isinstance(told, DBAPIError)
    return told
