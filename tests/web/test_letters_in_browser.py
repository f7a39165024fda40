"""Letters as a telephone shows them."""

import pytest
from playwright.sync_api import Page
from sqlalchemy import Engine

from onboarding.words import LOCALES
from tests import builders
from tests.composing import EMAIL, put, written


@pytest.mark.parametrize("locale", LOCALES)
def test_a_long_name_makes_no_letter_wider_than_the_screen(
    sqlite: Engine, page: Page, locale: str
) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    since = builders.the(onboarding_id).created_at
    put(onboarding_id, contact_email=EMAIL, contact_verified_at=since, connection_name="W" * 80)
    letter = written(onboarding_id, "secret_ready", locale)
    page.set_viewport_size({"width": 320, "height": 640})
    page.set_content(letter.html)
    assert "W" * 80 in page.content()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
