"""A body that nobody can read changes nothing about who is let in: that is said first, and counted."""

from typing import Final

import httpx
import pytest
from sqlalchemy import Engine

from onboarding.ids import new_id
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.limits import BODY_AT_MOST
from onboarding.web.quotas import BAD_KEYS, Quotas
from tests.web.calling import System, a_system, refused, served
from tests.web.standing_still import Now
from tests.web.test_api_access import ROUTES, Route

UNREAD: Final = {
    "no JSON": ("application/json", b"{", 400, "not_json"),
    "not declared as JSON": ("text/plain", b"{}", 415, "wrong_media_type"),
    "too much": ("application/json", b" " * (BODY_AT_MOST + 1), 413, "body_too_large"),
}
# Whose senders are known by what they sign, which is the body.
SIGNED: Final = ("/v1/inbound-events", "/v1/disclosures")
# What a client asks with its access token.
BY_TOKEN: Final = "/v1/whoami"
TAKE_A_BODY: Final = [
    (method, path)
    for method, path in ROUTES
    if method != "GET" and not (method == "POST" and path in SIGNED)
]


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def ask(system: System, route: Route, unread: str) -> httpx.Response:
    method, path = route
    some = str(new_id())
    names = ("onboarding_id", "webhook_id", "delivery_id", "link_id", "invitation_id", "reference")
    address = path.format(**dict.fromkeys(names, some), aggregator_id="a", version=1, event_id=some)
    media_type, content, *_ = UNREAD[unread]
    headers = {"content-type": media_type, "idempotency-key": "one", "if-match": "*"}
    if path.endswith("/secret-reveal"):
        del headers["idempotency-key"]
    return system.send(method, address, headers, content=content)


@pytest.mark.parametrize("unread", UNREAD)
@pytest.mark.parametrize("route", TAKE_A_BODY, ids=" ".join)
def test_who_is_not_known_is_told_so_whatever_they_send(
    route: Route, unread: str, system: System
) -> None:
    refused(ask(System(system.app), route, unread), 401, "unauthorised")
    _, _, status, code = UNREAD[unread]
    answer = ask(system, route, unread)
    refused(answer, status, code)
    assert answer.headers["ratelimit-policy"].startswith('"default"')


@pytest.mark.parametrize("unread", UNREAD)
def test_a_key_without_the_scope_is_told_so(unread: str, system: System) -> None:
    reader = a_system(system.app, ["onboardings:read"])
    refused(ask(reader, ("POST", "/v1/onboardings"), unread), 403, "forbidden")


@pytest.mark.parametrize("unread", UNREAD)
def test_it_counts_as_any_other(unread: str, sqlite: Engine, ring: Keyring) -> None:
    limited = settings().model_copy(update={"api_requests_per_minute": 2})
    system = a_system(served(ring, limited))
    system.app.state.quotas = Quotas(limited, Now())  # type: ignore[attr-defined]
    route, (_, _, status, code) = ("POST", "/v1/onboardings"), UNREAD[unread]
    for _ in range(2):
        refused(ask(system, route, unread), status, code)
    refused(ask(system, route, unread), 429, "quota_exceeded")
    guessing = System(system.app, "x")
    statuses = {ask(guessing, route, unread).status_code for _ in range(BAD_KEYS)}
    assert statuses == {401}
    refused(ask(guessing, route, unread), 429, "quota_exceeded")


@pytest.mark.parametrize("path", SIGNED)
def test_what_is_too_large_to_be_signed_is_refused_for_that(path: str, system: System) -> None:
    refused(ask(System(system.app), ("POST", path), "too much"), 413, "body_too_large")
    for unread in ("no JSON", "not declared as JSON"):
        refused(ask(System(system.app), ("POST", path), unread), 401, "unauthorised")


def test_where_nothing_takes_a_body_too_much_of_it_is_refused_all_the_same(system: System) -> None:
    for path in ("/v1/onboardings", BY_TOKEN, "/v1/chart"):
        refused(ask(system, ("GET", path), "too much"), 413, "body_too_large")
    refused(ask(System(system.app), ("GET", "/v1/onboardings"), "too much"), 401, "unauthorised")
    refused(ask(system, ("POST", "/v1/nothing"), "too much"), 404, "not_found")
