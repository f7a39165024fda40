"""The product for whole journeys: started once for all of them, with a mail server and a broker."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from onboarding import db, outbox, registry
from onboarding.sealing import Keyring
from tests.servers.postgres import Postgres
from tests.servers.smtp import Smtp
from tests.servers.valkey import Valkey
from tests.system import System, a_system
from tests.web.signing_in import Site, served_site


@pytest.fixture(scope="package")
def running_system(
    postgres: Postgres,
    postgres_template: str,
    shared_valkey: Valkey,
    shared_smtp: Smtp,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    """Web and a Celery worker as processes of their own, on a database that is theirs."""
    name = f"journeys_{uuid4().hex}"
    url = postgres.create_database(name, postgres_template)
    shared_valkey.forget()
    mail = {
        "ONBOARDING_SMTP_URL": shared_smtp.url,
        "SSL_CERT_FILE": str(shared_smtp.certificate),
    }
    with a_system(url, shared_valkey.url, tmp_path_factory.mktemp("system"), **mail) as made:
        made.start("web", "worker")
        made.wait_until_ready()
        yield made
    postgres.drop_database(name)


@pytest.fixture
def journeys(running_system: System) -> Iterator[System]:
    """The same for one test, whose own process looks into its database."""
    engine = db.connect(running_system.database_url)
    yield running_system
    engine.dispose()


@pytest.fixture
def site(sqlite: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The pages in this process, on a database of the test's own; tasks run when the test says so."""
    with served_site(ring, monkeypatch) as served:
        outbox.publish_with(None)
        with db.transaction() as session:
            registry.add_samples(session)
        yield served
