"""Runs Alembic on the connection that it is given; settings are the program's, not a file's."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SAWarning

from onboarding.migrations import locks
from onboarding.models import Base

# How SQLAlchemy says that it cannot read an index.
_LOST: Final = "Skipped unsupported reflection of expression-based index"


def run(connection: Connection) -> None:
    """One process at a time, with the tables to itself.

    SQLite sees to both by itself, once all is one transaction: Alembic believes that it could not
    undo a table, and would let go of the lock between the versions.
    """
    if connection.dialect.name == "postgresql":
        locks.wait_for_our_turn(connection)
        # Somebody who started with us may have done it meanwhile.
        if _version(connection) != context.script.get_current_head():
            locks.hold_all_tables(connection)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=False,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        before = _version(connection)
        with _losing_no_index():
            context.run_migrations()
        if _version(connection) != before:
            _check_references(connection)


@contextmanager
def _losing_no_index() -> Iterator[None]:
    """SQLite changes a table by copying it, and Alembic copies no index of what is computed: it only warns.

    Raises before anything is kept, going up and down.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", _LOST, SAWarning)
        try:
            yield
        except SAWarning as error:
            raise RuntimeError(
                f"{error}: `batch_alter_table` would lose it. Drop it before by `op.drop_index` and make"
                " it again behind, as version 0031 does; nothing changed."
            ) from None


def _check_references(connection: Connection) -> None:
    """SQLite does not look at them while tables are copied. Raises before anything is kept."""
    if connection.dialect.name == "sqlite":
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if lost:
            raise RuntimeError(
                f"The upgrade would lose what {len(lost)} rows refer to; nothing changed."
            )


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


run(context.config.attributes["connection"])
