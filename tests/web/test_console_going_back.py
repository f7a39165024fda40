"""Where the button of a page that says no leads to: always to a page, in both languages."""

import re

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests import builders
from tests.web.operating import a_quiet_site, at_console, every_route, home
from tests.web.visiting import SAME_ORIGIN, soup, text

# Whoever may not do it is not told whether it is there.
NO = (404, 405, 409, 422)


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def button(page: httpx.Response) -> str:
    return str(soup(page).select("main a.govuk-button")[-1]["href"])


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_what_is_not_there_leads_to_a_page_that_is(app: FastAPI, role: str, locale: str) -> None:
    visitor = at_console(app, role, locale)
    refused = 0
    for route in every_route():
        path = re.sub(r"\{\w+\}", "nothing", route.path.replace("{locale}", locale))
        for deeper in ("", "/nothing", "/"):
            for method in route.methods or ():
                asked = path + deeper
                answer = visitor.send(method, asked, headers=SAME_ORIGIN)
                if answer.status_code in NO and soup(answer).select("main a.govuk-button"):
                    refused += 1
                    found = visitor.get(button(answer))
                    assert found.status_code == 200, (method, asked, button(answer))
                    assert button(answer).startswith(f"/{locale}/console")
    assert refused > len(every_route())


def test_a_refusal_says_why_and_leads_back(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, "lead")
    refused = visitor.get(f"{home(onboarding_id)}/retry")
    assert refused.status_code == 409
    assert "Nothing has failed for good" in text(refused)
    assert f'href="{home(onboarding_id)}"' in refused.text


@pytest.mark.parametrize(
    ("asked", "back"),
    [
        ("onboardings/ONB-0", "/onboardings"),
        ("onboardings/ONB-0/retry", "/onboardings"),
        ("onboardings/ONB-0/unmask/seller_id", "/onboardings"),
        ("causes/send_email", "/causes"),
        ("causes/send_email/nothing", "/causes"),
        ("bulk/9", "/bulk"),
        ("nothing/at/all", ""),
        ("nothing", ""),
    ],
)
def test_it_leads_to_the_list_of_such_things(app: FastAPI, asked: str, back: str) -> None:
    page = at_console(app, "lead").get(f"/en/console/{asked}")
    assert page.status_code == 404
    assert button(page) == f"/en/console{back}"


def test_whoever_may_not_is_led_to_what_it_was_about(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    page = at_console(app, "viewer").get(f"{home(onboarding_id)}/unmask/seller_id")
    assert page.status_code == 403
    assert button(page) == home(onboarding_id)
