"""PostgreSQL only: an upgrade has all tables to itself, or none of them."""

import time
from typing import Final

from psycopg.errors import LockNotAvailable
from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

# Any number, as long as nobody else takes it in the same database.
_UPGRADE: Final = 0x6F6E626F

# Seconds for which tables are asked for, and between two tries, when traffic flows.
_ASKING: Final = 5.0
_PAUSE: Final = 0.2
# The first table is waited for with nothing in hand, and for more than a second: then PostgreSQL
# ends a vacuum that is in the way. Whoever has one table and wants another may be in a deadlock,
# which PostgreSQL looks for after a second: by then it has given up.
_FIRST: Final = "1500ms"
_OTHERS: Final = "100ms"


class TableInUse(Exception):
    """Somebody else holds a table, named here, for longer than an upgrade waits."""


def wait_for_our_turn(connection: Connection) -> None:
    """Processes that start together upgrade one after the other, however long one of them takes."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE})")


def hold_all_tables(connection: Connection) -> None:
    """Keep everybody else from every table until the transaction ends.

    Migrations change tables in any order, and whoever is at work has some of them. Raises
    TableInUse where a long transaction does not let go: an upgrade fails, it does not queue traffic.
    """
    tables = inspect(connection).get_table_names()
    deadline = time.monotonic() + _ASKING
    while missed := _missed(connection, tables):
        if time.monotonic() > deadline:
            raise TableInUse(missed)
        # Waited for first, it is had.
        tables.remove(missed)
        tables.insert(0, missed)
        time.sleep(_PAUSE)


def _missed(connection: Connection, tables: list[str]) -> str | None:
    """Try to lock all. Where one cannot be had, all are given back, and this is the one."""
    try:
        with connection.begin_nested():
            for number, table in enumerate(tables):
                _lock(connection, table, _OTHERS if number else _FIRST)
    except TableInUse as error:
        return str(error)
    return None


def _lock(connection: Connection, table: str, patience: str) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{patience}'")
    try:
        connection.exec_driver_sql(f'LOCK TABLE "{table}"')
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise TableInUse(table) from error
        raise
