"""A real browser reaches an identity provider wherever it is, with JavaScript or without."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser
from sqlalchemy import Engine
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from onboarding.sealing import Keyring
from onboarding.sellers import sandbox
from onboarding.web.signin import CALLBACK
from tests.builders import an_onboarding
from tests.databases import forget_settings
from tests.sellers.serving import serving
from tests.web.signing_in import COOKIE, Site, cookie_for
from tests.web.visiting import a_site

KEY = bytes(32)
REALM = "/realms/sellers"


@pytest.fixture
def site(sqlite: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Our pages; sellers sign in at another origin, which leads on to yet another one."""
    apps: list[FastAPI] = []
    with ExitStack() as stack:

        def make(url: str) -> FastAPI:
            portal = stack.enter_context(serving(lambda at: elsewhere(at, url + CALLBACK)))
            monkeypatch.setenv("ONBOARDING_PUBLIC_URL", url)
            monkeypatch.setenv("ONBOARDING_OIDC_ISSUER", portal + REALM)
            secret = sandbox.sandbox_client_secret(KEY)
            monkeypatch.setenv("ONBOARDING_OIDC_CLIENT_SECRET", secret)
            forget_settings()
            apps.append(a_site(ring))
            return apps[0]

        yield Site(stack.enter_context(serving(make)))
        apps[0].state.provider.http.close()
    monkeypatch.undo()
    forget_settings()


def elsewhere(url: str, way_back: str) -> FastAPI:
    """A provider whose endpoint sends browsers on to the host where they sign in."""
    app = FastAPI()
    app.include_router(sandbox.portal(url + REALM, KEY, [way_back], "onboarding"), prefix=REALM)
    app.add_middleware(_to_the_login_host)
    return app


def _to_the_login_host(app: ASGIApp) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else ""
        if host.startswith("127.0.0.1") and scope["path"] == f"{REALM}/authorize":
            there = host.replace("127.0.0.1", "localhost")
            query = scope["query_string"].decode()
            answer = RedirectResponse(f"http://{there}{scope['path']}?{query}", 303)
            return await answer(scope, receive, send)
        return await app(scope, receive, send)

    return wrapped


@pytest.mark.parametrize("scripted", [True, False])
def test_sellers_sign_in_at_another_origin(site: Site, browser: Browser, *, scripted: bool) -> None:
    onboarding_id = an_onboarding("awaiting_seller", connection_type="aggregator", delegated=True)
    with browser.new_context(java_script_enabled=scripted) as context:
        token = cookie_for(onboarding_id)
        context.add_cookies([{"name": COOKIE, "value": token, "url": site.url}])
        page = context.new_page()
        page.goto(f"{site.url}/en/onboardings/{onboarding_id}")
        page.get_by_role("button", name="Sign in and continue").click()
        page.get_by_label("Alex Martin").check()
        assert page.url.startswith("http://localhost:")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Is this the right seller account?").wait_for()
        assert page.url.startswith(site.url)
