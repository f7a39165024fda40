"""What a failure of the database means to whoever asked: the only reader of its error codes.

PostgreSQL says it by SQLSTATE (its documentation, appendix A), SQLite by its result code. What is
on neither list is a mistake of ours and no outage.
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onboarding.errors import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseFull,
    DatabaseReadOnly,
    OutcomeUnknown,
    Unavailable,
)

# By SQLSTATE or, where no code stands, by its class: the first two characters.
_SQLSTATES: Final[Mapping[str, type[Unavailable]]] = {
    "25006": DatabaseReadOnly,  # read_only_sql_transaction; a standby says so too
    "53100": DatabaseFull,  # disk_full
    "53": DatabaseBusy,  # insufficient_resources: connections, memory
    "55P03": DatabaseBusy,  # lock_not_available, after lock_timeout
    "57014": DatabaseBusy,  # query_canceled, after statement_timeout
    "40": DatabaseBusy,  # transaction_rollback: serialization failures, deadlocks
    "08": DatabaseAway,  # connection_exception
    "57": DatabaseAway,  # operator_intervention: it shuts down, starts up, ends a connection
    "58": DatabaseAway,  # system_error: its disk fails
}
_SQLITE: Final[Mapping[int, type[Unavailable]]] = {
    sqlite3.SQLITE_READONLY: DatabaseReadOnly,
    sqlite3.SQLITE_FULL: DatabaseFull,
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_NOTADB: DatabaseAway,
}
# A COMMIT that is answered with one of these has not happened.
_ROLLED_BACK: Final = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CONSTRAINT,
    }
)
_STATEMENT_COMPLETION_UNKNOWN: Final = "40003"
# After statement_timeout: the one of its class that a server says which goes on, and has rolled back.
_QUERY_CANCELED: Final = "57014"
# The server's last words on a connection: admin_shutdown, crash_shutdown.
_LAST_WORDS: Final = frozenset({"57P01", "57P02"})


def outage(error: BaseException) -> Unavailable | None:
    """The refusal that an error stands for; None for what is no outage."""
    if isinstance(error, OutcomeUnknown):
        return error
    if isinstance(error, PoolTimeout):
        return DatabaseBusy()
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return None
    kind = _kind(error)
    return kind() if kind else None


def is_rolled_back(error: BaseException) -> bool:
    """Whether a try has left nothing behind, and the next one may succeed at once.

    True for serialization failures and deadlocks, and for a connection that was lost before its
    COMMIT was sent: nobody else can commit for it. A connection that cannot be had is no such case.
    """
    if not isinstance(error, DBAPIError):
        return False
    state = _sqlstate(error)
    return _lost(error) or (state[:2] == "40" and state != _STATEMENT_COMPLETION_UNKNOWN)


def leaves_unknown(error: DBAPIError) -> bool:
    """Whether, after this answer to a COMMIT or none, nobody can say if it has happened.

    Only a server that is still there and says no has rolled back for certain.
    """
    state = _sqlstate(error)
    if state:
        return (
            _lost(error)
            or (state[:2] in {"08", "57", "58"} and state != _QUERY_CANCELED)
            or state == _STATEMENT_COMPLETION_UNKNOWN
        )
    return _result_code(error) not in _ROLLED_BACK


def _kind(error: DBAPIError) -> type[Unavailable] | None:
    state = _sqlstate(error)
    named = _SQLSTATES.get(state) or _SQLSTATES.get(state[:2]) or _SQLITE.get(_result_code(error))
    if named:
        return named
    # Drivers have no code for a server that they cannot reach or have lost.
    away = _lost(error) or isinstance(error, OperationalError | InterfaceError)
    return DatabaseAway if away else None


def _lost(error: DBAPIError) -> bool:
    """The connection was there and is gone."""
    return error.connection_invalidated or _sqlstate(error) in _LAST_WORDS


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _result_code(error: DBAPIError) -> int:
    """SQLite's primary code; the higher bits only say more."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF
