"""A provider to be hostile with and our client of it; the sandbox and a browser to visit it."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from onboarding.sellers.oidc import Provider
from tests.sellers.sandbox_visit import app_at
from tests.sellers.serving import serving
from tests.sellers.stub_provider import CLIENT_ID, CLIENT_SECRET, Stub, stub_app


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """A client that no environment variable sends through a proxy."""
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def stub_server() -> Iterator[Stub]:
    """An identity provider, served for all tests."""
    stub = Stub()

    def make(url: str) -> FastAPI:
        stub.issuer = url
        return stub_app(stub)

    with serving(make):
        yield stub


@pytest.fixture
def stub(stub_server: Stub) -> Iterator[Stub]:
    """The identity provider, doing everything right."""
    vars(stub_server).update(vars(Stub(issuer=stub_server.issuer)))
    yield stub_server
    # Whoever still waits or drips lets go.
    stub_server.released.set()


@pytest.fixture
def provider(stub: Stub, http: httpx.Client) -> Provider:
    """Our client there, less patient than in production."""
    return Provider(stub.issuer, CLIENT_ID, CLIENT_SECRET, http, timeout=1)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The address of a program with the sandbox in it."""
    with serving(app_at) as address:
        yield address


@pytest.fixture
def visitor(url: str) -> Iterator[httpx.Client]:
    """A browser without cookies, which shows every redirect."""
    with httpx.Client(base_url=url, trust_env=False, verify=False) as client:
        yield client
