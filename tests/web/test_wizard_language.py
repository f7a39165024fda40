"""Letters speak the language in which their reader used the pages last."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests.builders import an_onboarding, the
from tests.web.answering import answered, furnished
from tests.web.visiting import a_visitor, code_in, letters

EMAIL = "ada@shop.example"


@pytest.fixture
def site(sqlite: Engine, ring: Keyring) -> FastAPI:
    return furnished(ring)


def test_a_code_and_what_follows_come_in_the_language_of_the_page(site: FastAPI) -> None:
    onboarding_id = an_onboarding("type_chosen")
    assert the(onboarding_id).locale == "en"
    visitor = a_visitor(site, onboarding_id, "fr")
    asked = visitor.open(visitor.home(onboarding_id))
    assert the(onboarding_id).locale == "en", "looking changes nothing"
    sent = visitor.follow(visitor.press(asked, "/contact", email=EMAIL))
    assert letters()[0].subject.startswith("Votre code")
    visitor.locale = "en"
    page = visitor.open(f"{visitor.home(onboarding_id)}/contact-code")
    proved = visitor.follow(visitor.press(page, "/contact-code", code=code_in(letters()[0])))
    visitor.press(proved, "/client-id")
    assert letters()[0].subject == "Your client secret is ready to collect"
    assert sent.headers["content-language"] == "fr"


@pytest.mark.parametrize("form", ["save", "cancel"])
def test_every_form_tells_the_language(site: FastAPI, form: str) -> None:
    onboarding_id = an_onboarding("type_chosen")
    visitor = a_visitor(site, onboarding_id, "fr")
    visitor.post(f"{visitor.home(onboarding_id)}/{form}", {"email": EMAIL})
    assert the(onboarding_id).locale == "fr"


def test_an_answer_tells_the_language(site: FastAPI) -> None:
    onboarding_id = an_onboarding()
    visitor = a_visitor(site, onboarding_id, "fr")
    answered(visitor, visitor.open(visitor.home(onboarding_id)), "plugin")
    assert the(onboarding_id).locale == "fr"
