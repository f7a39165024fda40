"""Runs Alembic on the connection that it is given; settings are the program's, not a file's."""

from alembic import context
from sqlalchemy.engine import Connection

from onboarding.models import Base


def run(connection: Connection) -> None:
    """A lock that cannot be had in five seconds fails the upgrade instead of queueing traffic behind it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET lock_timeout = '5s'")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
