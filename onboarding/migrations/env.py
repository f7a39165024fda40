"""Runs Alembic on the connection that it is given; settings are the program's, not a file's."""

from alembic import context
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from onboarding.migrations import locks
from onboarding.models import Base


def run(connection: Connection) -> None:
    """One process at a time, with the tables to itself; SQLite sees to both by itself."""
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
    )
    with context.begin_transaction():
        context.run_migrations()


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


run(context.config.attributes["connection"])
