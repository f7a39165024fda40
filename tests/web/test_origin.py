"""What changes something is refused when another site has sent it: on every route, whoever asks."""

import re

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import Engine

from onboarding.db import reading
from onboarding.models import Onboarding
from onboarding.sealing import Keyring
from tests import builders
from tests.web.visiting import BASE, Visitor, a_site, a_visitor, letters

REFUSED = "This form was sent by another site."
FOREIGN = (
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "cross-site", "origin": BASE},
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:8001"},
    {"origin": "http://127.0.0.1:8000.evil.example"},
    {"origin": "null"},
    {"origin": ""},
)
OURS: tuple[dict[str, str], ...] = (
    {"sec_fetch_site": "same-origin"},
    {"sec_fetch_site": "none"},
    {"origin": BASE},
    # A program; it has no cookie of ours to misuse.
    {},
)


@pytest.fixture
def app(ring: Keyring) -> FastAPI:
    return a_site(ring)


def unsafe_routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path of the application that may change something."""
    return [
        (method, re.sub(r"\{locale\}", "en", str(context.path)))
        for context in iter_route_contexts(app.routes)
        for method in (context.methods or ())
        if method not in {"GET", "HEAD", "OPTIONS"}
    ]


def test_every_unsafe_route_refuses_what_another_site_sends(sqlite: Engine, app: FastAPI) -> None:
    """T01."""
    routes = unsafe_routes(app)
    assert ("POST", "/en/onboardings/{onboarding_id}/secret-reveal") in routes
    assert ("POST", "/v1/onboardings") in routes
    visitor = Visitor(app)
    for method, path in routes:
        for headers in FOREIGN:
            answer = visitor.send(method, re.sub(r"\{\w+\}", "x", path), headers=headers)
            assert (answer.status_code, answer.text) == (403, REFUSED), (method, path, headers)
            assert answer.headers["x-frame-options"] == "DENY"
        for headers in OURS:
            answer = visitor.send(method, re.sub(r"\{\w+\}", "x", path), headers=headers)
            assert answer.text != REFUSED, (method, path, headers)


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_foreign_form_changes_nothing_even_with_the_cookie(
    sqlite: Engine, app: FastAPI, headers: dict[str, str]
) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)
    home = visitor.home(onboarding_id)
    for form in ("contact", "save"):
        email = {"email": "mallory@evil.example"}
        assert visitor.post(f"{home}/{form}", email, headers=headers).status_code == 403
    with reading() as session:
        assert session.get_one(Onboarding, onboarding_id).contact_email is None
    assert letters() == []


@pytest.mark.parametrize("headers", [*FOREIGN, *OURS])
def test_a_link_from_anywhere_may_be_followed(
    sqlite: Engine, app: FastAPI, headers: dict[str, str]
) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)
    assert visitor.get(visitor.home(onboarding_id), **headers).status_code == 200
