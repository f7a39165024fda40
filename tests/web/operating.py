"""Operators at their browsers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from onboarding import operators, outbox
from onboarding.sealing import Keyring
from onboarding.web import console
from tests import builders
from tests.web.visiting import Visitor, a_site


def a_quiet_site(ring: Keyring) -> FastAPI:
    """The application, with nobody at work behind it."""
    made = a_site(ring)
    # A stream says what there is to say, and ends.
    made.state.live.lasts = 0.0
    outbox.publish_with(None)
    return made


def at_console(app: FastAPI, role: str, locale: str = "en") -> Visitor:
    """A browser that has followed the printed link."""
    visitor = Visitor(app, locale)
    token = operators.link_token(app.state.ring, role, datetime.now(UTC) + timedelta(hours=1))
    entered = visitor.post(f"/{locale}/console/enter/{token}")
    assert entered.status_code == 303
    return visitor


def home(onboarding_id: UUID) -> str:
    return f"/en/console/onboardings/{builders.the(onboarding_id).reference}"


def every_route() -> list[APIRoute]:
    """Those of the console."""
    routes = [c.route for c in iter_route_contexts(console.router.routes)]
    # What lets people in and out, and what only chooses a language.
    apart = ("/enter/", "/sign-in", "/sign-out")
    return [
        route
        for route in routes
        if isinstance(route, APIRoute)
        and route.path != "/console"
        and not any(each in route.path for each in apart)
    ]
