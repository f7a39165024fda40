"""The servers as fixtures: each is started once a run, by the first test that asks for it, and shared by all."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page

from tests.servers.authorization import Provider, provider_server
from tests.servers.browser import chromium, event_loop_in_use, event_loop_set_aside
from tests.servers.folders import server_folder
from tests.servers.keycloak import Keycloak, keycloak_server
from tests.servers.postgres import Postgres, postgres_server
from tests.servers.smtp import Smtp, smtp_server
from tests.servers.valkey import Valkey, valkey_server


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Where the servers keep their files; it is gone after the run."""
    with server_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(servers_folder: Path) -> Iterator[Postgres]:
    """The PostgreSQL server. A test that stops one starts its own."""
    with postgres_server(servers_folder) as server:
        yield server


@pytest.fixture(scope="session")
def migrate_template() -> Callable[[str], None]:
    """What is done to the database that the tests get copies of: nothing, unless overridden."""
    return lambda _url: None


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres, migrate_template: Callable[[str], None]) -> Iterator[str]:
    """The name of the migrated database, which nobody is connected to: else it gives no copies."""
    name = f"template_{uuid4().hex}"
    migrate_template(postgres.create_database(name))
    yield name
    postgres.drop_database(name)


@pytest.fixture
def postgres_database(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """The SQLAlchemy URL of a migrated database that only this test knows."""
    name = f"test_{uuid4().hex}"
    yield postgres.create_database(name, postgres_template)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def shared_valkey(servers_folder: Path) -> Iterator[Valkey]:
    with valkey_server(servers_folder) as server:
        yield server


@pytest.fixture
def valkey(shared_valkey: Valkey) -> Valkey:
    """The Redis-compatible server, empty."""
    shared_valkey.forget()
    return shared_valkey


@pytest.fixture(scope="session")
def shared_smtp(servers_folder: Path) -> Iterator[Smtp]:
    with smtp_server(servers_folder) as server:
        yield server


@pytest.fixture
def smtp(shared_smtp: Smtp, monkeypatch: pytest.MonkeyPatch) -> Smtp:
    """The SMTP server, without messages; TLS clients of this test trust it."""
    shared_smtp.forget()
    monkeypatch.setenv("SSL_CERT_FILE", str(shared_smtp.certificate))
    return shared_smtp


@pytest.fixture(scope="session")
def shared_provider(servers_folder: Path) -> Iterator[Provider]:
    with provider_server(servers_folder) as server:
        yield server


@pytest.fixture
def provider(shared_provider: Provider) -> Provider:
    """Another authorization server, which knows no client yet."""
    shared_provider.forget()
    return shared_provider


@pytest.fixture
def keycloak() -> Iterator[Keycloak]:
    """A realm in which there is no client of ours yet."""
    with keycloak_server() as server:
        yield server


@pytest.fixture(scope="session")
def shared_browser() -> Iterator[tuple[Browser, AbstractEventLoop]]:
    with chromium() as browser, event_loop_set_aside() as loop:
        yield browser, loop


@pytest.fixture
def browser(shared_browser: tuple[Browser, AbstractEventLoop]) -> Iterator[Browser]:
    """Chromium. Whoever opens a context closes it."""
    opened, loop = shared_browser
    with event_loop_in_use(loop):
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of a visitor who has never been here."""
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def page_without_javascript(browser: Browser) -> Iterator[Page]:
    """The same for a visitor whose browser runs no JavaScript."""
    with browser.new_context(java_script_enabled=False) as context:
        yield context.new_page()
