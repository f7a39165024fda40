"""Runs Alembic on the connection that it is given; settings are the program's, not a file's."""

from alembic import context
from sqlalchemy.engine import Connection

from onboarding.models import Base

# Any number, as long as nobody else takes it in the same database.
_LOCK = 0x6F6E626F


def run(connection: Connection) -> None:
    """One process at a time, those that start together one after the other; SQLite sees to it itself.

    A table's lock that cannot be had in five seconds fails the upgrade instead of queueing traffic.
    """
    if connection.dialect.name == "postgresql":
        # What rewrites or indexes a large table takes its time, and so does whoever is before us.
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
