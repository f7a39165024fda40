"""The seller's part in a real browser: accessible, fitting 320 pixels, and walked without JavaScript."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from onboarding import outbox, replacing
from onboarding.db import transaction
from onboarding.sealing import Keyring
from onboarding.words import LOCALES
from tests.builders import SELLER, an_onboarding, state_of, work
from tests.servers.browser import accessibility_findings
from tests.web.signing_in import COOKIE, Site, cookie, served_site, signed_in

# A state, its way, who has signed in, and what follows the address of the onboarding.
PAGES = [
    ("checking_aggregator", True, None, ""),
    ("awaiting_aggregator", True, None, ""),
    ("awaiting_seller", False, None, ""),
    ("awaiting_seller", True, "one-shop", ""),
    ("awaiting_seller", True, "two-shops", "?sign_in=cancelled"),
    ("awaiting_seller", True, "suspended", ""),
    ("seller_linked", False, None, ""),
    ("seller_linked", True, None, "/unlink"),
    ("seller_linked", False, None, "/start-over"),
    ("seller_linked", False, None, "/cancel"),
    ("verifying", True, None, ""),
    ("confirmed", True, None, ""),
    ("confirmed", False, None, ""),
    ("credentials_issued", False, None, ""),
    ("cancelled", False, None, ""),
    ("expired", False, None, ""),
]


@pytest.fixture
def site(sqlite: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with served_site(ring, monkeypatch) as served:
        outbox.publish_with(None)
        yield served


def begun(state: str, *, delegated: bool) -> UUID:
    """An onboarding; with client ID and secret, it is the seller's own development."""
    own = None if state in {"credentials_issued", "cancelled", "expired"} else "own_development"
    return an_onboarding(
        state, connection_type="aggregator" if delegated else own, delegated=delegated
    )


@pytest.mark.parametrize(("state", "delegated", "seller", "path"), PAGES)
def test_a_page_is_accessible_and_fits(
    site: Site, browser: Browser, state: str, *, delegated: bool, seller: str | None, path: str
) -> None:
    onboarding_id = begun(state, delegated=delegated)
    with browser.new_context(viewport={"width": 320, "height": 640}) as context:
        token = _token(site, onboarding_id, seller)
        context.add_cookies([{"name": COOKIE, "value": token, "url": site.url}])
        page = context.new_page()
        for address in (f"/onboardings/{onboarding_id}{path}", "/connections"):
            for locale in LOCALES:
                answer = page.goto(f"{site.url}/{locale}{address}")
                assert answer
                assert answer.status == 200
                assert accessibility_findings(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_sellers_part_needs_no_javascript(site: Site, page_without_javascript: Page) -> None:
    page = page_without_javascript
    onboarding_id = begun("awaiting_seller", delegated=True)
    token = _token(site, onboarding_id, None)
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": site.url}])
    page.goto(f"{site.url}/en/onboardings/{onboarding_id}")
    page.get_by_role("button", name="Sign in and continue").click()
    page.get_by_label("Alex Martin").check()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Yes, connect this account").click()
    page.get_by_role("button", name="Confirm and connect Feedwise").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We are checking your connection")
    work(onboarding_id)
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connection ready")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save a record (text file)").click()
    assert "123456" in download.value.path().read_text()


def test_a_page_that_waits_moves_on_by_itself(site: Site, page: Page) -> None:
    onboarding_id = begun("verifying", delegated=True)
    token = _token(site, onboarding_id, None)
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": site.url}])
    page.goto(f"{site.url}/fr/onboardings/{onboarding_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nous vérifions votre connexion")
    work(onboarding_id)
    assert state_of(onboarding_id) == "confirmed"
    expect(page.get_by_role("heading", level=1)).to_have_text("Connexion prête")


def test_the_page_of_a_new_secret_moves_on_by_itself(site: Site, page: Page) -> None:
    onboarding_id = begun("credentials_issued", delegated=False)
    with transaction() as session:
        replacing.ask(session, onboarding_id, SELLER, 3)
    token = _token(site, onboarding_id, None)
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": site.url}])
    page.goto(f"{site.url}/en/onboardings/{onboarding_id}/client-secret")
    expect(page.get_by_text("The new client secret is being created")).to_be_visible()
    work(onboarding_id)
    expect(page.get_by_role("heading", level=2)).to_contain_text(
        ["Your new client secret is ready"]
    )


def _token(site: Site, onboarding_id: UUID, seller: str | None) -> str:
    """The cookie of a browser that may see the onboarding, and as whom it is signed in."""
    if seller:
        return signed_in(FastAPI(), seller, onboarding_id).cookies[COOKIE]
    return cookie(site.browser(onboarding_id))
