"""A second tab that has fallen behind: whatever it sends gets an honest page, and changes nothing."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.journeys.letterbox import Letterbox
from tests.journeys.pages import Person, somebody
from tests.journeys.steps import STORED, history, sign_in
from tests.servers.smtp import Smtp
from tests.system import System

Act = Callable[[Person], object]


@pytest.fixture
def person(browser: Browser, journeys: System) -> Iterator[Person]:
    with somebody(browser, journeys.url, "en", javascript=False) as made:
        yield made


def test_a_tab_that_is_behind_loses_nothing_and_breaks_nothing(
    person: Person, shared_smtp: Smtp
) -> None:
    person.open("/en/")
    person.answer("Software that I develop, alone or with a development partner")
    behind: list[tuple[Person, Act]] = []
    for here, there in steps(Letterbox(shared_smtp, "two-tabs@shop.example")):
        twin, late = person.another_tab(), person.another_tab()
        here(person)
        nothing_changes(person, twin, there)
        behind.append((late, there))
    for tab, act in behind:
        nothing_changes(person, tab, act)


def test_a_start_page_that_is_sent_again_starts_once(person: Person) -> None:
    person.open("/en/")
    nonce = person.page.locator("input[name=nonce]").input_value()
    person.answer("A plugin on my website")
    first = person.onboarding_id
    tab = person.another_tab()
    tab.open("/en/")
    tab.page.locator("input[name=nonce]").evaluate(
        "(field, value) => { field.value = value }", nonce
    )
    tab.answer("A plugin on my website")
    assert tab.onboarding_id == first


def nothing_changes(person: Person, tab: Person, act: Act) -> None:
    """Let the tab send what it shows; the onboarding stays where it stands, and no page is an error."""
    before = history(person)
    statuses: list[int] = []
    tab.page.on("response", lambda response: statuses.append(response.status))
    act(tab)
    assert statuses
    assert max(statuses) < 500, statuses
    assert tab.heading()
    assert history(person) == before


def steps(letterbox: Letterbox) -> Iterator[tuple[Act, Act]]:
    """What the first tab does to go on, and what the second one does on the page that it still shows."""
    codes: list[str] = []

    def ask(person: Person) -> None:
        person.fill("E-mail address", letterbox.address)
        person.press("Send me a code")

    def enter(person: Person) -> None:
        codes[:] = codes or [letterbox.code()]
        person.fill("Code with 6 digits", codes[0])
        person.press("Continue")

    yield developer, developer
    yield ask, ask
    yield enter, enter
    yield issue_and_wait, issue
    yield reveal, reveal
    yield store, lose
    yield sign, sign
    yield link, link
    yield confirm_and_wait, confirm


def developer(person: Person) -> None:
    person.answer("My company")


def issue(person: Person) -> None:
    person.press("Create my client ID")


def issue_and_wait(person: Person) -> None:
    issue(person)
    person.waits_for("Your client secret is ready")


def reveal(person: Person) -> None:
    person.press("Show my client secret")


def store(person: Person) -> None:
    person.tick(STORED)
    person.press("Continue")


def lose(person: Person) -> None:
    """The second tab never saw the secret; it asks for a new one, too late."""
    person.press("Create a new secret")


def sign(person: Person) -> None:
    person.press("Sign in and continue")
    if person.page.get_by_role("radio", name="Alex Martin").count():
        sign_in(person)


def link(person: Person) -> None:
    person.press("Yes, connect this account")


def confirm(person: Person) -> None:
    person.press("Confirm and connect %(user)s", user="your software")


def confirm_and_wait(person: Person) -> None:
    confirm(person)
    person.waits_for("Connection ready")
