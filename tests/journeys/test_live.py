"""The console keeps itself up to date in front, rests in the background, and works without a script."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from onboarding import operators
from onboarding.sealing import read_keyring
from onboarding.settings import settings
from tests import builders
from tests.journeys.pages import Person, somebody
from tests.web.signing_in import Site

PATIENCE = 20_000
STREAM = re.compile("/console/live")
HIDE = """
    Object.defineProperty(document, 'hidden', {value: %s, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
"""


def enter(person: Person) -> None:
    ring = read_keyring(settings().keys_dir)
    until = datetime.now(UTC) + timedelta(hours=1)
    token = operators.link_token(ring, "lead", until)
    person.open(f"/{person.locale}/console/enter/{token}")
    person.press("Open the console")


@pytest.fixture
def person(browser: Browser, site: Site) -> Iterator[Person]:
    with somebody(browser, site.url, "en") as made:
        enter(made)
        yield made


def streams(person: Person) -> list[str]:
    return [address for address in person.addresses if STREAM.search(address)]


def numbers(page: Page) -> list[str]:
    return page.locator(".turns__number").all_inner_texts()


def test_the_overview_follows_what_happens(person: Person) -> None:
    page = person.page
    assert numbers(page) == ["0", "0", "0", "0"]
    bar = page.locator("[data-stream]")
    expect(bar).to_have_text(re.compile(r"Live\s+updated \d\d:\d\d:\d\d\s+Pause"))
    builders.an_onboarding("started")
    expect(page.locator(".turns__number[href$='waiting_on=seller']")).to_have_text(
        "1", timeout=PATIENCE
    )
    assert len(streams(person)) == 1


def test_a_list_gets_its_new_rows_but_not_under_the_pointer(person: Person) -> None:
    page = person.page
    builders.an_onboarding("started")
    person.open("/en/console/onboardings")
    rows = page.locator(".rows tbody tr")
    expect(rows).to_have_count(1)
    rows.first.hover()
    with page.expect_request(lambda request: request.url.endswith("/console/onboardings")):
        builders.an_onboarding("started")
    expect(page.locator(".views__count").nth(1)).to_have_text("2", timeout=PATIENCE)
    expect(rows).to_have_count(1)
    page.mouse.move(0, 0)
    expect(rows).to_have_count(2, timeout=PATIENCE)


def test_it_rests_while_it_is_paused_or_in_the_background(person: Person) -> None:
    page = person.page
    person.button("Pause").click()
    expect(page.locator("[data-when]")).to_have_text("paused")
    page.evaluate(HIDE % "true")
    page.evaluate(HIDE % "false")
    assert len(streams(person)) == 1
    with page.expect_request(STREAM):
        person.button("Go on").click()
    expect(page.locator("[data-when]")).to_contain_text("updated")
    page.evaluate(HIDE % "true")
    builders.an_onboarding("started")
    with page.expect_request(STREAM):
        page.evaluate(HIDE % "false")
    expect(page.locator(".turns__number[href$='waiting_on=seller']")).to_have_text("1")
    assert len(streams(person)) == 3


def test_eight_tabs_stay_usable(person: Person) -> None:
    tabs = [person, *(person.another_tab() for _ in range(7))]
    for tab in tabs:
        tab.open("/en/console/causes")
        assert tab.heading() == "Causes"
    for tab in tabs:
        tab.open("/en/console")
        assert tab.heading() == "Overview"
    builders.an_onboarding("started")
    tabs[-1].open("/en/console/onboardings")
    assert tabs[-1].page.locator(".rows tbody tr").count() == 1


def test_without_a_script_there_is_no_bar(browser: Browser, site: Site) -> None:
    with somebody(browser, site.url, "fr", javascript=False) as made:
        enter(made)
        assert made.page.locator("[data-stream]").is_hidden()
        assert streams(made) == []
        builders.an_onboarding("started")
        made.open("/fr/console")
        assert "1" in numbers(made.page)
