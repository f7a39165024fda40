"""What somebody tries with addresses, names, headers and bodies, on every page and route at once."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import Engine, func, select, update

from onboarding import access
from onboarding.db import reading, transaction
from onboarding.models import Link, Onboarding
from onboarding.sealing import Keyring
from onboarding.web.quotas import BAD_KEYS
from tests.builders import an_onboarding
from tests.composing import put
from tests.web.calling import System, a_system, in_one_moment, served
from tests.web.operating import at_console, home
from tests.web.visiting import BASE, Visitor, a_site, a_visitor, soup

ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https:evil.example",
    "/%2f%2fevil.example/",
    "/\t/evil.example/",
    "/\r\nLocation: https://evil.example/",
    "javascript:alert(1)",
    "https://127.0.0.1:8000@evil.example/",
)
NAMES = ("next", "to", "url", "return_to", "redirect", "redirect_uri", "continue")
TYPED = "{{ 7 * 7 }}{% raw %}${7*7}<%= 7*7 %><img src=x onerror=alert(1)><script>x</script>"


@pytest.fixture
def app(sqlite: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def looks(app: FastAPI) -> Iterator[str]:
    """Every address that may be looked at, with something in its place."""
    for context in iter_route_contexts(app.routes):
        if "GET" in (context.methods or ()):
            path = str(context.path).replace("{locale}", "en")
            yield re.sub(r"\{[\w:]+\}", "x", path)


def hosts_led_to(visitor: Visitor, path: str) -> set[str]:
    answer = visitor.send("GET", path)
    return {urlsplit(answer.headers.get("location", "").replace("\\", "/")).netloc}


def test_t07_no_address_of_ours_leads_where_somebody_else_wants(app: FastAPI) -> None:
    visitor, own = Visitor(app), {"", urlsplit(BASE).netloc}
    paths = [*looks(app)]
    assert len(paths) > 60
    seen: set[str] = set()
    for path in paths:
        for place in ELSEWHERE:
            seen |= hosts_led_to(visitor, f"{path}?{_query(place)}")
    for place in ("//evil.example", "//evil.example/..", "/\\evil.example/", "/%2fevil.example/"):
        seen |= hosts_led_to(visitor, BASE + place)
    assert seen <= own


def _query(place: str) -> str:
    quoted = re.sub(r"[^\w/:.@\\-]", lambda found: f"%{ord(found[0]):02x}", place)
    return "&".join(f"{name}={quoted}" for name in NAMES)


@pytest.mark.parametrize("state", ["awaiting_aggregator", "awaiting_seller", "confirmed"])
def test_t20_t21_what_is_typed_is_shown_as_it_was_typed(app: FastAPI, state: str) -> None:
    """On the seller's pages and at the console, in every field that somebody else fills in."""
    onboarding_id = an_onboarding(state)
    put(onboarding_id, connection_name=TYPED, aggregator_name=TYPED)
    with transaction() as session:
        ours = Link.onboarding_id == onboarding_id
        session.execute(update(Link).where(ours).values(shop_name=TYPED))
    visitor, operator = a_visitor(app, onboarding_id), at_console(app, "lead")
    pages = [
        visitor.open("/en/connections"),
        visitor.open(visitor.home(onboarding_id)),
        operator.open(home(onboarding_id)),
        operator.open("/en/console/onboardings"),
    ]
    for page in pages:
        assert "49" not in re.sub(r"[0-9a-f-]{32,}|\d{3,}|\d\d:\d\d", "", soup(page).text)
        assert not soup(page).select("main img[onerror], main script")
    assert any(TYPED in soup(page).text for page in pages)


@pytest.mark.parametrize(
    "column", [each.name for each in Onboarding.__table__.columns if each.name != "locale"]
)
def test_t28_a_body_sets_nothing_that_is_the_product_s(app: FastAPI, column: str) -> None:
    system = a_system(app)
    body = {"locale": "en", column: "x"}
    answer = system.post("/v1/onboardings", body)
    if answer.status_code == 201:
        assert column == "connection_name"
        return
    assert answer.status_code == 422
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Onboarding)) == 0


def test_t56_no_header_makes_a_guesser_somebody_else(sqlite: Engine, ring: Keyring) -> None:
    app = in_one_moment(served(ring))
    guessing = System(app, access.KEY_PREFIX + "a" * 43, address="192.0.2.7")
    statuses = [
        guessing.get(
            "/v1/onboardings",
            x_forwarded_for=f"198.51.100.{number}",
            forwarded=f"for=198.51.100.{number}",
            x_real_ip=f"198.51.100.{number}",
        ).status_code
        for number in range(BAD_KEYS + 5)
    ]
    assert statuses == [401] * BAD_KEYS + [429] * 5
