"""The styleguide in a real browser: accessible, fitting, quiet, and as good without JavaScript."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from onboarding.web import pages
from onboarding.web.assets import mount_static
from onboarding.web.headers import security_headers
from onboarding.words import LOCALES
from tests.servers.browser import accessibility_findings
from tests.web.asking import own_templates

ERRORS = {"connection_type": "Select how you will connect", "seller_id": "Enter your Seller ID"}


class Site:
    """The styleguide on a port of its own; it counts what is posted, and `word` is what a waiting page hears."""

    def __init__(self) -> None:
        self.word = "checking"
        self.posted: list[dict[str, Any]] = []
        self.address = ""

    def styleguide(self, request: Request) -> Response:
        errors = ERRORS if "errors" in request.query_params else {}
        frame: dict[str, Any] = {
            "step": (1, 4),
            "back": "/en/",
            "reference": "ONB-7F3K-22Q",
            "cancel": "/en/cancel",
        }
        return pages.page(
            request, "styleguide.html", errors=errors, when=datetime.now(UTC), **frame
        )

    async def post(self, request: Request) -> Response:
        async with request.form() as form:
            self.posted.append(dict(form))
        return RedirectResponse("/en/done", 303)

    def done(self, request: Request) -> Response:
        return pages.page(request, "done.html")

    def current_word(self, request: Request) -> Response:
        return PlainTextResponse(self.word)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()
    app = Starlette(
        routes=[
            Route("/{locale}/styleguide", site.styleguide),
            Route("/{locale}/styleguide", site.post, methods=["POST"]),
            Route("/{locale}/done", site.done),
            Route("/{locale}/word", site.current_word),
        ]
    )
    mount_static(app)
    server = uvicorn.Server(uvicorn.Config(security_headers(app), port=0, log_level="warning"))
    listening = server.config.bind_socket()
    # Whoever comes before the server runs waits instead of being refused.
    listening.listen()
    site.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with own_templates():
        yield site
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", ["styleguide?errors", "done"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    browser: Browser, site: Site, locale: str, scheme: Any, width: int, path: str
) -> None:
    with browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}
    ) as context:
        page = context.new_page()
        page.goto(f"{site.address}/{locale}/{path}")
        expect(page.locator("body.js-enabled")).to_be_attached()
        assert accessibility_findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_text_spacing_and_zoom_lose_nothing(browser: Browser, site: Site) -> None:
    with browser.new_context(viewport={"width": 320, "height": 640}) as context:
        page = context.new_page()
        page.goto(f"{site.address}/fr/styleguide?errors")
        # Set from outside, as a reader's own style sheet would be: the policy forbids inline styles.
        page.evaluate(
            "const sheet = new CSSStyleSheet(); sheet.replaceSync('* {line-height: 1.5 !important; letter-spacing: .12em"
            " !important; word-spacing: .16em !important}'); document.adoptedStyleSheets = [sheet]"
        )
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_visit_takes_four_requests_to_this_server_only(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{site.address}/en/done", wait_until="networkidle")
    assert len(asked) <= 4
    assert all(url.startswith(site.address) for url in asked)
    assert complaints == []


def test_everything_to_press_is_24_pixels_or_more(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{site.address}/en/styleguide")
    small = page.evaluate(
        "[...document.querySelectorAll('button, input, select, textarea, summary, nav a, header a, .help a, .foot a')]"
        ".filter(e => e.type !== 'hidden' && e.checkVisibility())"
        ".filter(e => e.getBoundingClientRect().height < 24).map(e => e.outerHTML)"
    )
    assert small == []


def test_the_keyboard_shows_where_it_is(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/en/done")
    for _ in range(4):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", page.evaluate("document.activeElement.outerHTML")


def test_a_block_of_code_in_a_list_is_one_block(page: Page, site: Site) -> None:
    """Runbooks have them: its first line was set in, and smaller."""
    page.goto(f"{site.address}/en/done")
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend',"
        " '<ul><li><code>one</code><pre><code>two</code></pre></li></ul>')"
    )
    padding = "e => getComputedStyle(e).paddingLeft"
    assert page.locator("li > code").last.evaluate(padding) == "5px"
    assert page.locator("li pre code").evaluate(padding) == "0px"


def test_errors_get_the_focus(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/en/styleguide?errors")
    expect(page.locator(".govuk-error-summary")).to_be_focused()
    page.get_by_role("link", name="Enter your Seller ID").click()
    expect(page.locator("#seller_id")).to_be_focused()


def test_pressing_twice_sends_once(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/en/styleguide")
    expect(page.locator("body.js-enabled")).to_be_attached()
    page.evaluate(
        "window.sent = 0;"
        "document.addEventListener('submit', event => { window.sent++; event.preventDefault(); })"
    )
    page.get_by_role("button", name="Save and continue").dblclick()
    assert page.evaluate("window.sent") == 1


def test_without_javascript_the_form_works_and_no_dead_button_shows(
    page_without_javascript: Page, site: Site
) -> None:
    site.posted.clear()
    page = page_without_javascript
    page.goto(f"{site.address}/en/styleguide")
    assert page.locator("[data-copy]:visible, [data-save]:visible").count() == 0
    page.get_by_label("A feed aggregator").check()
    page.get_by_role("button", name="Start over").click()
    page.wait_for_url("**/done")
    assert len(site.posted) == 1
    assert site.posted[0]["nonce"] == "n-1"
    assert site.posted[0]["connection_type"] == "aggregator"
    assert site.posted[0]["event"] == "start_over"


def test_a_press_anywhere_on_a_choice_chooses_it(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/en/styleguide")
    page.get_by_text("You link the aggregator to your seller account").click(force=True)
    expect(page.get_by_label("A feed aggregator")).to_be_checked()


def test_copying_puts_exactly_the_value_on_the_clipboard(browser: Browser, site: Site) -> None:
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto(f"{site.address}/en/styleguide")
        page.get_by_role("button", name="Copy Both, as a file").click()
        expect(page.locator(".copyable:has(#env) [role=status]")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == "CLIENT_ID=mk_test_1\nCLIENT_SECRET=mps_test_2"


@pytest.mark.parametrize(
    ("command_works", "said"), [("true", "Copié"), ("false", "Appuyez sur Ctrl+C pour copier")]
)
def test_where_the_clipboard_is_refused_the_value_is_selected(
    page: Page, site: Site, command_works: str, said: str
) -> None:
    page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        f"document.execCommand = () => {command_works};"
    )
    page.goto(f"{site.address}/fr/styleguide")
    page.locator("[data-copy=client_id]").click()
    expect(page.locator(".copyable:has(#client_id) [role=status]")).to_have_text(said)
    selected = page.evaluate("getSelection().toString()")
    assert selected == page.locator("#client_id").text_content()


def test_a_value_can_be_saved_as_a_file(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/en/styleguide")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download credentials.env").click()
    assert started.value.suggested_filename == "credentials.env"
    assert started.value.path().read_text() == "CLIENT_ID=mk_test_1\nCLIENT_SECRET=mps_test_2\n"


def test_a_waiting_page_comes_again_when_the_word_changes(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/en/styleguide")
    page.evaluate("document.documentElement.dataset.before = 'yes'")
    with page.expect_response("**/word"):
        pass
    expect(page.locator("html[data-before]")).to_be_attached()
    site.word = "ready"
    expect(page.locator("html[data-before]")).not_to_be_attached()
    site.word = "checking"


def test_times_are_shown_in_the_zone_of_the_reader(browser: Browser, site: Site) -> None:
    with browser.new_context(timezone_id="Asia/Tokyo") as context:
        page = context.new_page()
        page.goto(f"{site.address}/en/styleguide")
        time = page.locator("time")
        hour = datetime.fromisoformat(str(time.get_attribute("datetime"))).hour
        expect(time).to_contain_text(f"{(hour + 9) % 24:02}:")
        assert str(time.get_attribute("title")).endswith("UTC")
