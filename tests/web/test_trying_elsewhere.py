"""Testing credentials on the page where another authorization server, oidc-provider, gives the tokens."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from onboarding.words import LOCALES
from tests import another_seller, builders
from tests.builders import fire
from tests.dumping import dump
from tests.servers.authorization import Provider
from tests.told import tell
from tests.web.calling import System, refused, served
from tests.web.presenting import a_caller, basic, wrong
from tests.web.test_wizard_trying import says, tried

SELLER = builders.ACCOUNT.seller_id


@pytest.fixture
def app(
    database: Engine, ring: Keyring, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> FastAPI:
    tell(monkeypatch, provider.settings)
    return served(ring)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("case", "state", "seller_id"),
    [
        ("works", "confirmed", SELLER),
        ("works_unlinked", "credentials_issued", ""),
        ("not_linked", "confirmed", "S-0000"),
        ("link_not_confirmed", "seller_linked", SELLER),
        ("seller_unknown", "confirmed", "é"),
    ],
)
def test_credentials_that_work_there_are_told_what_they_may_here(
    app: FastAPI, database: Engine, locale: str, case: str, state: str, seller_id: str
) -> None:
    caller = a_caller(app, state)
    before = dump(database)
    assert says(case, tried(caller, locale, test_seller_id=seller_id), locale)
    assert dump(database) == before


def test_a_secret_that_the_server_does_not_know_is_wrong(app: FastAPI, provider: Provider) -> None:
    """Whatever we know of it: the server is asked, and nobody else."""
    caller = a_caller(app)
    assert says("invalid_client", tried(caller, test_client_secret=wrong(caller.secret)))
    provider.forget()
    assert says("invalid_client", tried(caller))


def test_a_client_that_only_the_server_knows_is_none_of_ours(
    app: FastAPI, provider: Provider
) -> None:
    """Revoked here a moment ago, and not yet there."""
    caller = a_caller(app, "secret_revealed")
    fire(caller.id, "cancel")
    assert provider.gives_token(caller.client_id, caller.secret)
    assert says("token_refused", tried(caller))


def test_whoever_guesses_is_told_to_wait(app: FastAPI) -> None:
    """Some guesses come back with time, so a slow machine takes a few more."""
    caller = a_caller(app)
    said = (tried(caller, test_client_secret=wrong(caller.secret)) for _ in range(300))
    assert any(says("too_many", each) for each in said)


def test_a_server_that_does_not_answer_is_nobody_s_fault_here(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, ring: Keyring
) -> None:
    caller = a_caller(app)
    monkeypatch.setenv("ONBOARDING_TOKEN_URL", "http://127.0.0.1:1/token")
    tell(monkeypatch, {})
    caller.app = served(ring)
    assert says("name_unknown", tried(caller))


@pytest.mark.parametrize("state", ["confirmed", "credentials_issued"])
def test_a_further_seller_counts_as_one_that_it_may_act_for(app: FastAPI, state: str) -> None:
    caller = a_caller(app, state)
    another_seller.linked(caller.id)
    assert says("works", tried(caller, test_seller_id=another_seller.OTHER.seller_id))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/oauth2/token"),
        ("POST", "/oauth2/introspect"),
        ("POST", "/oauth2/revoke"),
        ("GET", "/oauth2/jwks"),
        ("GET", "/.well-known/oauth-authorization-server"),
    ],
)
def test_nothing_here_looks_like_an_authorization_server(
    app: FastAPI, database: Engine, method: str, path: str
) -> None:
    """With the right secret, a wrong one or none: it is not looked at."""
    caller = a_caller(app)
    before = dump(database)
    form = {"grant_type": "client_credentials", "token": "x"}
    for secret in (caller.secret, wrong(caller.secret)):
        sent = {"authorization": basic(caller.client_id, secret)}
        answer = System(app).send(method, path, sent, data=form if method == "POST" else None)
        told = refused(answer, 404, "tokens_elsewhere")
        assert "token endpoint" in told["detail"]
    assert dump(database) == before
