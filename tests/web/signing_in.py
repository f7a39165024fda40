"""Browsers that really sign in: the pages and the sandbox Seller Portal on one port, over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from uuid import UUID

import httpx
import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI

from onboarding import db, proofs
from onboarding.db import transaction
from onboarding.sealing import Keyring
from onboarding.sellers.sandbox_accounts import SAMPLE_SELLERS
from onboarding.settings import settings
from tests.databases import forget_settings
from tests.sellers.serving import serving
from tests.web.visiting import SAME_ORIGIN, Visitor, a_site, form_of

COOKIE = "onboarding"


@dataclass
class Site:
    """The whole application at an address, and every browser that was opened there."""

    url: str
    opened: list[httpx.Client] = field(default_factory=list)

    def browser(self, *granted: UUID, token: str | None = None) -> httpx.Client:
        """A browser that was granted these onboardings, or that has this cookie, or a new one."""
        browser = httpx.Client(
            base_url=self.url,
            trust_env=False,
            follow_redirects=True,
            headers=SAME_ORIGIN,
            timeout=30,
        )
        self.opened.append(browser)
        if token or granted:
            browser.cookies.set(COOKIE, token or cookie_for(*granted), domain="127.0.0.1")
        return browser


@contextmanager
def served_site(ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The application on a free port, where it also calls its own Seller Portal."""
    apps: list[FastAPI] = []

    def make(url: str) -> FastAPI:
        monkeypatch.setenv("ONBOARDING_PUBLIC_URL", url)
        forget_settings()
        apps.append(a_site(ring))
        return apps[0]

    with serving(make) as url:
        site = Site(url)
        yield site
        for client in (*site.opened, apps[0].state.provider.http):
            client.close()


def signed_in(app: FastAPI, seller: str, *granted: UUID, locale: str = "en") -> Visitor:
    """A browser as one of the sample sellers has left it after signing in; no portal is asked."""
    sample = SAMPLE_SELLERS[seller]
    token = cookie_for(*granted)
    with transaction() as session:
        made = proofs.find_session(session, token)
        assert made
        made.issuer, made.subject = settings().issuer, sample.subject
        made.signed_in_at = db.clock(session)
        made.seller_name = sample.name
        made.accounts = {"accounts": [asdict(account) for account in sample.accounts]}
    return Visitor(app, locale, {COOKIE: token})


def press(browser: httpx.Client, page: httpx.Response, form: str, **typed: str) -> httpx.Response:
    """Send the form of a page whose address ends so, with its hidden fields."""
    action, hidden = form_of(page, form)
    return go_on(browser, browser.post(str(page.url.join(action)), data=hidden | typed))


def go_on(browser: httpx.Client, page: httpx.Response) -> httpx.Response:
    """As browsers do with a page that leads on by itself."""
    url = leads_to(page)
    return browser.get(url) if url else page


def leads_to(page: httpx.Response) -> str | None:
    found = BeautifulSoup(page.text, "html.parser").select_one("meta[http-equiv=refresh]")
    return str(found["content"]).removeprefix("0;url=") if found else None


def sign_in_as(
    browser: httpx.Client, page: httpx.Response, seller: str, *, shop: str = "all"
) -> httpx.Response:
    """From a page with a sign-in form, through the sandbox, to the page that it leads back to."""
    return choose_seller(browser, press(browser, page, "/sign-in"), seller, shop=shop)


def choose_seller(
    browser: httpx.Client, portal: httpx.Response, seller: str, *, shop: str = "all"
) -> httpx.Response:
    """Answer what the sandbox asks; it asks for the shop where there are several."""
    page = press(browser, portal, "sign-in", seller=seller, action="sign-in")
    if BeautifulSoup(page.text, "html.parser").select("input[name=shop]"):
        page = press(browser, page, "sign-in", shop=shop, action="sign-in")
    return page


def way_back(browser: httpx.Client, page: httpx.Response, seller: str) -> str:
    """The address with which the portal sends the browser back, before it is followed."""
    portal = press(browser, page, "/sign-in")
    action, hidden = form_of(portal, "sign-in")
    form = hidden | {"seller": seller, "action": "sign-in"}
    answer = browser.post(str(portal.url.join(action)), data=form, follow_redirects=False)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def cookie(browser: httpx.Client) -> str:
    """The session's cookie."""
    return str(browser.cookies[COOKIE])


def cookie_for(*granted: UUID) -> str:
    """The cookie of a new session that was granted these onboardings."""
    with transaction() as session:
        made, token = proofs.open_session(session)
        session.flush()
        for onboarding_id in granted:
            proofs.grant(session, made, onboarding_id)
    return token
