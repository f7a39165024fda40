"""The two databases that the product runs on. A test that asks for `database` runs once on each.

Every test finds a migrated schema without rows. For SQLite that is a copy of a migrated file; on
PostgreSQL one clone of the migrated template serves the whole run and is emptied before each test,
because emptying takes a tenth of the time that cloning takes. A test that changes the schema asks
for `own_database`.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, event

from onboarding import db, logs, outbox
from onboarding.commands import opening
from onboarding.migrations import upgrade
from onboarding.models import Base
from onboarding.sealing import Keyring, open_keyring
from onboarding.settings import Settings, settings
from tests.servers.postgres import Postgres
from workers import tasks

BOTH = ("sqlite", "postgresql")


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Logs as in production: the traceback that structlog draws by default costs half a second."""
    logs.configure(Settings(log_format="json"))
    logs.refuse_undeclared()


@pytest.fixture(scope="session")
def migrate_template() -> Callable[[str], None]:
    """What is done to the database that others are copies of."""
    return _migrate


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "onboarding.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def shared_postgres_database(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """The URL of the one clone that tests share, one after the other."""
    name = f"shared_{uuid4().hex}"
    yield postgres.create_database(name, postgres_template)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a keyring."""
    folder = tmp_path_factory.mktemp("keys")
    open_keyring(folder)
    return folder


@pytest.fixture
def ring(keys_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyring]:
    """The keyring, which tasks find through the settings as they do in production."""
    monkeypatch.setenv("ONBOARDING_KEYS_DIR", str(keys_folder))
    monkeypatch.setenv("ONBOARDING_MAIL_DIR", str(tmp_path / "mail"))
    forget_settings()
    yield open_keyring(keys_folder)
    forget_settings()


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, ring: Keyring) -> Iterator[Engine]:
    """An empty database that `transaction()` uses; the test runs once on each kind."""
    if request.param == "sqlite":
        url = _sqlite_copy(request)
    else:
        url = request.getfixturevalue("shared_postgres_database")
        empty(url)
    yield from connected(url)


@pytest.fixture
def keys(
    database: Engine, keys_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A keyring of this test's own, which its database has been used with."""
    folder = Path(shutil.copytree(keys_folder, tmp_path / "keys"))
    monkeypatch.setenv("ONBOARDING_KEYS_DIR", str(folder))
    forget_settings()
    opening.open_keyring(settings())
    return folder


@pytest.fixture
def sqlite(request: pytest.FixtureRequest, ring: Keyring) -> Iterator[Engine]:
    """An empty SQLite database, for what is the same on both or exists there alone."""
    yield from connected(_sqlite_copy(request))


@pytest.fixture
def postgresql(request: pytest.FixtureRequest, ring: Keyring) -> Iterator[Engine]:
    """An empty PostgreSQL database, for what exists there alone."""
    url = request.getfixturevalue("shared_postgres_database")
    empty(url)
    yield from connected(url)


@pytest.fixture(params=BOTH)
def own_database(request: pytest.FixtureRequest, ring: Keyring) -> Iterator[Engine]:
    """As `database`, but nobody else's: its schema may be changed."""
    own = request.param == "postgresql"
    yield from connected(
        request.getfixturevalue("postgres_database") if own else _sqlite_copy(request)
    )


@pytest.fixture(params=BOTH)
def bare_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any table."""
    if request.param == "sqlite":
        yield from connected(f"sqlite:///{tmp_path / 'bare.db'}")
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = f"bare_{uuid4().hex}"
    yield from connected(postgres.create_database(name))
    postgres.drop_database(name)


def forget_settings() -> None:
    """Read the environment and the keyring again at their next use."""
    settings.cache_clear()
    tasks._ring.cache_clear()  # noqa: SLF001 - in production it is read once a process


def connected(url: str) -> Iterator[Engine]:
    """The database of this URL is the one that `transaction()` uses. Nobody is told of what is promised there."""
    # What somebody has left would do the work of whoever comes.
    outbox.publish_with(None)
    engine, opened = db.connect(url), list[Any]()
    event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    yield engine
    outbox.publish_with(None)
    engine.dispose()
    if engine.dialect.name == "postgresql":
        assert [each for each in opened if not each.closed] == [], (
            "left open, for another test to be told"
        )


def _sqlite_copy(request: pytest.FixtureRequest) -> str:
    """In the servers' folder, which is in memory where that can be: every commit waits for a disk."""
    folder = Path(tempfile.mkdtemp(dir=request.getfixturevalue("servers_folder")))
    request.addfinalizer(lambda: shutil.rmtree(folder))
    shutil.copy(request.getfixturevalue("sqlite_template"), folder / "onboarding.db")
    return f"sqlite:///{folder / 'onboarding.db'}"


def _migrate(url: str) -> None:
    engine = db.connect(url)
    upgrade(engine)
    engine.dispose()


def empty(url: str) -> None:
    """Delete every row."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
