"""What pages and the API say of a client secret that another authorization server holds."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from onboarding.words import LOCALES, translate
from tests.builders import a_walk, an_onboarding
from tests.servers.keycloak import Keycloak
from tests.told import tell
from tests.web.calling import served
from tests.web.visiting import a_visitor, soup, text

UNSEEN = "We have not seen a call with these credentials yet."
NOT_HERE = "Then revoke these credentials."


@pytest.fixture
def app(
    database: Engine, ring: Keyring, keycloak: Keycloak, monkeypatch: pytest.MonkeyPatch
) -> FastAPI:
    tell(monkeypatch, keycloak.settings)
    return served(ring)


@pytest.mark.parametrize("locale", LOCALES)
def test_no_page_offers_to_replace_it(app: FastAPI, locale: str) -> None:
    made = an_onboarding("confirmed")
    visitor = a_visitor(app, made, locale=locale)
    page = visitor.open(f"{visitor.home(made)}/client-secret")
    assert page.status_code == 200
    assert "new-secret" not in page.text
    assert translate(locale, NOT_HERE) in text(page)
    # What to do instead leads somewhere.
    assert soup(page).select(f'a[href="/{locale}/"]')
    assert soup(page).select('a[href$="/revoke"]')


@pytest.mark.parametrize("state", ["confirmed", "credentials_issued"])
def test_no_page_speaks_of_calls_that_nobody_here_sees(
    app: FastAPI, keycloak: Keycloak, state: str
) -> None:
    walk = a_walk(state)
    visitor = a_visitor(app, walk.id)
    page = visitor.open(visitor.home(walk.id))
    assert UNSEEN not in text(page)
    if state == "confirmed":
        assert f"{keycloak.url}/protocol/openid-connect/token" in page.text
