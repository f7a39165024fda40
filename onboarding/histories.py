"""Which history of the database we are in: a backup and a standby go on from where another one was.

A name for it is written beside what must not outlive its history.
"""

from sqlalchemy import BigInteger, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import expression


class this_history(expression.FunctionElement[str]):  # noqa: N801 - reads as a function of SQL
    """The name of this history, as text.

    It changes when a standby is promoted (another timeline) and when a backup is restored into
    another cluster or database. The name of the current WAL file has the timeline first;
    pg_control_checkpoint() still has the old one right after a promotion. SQLite has one history.
    """

    inherit_cache = True

    @property
    def type(self) -> String:  # type: ignore[override]
        return String()


@compiles(this_history, "postgresql")
def _on_postgresql(element: object, compiler: object, **options: object) -> str:
    timeline = "left(pg_walfile_name(pg_current_wal_lsn()), 8)"
    database = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    return f"concat_ws('.', (pg_control_system()).system_identifier, {timeline}, {database})"


@compiles(this_history, "sqlite")
def _on_sqlite(element: object, compiler: object, **options: object) -> str:
    return "'sqlite'"


class this_transaction(expression.FunctionElement[int]):  # noqa: N801 - reads as a function of SQL
    """The number of the transaction that writes: a later one has a higher one. SQLite has none."""

    inherit_cache = True

    @property
    def type(self) -> BigInteger:  # type: ignore[override]
        return BigInteger()


@compiles(this_transaction, "postgresql")
def _number_on_postgresql(element: object, compiler: object, **options: object) -> str:
    return "((pg_current_xact_id())::text)::bigint"


@compiles(this_transaction, "sqlite")
def _number_on_sqlite(element: object, compiler: object, **options: object) -> str:
    return "0"
