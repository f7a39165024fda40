"""Databases whose settings, triggers and tables may be spoiled; after every fault the invariants hold."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import invariants
from onboarding.sealing import Keyring
from tests.databases import BOTH, connected, empty
from tests.receiving import Receiver
from tests.servers.postgres import Postgres
from tests.web.answering import furnished

DATABASES = {"database", "sqlite", "postgresql", "own_database", "engine", "on_postgresql"}


@pytest.fixture(autouse=True)
def checked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Asks the database of the test. Whoever runs processes on one of their own asks it themselves."""
    databases = DATABASES.intersection(request.fixturenames)
    for name in databases:
        request.getfixturevalue(name)
    yield
    if databases:
        assert list(map(str, invariants.violations())) == []


@pytest.fixture(scope="module")
def own_url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database of the test file's own."""
    yield postgres.create_database(name := f"faults_{uuid4().hex}", postgres_template)
    postgres.drop_database(name)


@pytest.fixture
def on_postgresql(own_url: str, ring: Keyring) -> Iterator[Engine]:
    """That database, empty."""
    empty(own_url)
    yield from connected(own_url)


@pytest.fixture(params=BOTH)
def engine(request: pytest.FixtureRequest) -> Engine:
    """The same on both kinds."""
    on = "on_postgresql" if request.param == "postgresql" else "sqlite"
    opened: Engine = request.getfixturevalue(on)
    return opened


@pytest.fixture
def site(engine: Engine, ring: Keyring) -> FastAPI:
    """The web application on it."""
    return furnished(ring)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An endpoint that is told what happens."""
    with closing(Receiver()) as made:
        yield made
