"""Migrations lead from nothing to the tables that the models describe, and back."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, func, insert, inspect, select, text

from onboarding import migrations
from onboarding.migrations import upgrade, versions
from onboarding.models import Base, rules
from tests.good_rows import GOOD, NOW
from tests.telling import ENTRY, Event, a_source, tell

# Of SQLite, `expressions` reads them.
pytestmark = pytest.mark.filterwarnings("ignore:.*expression-based index")


def schema(engine: Engine) -> dict[str, Any]:
    """What the database says of its tables, rules included, in an order of its own."""
    looked = inspect(engine)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in looked.get_columns(table)
            },
            "primary key": looked.get_pk_constraint(table),
            "checks": by_name(looked.get_check_constraints(table)),
            "unique": by_name(looked.get_unique_constraints(table)),
            "indexes": by_name(looked.get_indexes(table)) | expressions(engine, table),
            "references": by_name(looked.get_foreign_keys(table)),
        }
        for table in looked.get_table_names()
        if table != "alembic_version"
    }


def expressions(engine: Engine, table: str) -> dict[str, Any]:
    """Indexes of what is computed, as SQLite keeps them: SQLAlchemy reads no such thing of it."""
    if engine.dialect.name != "sqlite":
        return {}
    made = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table"
    with engine.connect() as connection:
        found = connection.execute(text(made), {"table": table})
        return {row.name: row.sql for row in found if row.sql and row.sql.count("(") > 1}


def by_name(found: Any) -> dict[str, Any]:
    return {str(one["name"]): {key: plain(value) for key, value in one.items()} for one in found}


def plain(value: Any) -> Any:
    """Conditions of partial indexes are objects, each of its own."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return str(value)


def test_migrating_an_empty_database_makes_what_the_models_describe(
    bare_database: Engine,
) -> None:
    assert versions(bare_database)[0] is None
    upgrade(bare_database)
    current, wanted = versions(bare_database)
    assert current == wanted is not None
    with bare_database.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_the_rules_are_the_same_as_in_the_models(bare_database: Engine) -> None:
    """Alembic compares neither CHECKs nor the conditions of partial indexes."""
    Base.metadata.create_all(bare_database)
    described = schema(bare_database)
    Base.metadata.drop_all(bare_database)
    upgrade(bare_database)
    assert schema(bare_database) == described


def test_the_functions_are_the_same_as_in_the_models(postgresql: Engine) -> None:
    made = text("SELECT prosrc FROM pg_proc WHERE proname = :name")
    with postgresql.connect() as connection:
        for table in ("onboardings", "transitions", "messages"):
            found = connection.scalar(made, {"name": f"{table}_rules"})
            assert f"$${found}$$" in rules.function(Base.metadata.tables[table])


def test_what_changes_all_the_time_is_cleaned_up_early(postgresql: Engine) -> None:
    """SQLite has nothing to clean up: what is gone is overwritten."""
    asked = text("SELECT relname FROM pg_class WHERE array_to_string(reloptions, ' ') LIKE :some")
    with postgresql.connect() as connection:
        found = connection.scalars(asked, {"some": "%autovacuum_vacuum_scale_factor=0.0%"})
        assert {*found} == {"messages", "onboardings"}


def test_migrating_again_changes_nothing(bare_database: Engine) -> None:
    upgrade(bare_database)
    once = schema(bare_database)
    upgrade(bare_database)
    assert schema(bare_database) == once


def test_going_back_and_forth_ends_where_it_began(bare_database: Engine) -> None:
    upgrade(bare_database)
    once = schema(bare_database)
    downgrade(bare_database, "base")
    assert schema(bare_database) == {}
    upgrade(bare_database)
    assert schema(bare_database) == once


@pytest.mark.parametrize("version", ["0001", "0003", "0005"])
def test_an_upgrade_keeps_every_row(bare_database: Engine, version: str) -> None:
    """SQLite changes a table by copying it; rows that refer to it must neither stop that nor go."""
    upgrade(bare_database)
    with bare_database.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(insert(table).values(GOOD[table.name]))
    downgrade(bare_database, version)
    before = rows(bare_database)
    assert before["onboardings"] == before["transitions"] == 1
    upgrade(bare_database)
    after = rows(bare_database)
    assert {table: after[table] for table in before} == before


def test_what_the_version_before_does_not_show_is_masked_again(bare_database: Engine) -> None:
    upgrade(bare_database)
    with bare_database.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(insert(table).values(GOOD[table.name]))
        shown = Base.metadata.tables["unmaskings"]
        for field in ("organisation", "developer_email"):
            connection.execute(insert(shown).values(GOOD["unmaskings"] | {"field": field}))
    assert rows(bare_database)["unmaskings"] == 3
    downgrade(bare_database, "0027")
    assert rows(bare_database)["unmaskings"] == 1


def test_old_events_are_marked_as_overtaken_as_new_ones_are(own_database: Engine) -> None:
    a_source()
    said = ("registered", "suspended", "reinstated", "registered")
    for subject, order in (("a-tool", (0, 1, 2)), ("new-tool", (0, 2, 1, 3))):
        for minute in order:
            entry = ENTRY | {"name": subject}
            tell(Event(f"aggregator.{said[minute]}", subject, minute, entry))
    for subject, order in (("S-1", (0, 1, 2)), ("S-2", (2, 1, 0)), ("S-3", (1, 2, 0))):
        for minute in order:
            tell(Event(f"seller.{('suspended', 'reinstated')[minute % 2]}", subject, minute))
    marked = overtaken(own_database)
    assert marked == {
        "aggregator.suspended-a-tool-1",
        "aggregator.registered-new-tool-0",
        "aggregator.reinstated-new-tool-2",
        "seller.suspended-S-1-0",
        "seller.reinstated-S-1-1",
        "seller.reinstated-S-3-1",
    }
    downgrade(own_database, "0030")
    upgrade(own_database)
    assert overtaken(own_database) == marked


def test_what_was_dismissed_came_too_late_for_the_version_before(bare_database: Engine) -> None:
    upgrade(bare_database)
    dismissed = {"status": "dismissed", "settled_at": NOW}
    with bare_database.begin() as connection:
        for name in ("sources", "inbound_events"):
            values = GOOD[name] | (dismissed if name == "inbound_events" else {})
            connection.execute(insert(Base.metadata.tables[name]).values(values))
    downgrade(bare_database, "0030")
    with bare_database.connect() as connection:
        assert connection.scalar(text("SELECT status FROM inbound_events")) == "stale"


def overtaken(engine: Engine) -> set[str]:
    """IDs of the events that are marked."""
    marked = "SELECT event_id FROM inbound_events WHERE overtaken_at IS NOT NULL"
    with engine.connect() as connection:
        return {*connection.scalars(text(marked))}


@pytest.mark.parametrize("bare_database", ["sqlite"], indirect=True)
def test_an_upgrade_that_would_lose_something_keeps_all(bare_database: Engine) -> None:
    upgrade(bare_database)
    downgrade(bare_database, "0005")
    with bare_database.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys = OFF")
        connection.execute(insert(Base.metadata.tables["transitions"]).values(GOOD["transitions"]))
        connection.commit()
    with pytest.raises(RuntimeError, match="1 rows refer to"):
        upgrade(bare_database)
    assert versions(bare_database)[0] == "0005"


NEXT = """
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade() -> None:
    with op.batch_alter_table("{table}") as batch_op:
        batch_op.create_check_constraint(op.f("ck_another"), "1 = 1")
"""


@pytest.mark.parametrize(
    ("table", "index"),
    [("clients", "ix_clients_ending"), ("inbound_events", "ix_inbound_events_goes")],
)
@pytest.mark.parametrize("bare_database", ["sqlite"], indirect=True)
def test_a_version_that_would_lose_an_index_changes_nothing_and_says_what_to_do(
    bare_database: Engine, tmp_path: Path, table: str, index: str
) -> None:
    """No index of what is computed comes along where SQLite copies a table."""
    upgrade(bare_database)
    before, (head, _) = schema(bare_database), versions(bare_database)
    (tmp_path / "next.py").write_text(NEXT.format(head=head, table=table))

    def with_the_next(config: Config, version: str) -> None:
        own = Path(migrations.__file__).parent / "versions"
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", f"{own}\n{tmp_path}")
        command.upgrade(config, version)

    with pytest.raises(RuntimeError, match=f"{index}: .* Drop it before .* and make it again"):
        migrations._move(bare_database, with_the_next, "next")  # noqa: SLF001 - as `upgrade` does
    assert schema(bare_database) == before
    assert versions(bare_database)[0] == head


def downgrade(engine: Engine, version: str) -> None:
    migrations._move(engine, command.downgrade, version)  # noqa: SLF001 - the product never goes back


def rows(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table: connection.scalar(select(func.count()).select_from(text(table))) or 0
            for table in inspect(connection).get_table_names()
            if table != "alembic_version"
        }


def test_processes_that_start_at_once_migrate_once(bare_database: Engine) -> None:
    program = (
        "import sys; from onboarding import db; from onboarding.migrations import upgrade\n"
        "engine = db.connect(sys.argv[1]); print('ready', flush=True); sys.stdin.read()\n"
        "upgrade(engine)"
    )
    url = bare_database.url.render_as_string(hide_password=False)
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", program, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(migrations.__file__).parents[2],
        )
        for _ in range(3)
    ]
    for starter in starters:
        assert starter.stdout is not None
        assert starter.stdin is not None
        assert starter.stdout.readline() == b"ready\n"
    for starter in starters:
        starter.stdin.close()  # type: ignore[union-attr]
        starter.stdin = None
    said = [starter.communicate(timeout=60) for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 3, said
    current, wanted = versions(bare_database)
    assert current == wanted
