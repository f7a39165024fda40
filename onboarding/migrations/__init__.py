"""The database's schema, version by version."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

# Seconds, at most, for which an upgrade of SQLite waits for another one.
_UPGRADES_TAKE: Final = 120


def upgrade(engine: Engine) -> None:
    """Bring the schema to the version of this program; does nothing where it is there already."""
    _move(engine, command.upgrade, "head")


def versions(engine: Engine) -> tuple[str | None, str | None]:
    """The schema's version and the program's. On SQLite it waits for no writer."""
    with engine.connect() as opened:
        connection = opened.execution_options(onboarding_read_only=True)
        current = MigrationContext.configure(connection).get_current_revision()
    return current, ScriptDirectory.from_config(_config()).get_current_head()


def _move(engine: Engine, how: Callable[[Config, str], None], version: str) -> None:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(connection)
        config = _config()
        config.attributes["connection"] = connection
        how(config, version)
        connection.commit()


def _prepare_sqlite(connection: Connection) -> None:
    """Wait for whoever upgrades already: that takes longer than anything else, on PostgreSQL as well.

    A table is changed by copying it, and rows that refer to it would not let the old one go
    (https://sqlite.org/lang_altertable.html, section 7); `env.py` looks at them before the commit.
    """
    driver: Any = connection.connection.driver_connection
    # It goes back to nobody, being more patient and less strict than others.
    connection.detach()
    driver.execute(f"PRAGMA busy_timeout = {_UPGRADES_TAKE * 1000}")
    driver.execute("PRAGMA foreign_keys = OFF")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
