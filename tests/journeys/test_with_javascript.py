"""What the script adds: values that are copied, pages that move on by themselves, and one click for two."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Route, expect
from playwright.sync_api import Error as BrowserError

from tests.journeys.letterbox import Letterbox
from tests.journeys.pages import PATIENCE, Person, somebody
from tests.journeys.steps import READY, download, history, prove_address, shown_once, sign_in
from tests.servers.smtp import Smtp
from tests.system import System

NO_CLIPBOARD = (
    "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
    "document.execCommand = () => false;"
)
CLIPBOARD = ["clipboard-read", "clipboard-write"]
STORED_YET = "Have you stored your client secret?"


@pytest.fixture
def person(browser: Browser, journeys: System) -> Iterator[Person]:
    with somebody(browser, journeys.url, "fr", permissions=CLIPBOARD) as made:
        yield made


@pytest.fixture
def letterbox(request: pytest.FixtureRequest, shared_smtp: Smtp) -> Letterbox:
    name = request.node.originalname.removeprefix("test_").replace("_", "-")
    return Letterbox(shared_smtp, f"{name[:50]}@shop.example")


def test_waiting_pages_move_on_by_themselves(person: Person) -> None:
    person.open("/")
    person.answer("A feed aggregator")
    person.choose_from("Aggregator", "Feedwise")
    person.press("Save and continue")
    person.answer("1 value: my Seller ID")
    person.arrives_at("Sign in to your seller account")
    person.press("Sign in and continue")
    sign_in(person)
    person.press("Yes, connect this account")
    person.press("Confirm and connect %(user)s", user="Feedwise")
    person.arrives_at("Connection ready")


def test_the_first_of_a_month_is_the_first_in_french(person: Person) -> None:
    def with_an_instant(route: Route) -> None:
        answer = route.fetch()
        instant = '</h1><time datetime="2026-12-01T12:00:00Z"></time>'
        route.fulfill(response=answer, body=answer.text().replace("</h1>", instant, 1))

    person.page.route("**/fr/", with_an_instant)
    person.open("/fr/")
    expect(person.page.locator("time").first).to_contain_text("1er décembre 2026")


def test_paper_has_whom_to_ask_and_no_addresses_of_ours(person: Person) -> None:
    person.open("/")
    person.page.emulate_media(media="print")
    expect(person.page.locator(".help")).to_be_visible()
    expect(person.page.locator(".help a[href^='mailto:']")).to_be_visible()
    printed = "link => getComputedStyle(link, '::after').content"
    ours = person.page.locator("a[href^='/']")
    assert {each.evaluate(printed) for each in ours.all()} == {"none"}


def test_two_clicks_send_one_form(person: Person, letterbox: Letterbox) -> None:
    come_to_client_id(person, letterbox)
    posts: list[str] = []
    person.page.on(
        "request", lambda request: posts.append(request.url) if request.method == "POST" else None
    )
    person.button("Create my client ID").dblclick()
    person.arrives_at(READY)
    assert len(posts) == 1
    assert history(person)[-2:] == [
        ("issue_id", "issuing_secret"),
        ("secret_generated", "secret_ready"),
    ]


def test_each_value_of_the_secret_page_can_be_copied(person: Person, letterbox: Letterbox) -> None:
    come_to_secret(person, letterbox)
    for name in ("client_id", "client_secret", "both"):
        person.page.locator(f"[data-copy={name}]").click()
        status = person.page.locator(f".copyable:has(#{name}) [role=status]")
        expect(status).to_have_text(person.says("Copied"))
        copied = person.page.evaluate("navigator.clipboard.readText()")
        assert copied == person.page.locator(f"#{name}").text_content()


def test_files_hold_exactly_the_two_values(person: Person, letterbox: Letterbox) -> None:
    come_to_secret(person, letterbox)
    client_id, secret = person.read("client_id"), person.read("client_secret")
    as_env, as_json = (download(person, f"credentials.{kind}") for kind in ("env", "json"))
    assert as_env == f"CLIENT_ID={client_id}\nCLIENT_SECRET={secret}\n"
    assert json.loads(as_json) == {"client_id": client_id, "client_secret": secret}


def test_where_nothing_can_be_copied_the_value_is_selected(
    person: Person, letterbox: Letterbox
) -> None:
    person.page.add_init_script(NO_CLIPBOARD)
    come_to_secret(person, letterbox)
    person.page.locator("[data-copy=client_secret]").click()
    status = person.page.locator(".copyable:has(#client_secret) [role=status]")
    expect(status).to_have_text(person.says("Press Ctrl+C to copy"))
    selected = person.page.evaluate("getSelection().toString()")
    assert selected == person.read("client_secret")


def test_whoever_goes_back_after_a_mistake_finds_a_page(
    person: Person, letterbox: Letterbox
) -> None:
    person.open("/")
    person.answer("Software that I develop, alone or with a development partner")
    person.answer("My company")
    person.fill("E-mail address", "nobody")
    person.press("Send me a code")
    person.page.locator(".govuk-error-summary a").click()
    prove_address(person, letterbox)
    back = person.page.go_back()
    assert back
    assert back.request.method == "GET"
    person.arrives_at("Your client ID")


def test_a_secret_is_gone_once_its_page_was_left(person: Person, letterbox: Letterbox) -> None:
    come_to_secret(person, letterbox)
    secret, home = person.read("client_secret"), person.home
    person.open("/fr/connections")
    back_to_the_secret(person, secret)
    person.open(home)
    person.arrives_at(STORED_YET)
    person.fill("Last 6 characters of the client secret", secret[-6:])
    person.press("Continue")
    back_to_the_secret(person, secret)
    shown_once(secret, person)


def test_reloading_the_secret_page_shows_no_secret_again(
    person: Person, letterbox: Letterbox
) -> None:
    come_to_secret(person, letterbox)
    secret = person.read("client_secret")
    for number in range(10):
        loaded = person.page.reload()
        sent = loaded and loaded.request.redirected_from
        # Before that a browser asks whether to send the form again: so nobody loses the secret by a slip.
        assert number or (sent and sent.method == "POST")
        person.arrives_at(STORED_YET)
        assert secret not in person.page.content()
    assert [event for event, _ in history(person)].count("reveal_secret") == 1


def test_a_mistake_gets_the_focus(person: Person) -> None:
    person.open("/")
    person.press("Save and continue")
    expect(person.page.locator(".govuk-error-summary")).to_be_focused()
    person.page.locator(".govuk-error-summary a").click()
    expect(person.page.locator("#connection_type")).to_be_focused()


def come_to_client_id(person: Person, letterbox: Letterbox) -> None:
    """Up to the page that creates a client ID."""
    person.open("/")
    person.answer("Software that I develop, alone or with a development partner")
    person.answer("My company")
    prove_address(person, letterbox)


def come_to_secret(person: Person, letterbox: Letterbox) -> None:
    """Up to the one page with a secret on it."""
    come_to_client_id(person, letterbox)
    person.press("Create my client ID")
    person.arrives_at(READY)
    person.press("Show my client secret")
    person.arrives_at("Store your client secret now")


def back_to_the_secret(person: Person, secret: str) -> None:
    """Press the browser's back button until the page should show, and see that it does not."""
    for _ in range(2):
        # A form's answer that nobody has kept: the browser asks whether to send the form again.
        with suppress(BrowserError):
            person.page.go_back()
        assert secret not in what_shows(person)


def what_shows(person: Person) -> str:
    """The content of the page, or of the browser's own page in its place, once there is one."""
    for _ in range(PATIENCE):
        with suppress(BrowserError):
            return person.page.content()
        person.page.wait_for_timeout(50)
    raise AssertionError("No page came.")
