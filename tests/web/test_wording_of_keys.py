"""Where a public key stands in a client secret's place, the page of it speaks of no secret that there is not."""

import re
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import credentials, own_keys, replacing
from onboarding.db import transaction
from onboarding.sealing import Keyring
from tests import builders
from tests.web.signing_clients import a_key, bring, public
from tests.web.visiting import Visitor, a_site, a_visitor, heading, text

# An old secret, or the one that somebody has: there is none but where one was.
OLD_SECRET = re.compile(
    "old client secret|Your client secret|ancien secret|Votre secret client", re.IGNORECASE
)
OLD_KEY = {"en": "old public key", "fr": "ancienne clé publique"}


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.fixture
def keyed(app: FastAPI) -> UUID:
    """One that signs with a key, and has done so."""
    here = builders.an_onboarding("secret_ready", connection_type="credentials_only")
    bring(here, a_key())
    with transaction() as session:
        credentials.acknowledge_by_use(session, here, 1)
    return here


def ask(here: UUID) -> None:
    """A new secret, the old one for three days more."""
    with transaction() as session:
        replacing.ask(session, here, builders.SELLER, 3)


def seen(app: FastAPI, here: UUID, locale: str) -> str:
    visitor: Visitor = a_visitor(app, here, locale)
    page = visitor.get(f"{visitor.home(here)}/client-secret")
    assert page.status_code == 200
    assert heading(page) == {"en": "Your public key", "fr": "Votre clé publique"}[locale]
    return text(page)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_until_another_works_it_is_a_key_that_goes_on(
    app: FastAPI, ring: Keyring, keyed: UUID, locale: str
) -> None:
    assert OLD_KEY[locale] in seen(app, keyed, locale)
    ask(keyed)
    asked = seen(app, keyed, locale)
    builders.work(keyed)
    ready = seen(app, keyed, locale)
    with transaction() as session:
        shown = replacing.reveal(session, keyed, ring).secret.get_secret_value()
    for said in (asked, ready, seen(app, keyed, locale)):
        assert not OLD_SECRET.search(said), said
    with transaction() as session:
        replacing.acknowledge(session, keyed, builders.SELLER, version=2, ending=shown[-6:])
    visitor = a_visitor(app, keyed, locale)
    both = text(visitor.get(f"{visitor.home(keyed)}/client-secret"))
    assert OLD_KEY[locale] in both.lower()
    assert not re.search("old client secret|ancien secret|both client secrets", both, re.IGNORECASE)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_a_key_that_replaces_a_key_replaces_no_secret(
    app: FastAPI, keyed: UUID, locale: str
) -> None:
    ask(keyed)
    builders.work(keyed)
    with transaction() as session:
        own_keys.take_new(session, keyed, public(a_key()))
    brought = seen(app, keyed, locale)
    assert OLD_KEY[locale] in brought
    assert not OLD_SECRET.search(brought)
    with transaction() as session:
        replacing.acknowledge_by_use(session, keyed, 2)
    both = seen(app, keyed, locale)
    assert OLD_KEY[locale] in both.lower()
    assert not OLD_SECRET.search(both)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_a_secret_is_still_called_one(app: FastAPI, locale: str) -> None:
    here = builders.an_onboarding("credentials_issued")
    visitor = a_visitor(app, here, locale)
    said = text(visitor.get(f"{visitor.home(here)}/client-secret"))
    assert OLD_SECRET.search(said)
    assert OLD_KEY[locale] not in said
