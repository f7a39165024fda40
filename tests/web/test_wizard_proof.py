"""Before a secret is shown: a proof that is fresh, and about this onboarding."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import checksums, proofs
from onboarding.models import (
    ContactCode,
)
from onboarding.sealing import Keyring
from tests import builders
from tests.web.secret_walk import (
    EMAIL,
    at,
    count,
    grant_another,
    let_pass,
    page_of,
    path_of,
    prove,
    secret_on,
    sign_in,
    the,
)
from tests.web.visiting import (
    a_site,
    a_visitor,
    code_in,
    form_of,
    heading,
    letters,
    soup,
    text,
)

READY = {"en": "Your client secret is ready", "fr": "Votre secret client est prêt"}


@pytest.fixture
def app(ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_an_old_proof_is_not_enough(sqlite: Engine, app: FastAPI, locale: str) -> None:
    """T13."""
    visitor = at(app, "secret_ready", locale=locale)
    let_pass(visitor, proofs.PROOF_FRESH)
    asked = visitor.follow(visitor.press(page_of(visitor), "/secret-reveal"))
    assert EMAIL in text(asked)
    assert not soup(asked).select("form[action$=sign-in]")
    assert the(visitor).state == "secret_ready"
    proved = prove(visitor, asked)
    assert heading(proved) == READY[locale]
    assert checksums.well_formed(secret_on(visitor.press(proved, "/secret-reveal")))


def test_a_code_for_another_onboarding_proves_nothing_here(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    let_pass(visitor, proofs.PROOF_FRESH)
    page, mine = page_of(visitor), the(visitor).id
    other = grant_another(visitor)
    prove(visitor, visitor.open(other), email="mallory@shop.example")
    refused = visitor.press(page, "/secret-reveal")
    assert refused.headers["location"].endswith(f"{mine}/proof")
    assert builders.state_of(mine) == "secret_ready"


def test_a_code_goes_to_no_new_address_once_there_is_a_client_id(
    sqlite: Engine, app: FastAPI
) -> None:
    """T61."""
    visitor = at(app, "secret_ready")
    let_pass(visitor, proofs.PROOF_FRESH)
    visitor.post(f"{path_of(visitor)}/contact", {"email": "mallory@shop.example"})
    visitor.post(f"{path_of(visitor)}/save", {"email": "mallory@shop.example"})
    assert {letter.to for letter in letters()} == {EMAIL}
    assert the(visitor).contact_email == EMAIL
    assert visitor.open(f"{path_of(visitor)}/contact").text == page_of(visitor).text


def test_the_sign_in_that_asked_for_the_client_id_is_a_proof_and_no_other(
    sqlite: Engine, app: FastAPI
) -> None:
    visitor = at(app, "type_chosen")
    sign_in(visitor, "ada")
    visitor.press(page_of(visitor), "/client-id")
    let_pass(visitor, proofs.PROOF_FRESH)
    asked = visitor.follow(visitor.press(page_of(visitor), "/secret-reveal"))
    assert form_of(asked, "/sign-in")[1] == {"another": "yes"}
    assert not soup(asked).select("form[action$=contact]")
    sign_in(visitor, "mallory")
    assert heading(visitor.follow(visitor.press(page_of(visitor), "/secret-reveal"))) == (
        "Show that it is you"
    )
    sign_in(visitor, "ada")
    assert checksums.well_formed(secret_on(visitor.press(page_of(visitor), "/secret-reveal")))


def test_a_code_is_no_sign_in_of_whoever_was_here_before(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    sign_in(visitor, "ada")
    visitor.press(page_of(visitor), "/client-id")
    page = page_of(visitor)
    let_pass(visitor, proofs.PROOF_FRESH)
    other = grant_another(visitor)
    asked = visitor.open(f"{other}/contact")
    prove(visitor, asked, email="mallory@shop.example")
    assert visitor.press(page, "/secret-reveal").headers["location"].endswith("/proof")


def test_a_strangers_code_leads_to_the_page_that_is_not_there(sqlite: Engine, app: FastAPI) -> None:
    owner, stranger = at(app, "type_chosen"), a_visitor(app)
    owner.press(page_of(owner), "/contact", email=EMAIL)
    code = code_in(letters()[0])
    answer = stranger.post(f"{path_of(owner)}/contact-code", {"code": code})
    assert stranger.follow(answer).status_code == 404
    assert count(ContactCode, ContactCode.used_at.is_not(None)) == 0
