"""A client library that others wrote, and that knows nothing of us but our metadata, does all that a client does."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.serving import serving
from tests.told import client_of
from tests.web.calling import served
from tests.web.presenting import a_caller
from tests.web.signing_clients import a_key, bring

SECONDS = 10


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


@pytest.fixture
def there(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


def found(there: str) -> dict[str, str]:
    """Where everything is, by RFC 8414: as it will be seen at our public URL, here at a socket of the test's."""
    metadata = requests.get(f"{there}/.well-known/oauth-authorization-server", timeout=SECONDS)
    return {
        name: value.replace(settings().base_url, there)
        for name, value in metadata.json().items()
        if isinstance(value, str)
    }


def asks(session: Any, there: str) -> dict[str, Any]:
    """A token, and the first call that is made with it."""
    token = session.fetch_token(found(there)["token_endpoint"], grant_type="client_credentials")
    assert token["expires_at"]
    told = session.get(f"{there}/v1/whoami", timeout=SECONDS)
    assert told.status_code == 200
    answered: dict[str, Any] = told.json()
    return answered


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
def test_it_gets_a_token_with_a_secret_calls_and_gives_it_back(
    app: FastAPI, there: str, way: str
) -> None:
    caller = a_caller(app)
    session = OAuth2Session(caller.client_id, caller.secret, token_endpoint_auth_method=way)
    assert asks(session, there)["client_id"] == caller.client_id
    token = session.token["access_token"]
    assert session.introspect_token(found(there)["introspection_endpoint"], token).json()["active"]
    session.revoke_token(found(there)["revocation_endpoint"], token)
    assert session.get(f"{there}/v1/whoami", timeout=SECONDS).json()["code"] == "token_revoked"


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("EC", "ES256"), ("OKP", "Ed25519"), ("RSA", "RS256")]
)
def test_it_gets_a_token_with_a_key_of_its_own(there: str, kind: str, algorithm: str) -> None:
    walk, key = builders.a_walk("secret_ready"), a_key(kind)
    bring(walk.id, key, alg=algorithm)
    client_id = client_of(walk.id).id
    endpoint = found(there)["token_endpoint"]
    proves = PrivateKeyJWT(endpoint.replace(there, settings().base_url), alg=algorithm)
    session = OAuth2Session(client_id, key, token_endpoint_auth_method="private_key_jwt")
    session.register_client_auth_method(proves)
    assert asks(session, there)["client_id"] == client_id


def test_it_understands_why_it_gets_none(app: FastAPI, there: str) -> None:
    caller = a_caller(app)
    session = OAuth2Session(caller.client_id, "not-the-secret")
    with pytest.raises(OAuthError, match="invalid_client"):
        asks(session, there)
