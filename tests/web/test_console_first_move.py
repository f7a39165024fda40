"""What would move an onboarding that is stuck is the first button of its page: seen before what explains it."""

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from onboarding.web import console_words
from onboarding.words import translate
from tests import builders
from tests.ten_stuck import TEN, Stuck, broken
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import soup, text

# Where one looks at a page, it cannot tell that somebody is on holiday; an aggregator is approved by
# whoever knows better than the registry; without an address nobody is reminded.
FIRST = {stuck.name: stuck.action for stuck in TEN} | {
    "registry does not answer": "retry",
    "seller on holiday": "nudge",
    "wrong seller account": None,
}


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def first_button(page: httpx.Response) -> tuple[str, str] | None:
    """What the first button of the page's own says, and where it leads."""
    button = soup(page).select_one("main .govuk-button")
    return (button.text, str(button["href"])) if button and button.has_attr("href") else None


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("stuck", TEN, ids=lambda stuck: stuck.name.replace(" ", "-"))
def test_what_moves_it_is_the_first_button(app: FastAPI, stuck: Stuck, locale: str) -> None:
    path = home(stuck.make()).replace("/en/", f"/{locale}/")
    page, first = at_console(app, "admin", locale).get(path), FIRST[stuck.name]
    if first is None:
        assert first_button(page) is None
        return
    says = translate(locale, console_words.ACTIONS[first].button)
    assert first_button(page) == (says, f"{path}/{first}")
    assert soup(page).select("main h2, main .govuk-button")[0].text == says
    assert soup(page).select(".choices a")[0]["href"] == f"{path}/{first}"


def test_what_is_not_stuck_has_no_such_button(app: FastAPI) -> None:
    for state in ("awaiting_seller", "verifying", "confirmed", "cancelled"):
        made = builders.an_onboarding(state, email="alex@shop.example")
        assert first_button(at_console(app, "admin").get(home(made))) is None


def test_whoever_may_not_is_told_who_may(app: FastAPI) -> None:
    made = broken(builders.an_onboarding("issuing_secret"), "generate_secret", "task_failed")
    page = at_console(app, "viewer").get(home(made))
    assert first_button(page) is None
    said = text(page)
    assert said.index("Try again: needs the role operator") < said.index("Why is it here?")


def test_what_somebody_else_must_do_first_is_not_tried_again(app: FastAPI) -> None:
    made = builders.an_onboarding("secret_ready", email="alex@shop.example")
    builders.work(made)
    builders.reveal(made)
    broken(made, "send_email", "address_refused")
    page = at_console(app, "admin").get(home(made))
    assert "Who must act: the seller." in text(page)
    assert first_button(page) is None
