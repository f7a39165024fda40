"""Builds the web application: routes, middleware, and how a refusal is shown."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import Lifespan

from onboarding import __version__, changes, sealing
from onboarding.broker import Glance
from onboarding.sealing import Keyring
from onboarding.sellers import sandbox
from onboarding.sellers.provider import Provider
from onboarding.settings import Settings
from onboarding.web import (
    api,
    api_events,
    console,
    describing,
    development,
    docs,
    health,
    live,
    metrics,
    oauth,
    pages,
    problem_pages,
    quotas,
    runbooks,
    signin,
    waiting,
    webhook_keys,
    wizard,
)
from onboarding.web.announcing import announced
from onboarding.web.assets import mount_static
from onboarding.web.headers import security_headers
from onboarding.web.heads import heads
from onboarding.web.limits import request_limits
from onboarding.web.origin import same_origin_only
from onboarding.web.problems import install_problem_handlers
from onboarding.web.request_ids import identified
from onboarding.web.traced import NONE_OF_FASTAPI, traced

SANDBOX = "/sandbox/seller-portal"


def create_app(settings: Settings, ring: Keyring) -> FastAPI:
    """The application for one process. It opens nothing: the database is there already."""
    # The sandbox is this very process: a proxy for the world outside would not find it.
    http = httpx.Client(follow_redirects=False, trust_env=not settings.sandbox)
    operators = _operators_provider(settings)
    app = FastAPI(
        title="Onboarding",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        middleware=_middleware(settings),
        telemetry=NONE_OF_FASTAPI,
        generate_unique_id_function=describing.name_of,
        lifespan=closing(http, *([operators.http] if operators else [])),
    )
    app.state.settings = settings
    app.state.ring = ring
    app.state.broker = Glance(settings.broker_url) if settings.broker_url else None
    app.state.metrics = metrics.Kept()
    app.state.live = live.Streams(changes.latest)
    app.state.event_streams = live.Streams(api_events.latest, api_events.ASKS)
    app.state.quotas = quotas.Quotas(settings)
    app.state.waiting = waiting.Waiting()
    app.state.provider = _provider(settings, ring, http)
    app.state.console_provider = operators
    # Their paths could be a page's in a language of that name.
    for part in (api, console):
        app.include_router(part.router)
    wizard.include(app, wizard.FIRST)
    for part in (health, metrics, runbooks, problem_pages, docs, webhook_keys, oauth, signin):
        app.include_router(part.router)
    wizard.include(app, wizard.PARTS)
    if settings.sandbox:
        portal = sandbox.portal(
            settings.issuer,
            sealing.derive(ring, "sandbox", "seller-portal"),
            [settings.base_url + signin.CALLBACK],
            settings.oidc_client_id,
        )
        app.include_router(portal, prefix=SANDBOX)
    if not settings.smtp_url:
        app.include_router(development.router)
    mount_static(app)
    # The framework asks for it as a method.
    app.openapi = describing.describe(app)  # type: ignore[method-assign]
    install_problem_handlers(app, pages.refusal)
    return app


def closing(*clients: httpx.Client) -> Lifespan[FastAPI]:
    """What an application does when its server stops: it hangs up on the identity providers."""

    @asynccontextmanager
    async def until_the_end(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as open_until_then:
            for client in clients:
                open_until_then.enter_context(client)
            yield

    return until_the_end


def _middleware(settings: Settings) -> list[Middleware]:
    """The outermost first: even a refused request gets the headers."""
    https = settings.base_url.startswith("https:")
    return [
        Middleware(identified),
        Middleware(traced),
        Middleware(security_headers, https=https),
        Middleware(announced),
        Middleware(request_limits),
        Middleware(same_origin_only),
        Middleware(heads),
    ]


def _provider(settings: Settings, ring: Keyring, http: httpx.Client) -> Provider:
    """Where sellers sign in. It is asked nothing before the first of them does."""
    secret = settings.oidc_client_secret
    if settings.sandbox:
        key = sealing.derive(ring, "sandbox", "seller-portal")
        secret = sandbox.sandbox_client_secret(key)
    return Provider(settings.issuer, settings.oidc_client_id, secret, http)


def _operators_provider(settings: Settings) -> Provider | None:
    """Where operators sign in: another provider than the sellers', or none."""
    if not settings.console_issuer:
        return None
    return Provider(
        settings.console_issuer,
        settings.console_client_id,
        settings.console_client_secret,
        httpx.Client(follow_redirects=False),
        # The address is for letters that an operator asks for.
        scope="openid profile email",
        accounts_claim=settings.console_groups_claim,
    )
