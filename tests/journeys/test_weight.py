"""What a first visit to a page costs on the wire."""

import pytest
from playwright.sync_api import Browser, Request

from onboarding.chart import STATES
from onboarding.words import LOCALES
from tests import builders
from tests.journeys.entering import enter
from tests.journeys.pages import Person, somebody
from tests.web.signing_in import Site

AT_MOST = 25_000
REQUESTS_AT_MOST = 4


@pytest.mark.parametrize("locale", LOCALES)
def test_every_first_page_is_light(browser: Browser, site: Site, locale: str) -> None:
    too_much = {}
    for state in (None, *STATES):
        with somebody(browser, site.url, locale) as person:
            asked = _listen(person)
            _open(person, state)
            sizes = [request.sizes()["responseBodySize"] for request in asked]
        assert len(sizes) > 2, "A page has a style sheet and a script."
        if sum(sizes) >= AT_MOST or len(sizes) > REQUESTS_AT_MOST:
            too_much[state or "start"] = sizes
    assert too_much == {}


def _listen(person: Person) -> list[Request]:
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    person.page.on("requestfinished", note)
    return asked


def _open(person: Person, state: str | None) -> None:
    """The page of a state, or the start page, in a browser that has nothing in its cache."""
    if state is None:
        person.open("/")
    else:
        enter(person, builders.an_onboarding(state))
