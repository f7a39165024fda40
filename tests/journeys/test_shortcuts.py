"""The keys of the console: they do what links and fields do, and can be had or not."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import builders
from tests.journeys.pages import Person, somebody
from tests.journeys.test_live import enter
from tests.web.signing_in import Site

LIST = "/fr/console/onboardings"


@pytest.fixture
def person(browser: Browser, site: Site) -> Iterator[Person]:
    with somebody(browser, site.url, "fr") as made:
        enter(made)
        yield made


def chosen(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def rows(person: Person) -> list[str]:
    """The list of three, from the top."""
    for _ in range(3):
        builders.an_onboarding("started")
    person.open(LIST)
    return person.page.locator(".rows tbody th").all_inner_texts()


def test_rows_are_walked_and_opened(person: Person) -> None:
    page, listed = person.page, rows(person)
    walked = []
    for key in ("j", "j", "k", "j", "j", "j", "k"):
        press(page, key)
        walked.append(listed.index(chosen(page)))
    assert walked == [0, 1, 0, 1, 2, 2, 1]
    press(page, "e")
    person.arrives_at(listed[1])
    person.open(LIST)
    press(page, "k", "Enter")
    person.arrives_at(listed[0])


def test_two_keys_lead_to_each_page(person: Person) -> None:
    for key, heading in (
        ("l", "Onboardings"),
        ("c", "Causes"),
        ("w", "Webhooks"),
        ("o", "Overview"),
    ):
        press(person.page, "g", key)
        person.arrives_at(heading)


def test_they_do_nothing_while_somebody_types_or_with_a_modifier(person: Person) -> None:
    page, listed = person.page, rows(person)
    press(page, "/")
    expect(page.locator("#find")).to_be_focused()
    press(page, "j", "g", "c", "?", "/", "e")
    expect(page.locator("#find")).to_have_value("jgc?/e")
    for field in ("#cause", "#state"):
        page.locator(field).focus()
        press(page, "j", "?")
        expect(page.locator(field)).to_be_focused()
    page.locator("#overdue").focus()
    press(page, "Control+j", "Alt+j", "Meta+j", "Control+?", "Alt+/")
    expect(page.locator("#overdue")).to_be_focused()
    press(page, "j")
    assert chosen(page) == listed[0]
    press(page, "g", "Control+c", "x", "c")
    assert person.heading() == person.says("Onboardings")
    assert page.locator("dialog").count() == 0


def test_the_help_stands_in_front_and_gives_the_focus_back(person: Person) -> None:
    page, listed = person.page, rows(person)
    press(page, "j", "?")
    help_ = page.get_by_role("dialog", name=person.says("Keyboard shortcuts"))
    expect(help_).to_contain_text(person.says("To the search box"))
    press(page, "j", "?")
    assert page.locator("dialog").count() == 1
    press(page, "Escape")
    expect(page.locator("dialog")).to_have_count(0)
    assert chosen(page) == listed[0]
    press(page, "?")
    person.button("Close").click()
    expect(page.locator("dialog")).to_have_count(0)
    assert chosen(page) == listed[0]


def test_they_are_turned_off_and_on_and_it_is_remembered(person: Person) -> None:
    page, listed = person.page, rows(person)
    press(page, "?")
    person.press("Turn them off")
    person.arrives_at("Keyboard shortcuts")
    person.open(LIST)
    press(page, "j", "?", "/", "g", "c")
    assert chosen(page) not in listed
    expect(page.locator("#find")).not_to_be_focused()
    assert person.heading() == person.says("Onboardings")
    person.follow("Keyboard shortcuts")
    person.press("Turn them on")
    person.open(LIST)
    press(page, "j")
    assert chosen(page) == listed[0]


def test_without_a_script_the_page_explains_and_keeps_the_choice(
    browser: Browser, site: Site
) -> None:
    with somebody(browser, site.url, "en", javascript=False) as made:
        enter(made)
        made.follow("Keyboard shortcuts")
        assert "They are on in this browser." in made.read()
        made.press("Turn them off")
        assert "They are off in this browser." in made.read()
        made.open("/en/console/causes")
        assert made.page.locator("[data-shortcuts]").count() == 0
