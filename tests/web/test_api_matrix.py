"""Every route under /v1, asked by nobody, by another system, by its own without the scope, and by its own.

What is somebody else's looks as if it were not there. A route that is not in the table fails here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import Engine

from onboarding import access, inbound
from onboarding.db import reading
from onboarding.ids import new_id
from onboarding.operators import Who
from onboarding.sealing import Keyring
from onboarding.web.describing_examples import KEY
from tests import at_runs, builders
from tests.dumping import dump
from tests.telling import Event, a_source, tell
from tests.web.calling import System, a_system, expect, refused, served

Route = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """The one scope that a route needs, its owner's answer, and what it does with others' things."""

    # None: any key will do.
    scope: str | None
    status: int = 200
    # None: it is about nothing that somebody owns.
    foreign: int | None = 404
    body: Any = None


ONE: Final = "/v1/onboardings/{onboarding_id}"
LOOKED_AFTER: Final = "/v1/operations/onboardings"
AGGREGATOR: Final = {"name": "A", "status": "registered", "uses_rest": True, "asks_for": "full"}
HOOK: Final = "/v1/webhooks/{webhook_id}"
READS, WRITES, OVERSEES = "onboardings:read", "onboardings:write", "operations:read"
LISTENS: Final = "webhooks:write"
# For everybody, and about nobody.
PUBLIC: Final = {("GET", "/v1/openapi.json"), ("HEAD", "/v1/openapi.json")}
# Signed, and no key opens them: `test_api_inbound`, `tests/threats/test_leaked_secrets.py`.
SIGNED: Final = {("POST", "/v1/inbound-events"), ("POST", "/v1/disclosures")}
# For clients, by their access tokens: tests/threats says what each of those opens.
BY_TOKEN: Final = {("GET", "/v1/whoami")}
RULES: Final[dict[Route, Rule]] = {
    ("POST", "/v1/onboardings"): Rule(WRITES, 201, foreign=None, body={"locale": "en"}),
    ("GET", "/v1/onboardings"): Rule(READS, foreign=None),
    ("GET", ONE): Rule(READS),
    ("GET", f"{ONE}/history"): Rule(READS),
    ("POST", f"{ONE}/events"): Rule(WRITES, body={"event": "cancel"}),
    ("POST", f"{ONE}/secret-reveal"): Rule("secrets:reveal"),
    ("POST", f"{ONE}/continue-links"): Rule(WRITES, 201),
    ("GET", f"{ONE}/requirements"): Rule(READS),
    ("GET", f"{ONE}/allowed-events"): Rule(READS),
    ("GET", f"{ONE}/client"): Rule(READS),
    # Its onboarding is not done yet, so there is nothing to replace.
    ("POST", f"{ONE}/client/secrets"): Rule(WRITES, 409, body={"overlap_days": 3}),
    ("DELETE", f"{ONE}/client/secrets/{{version}}"): Rule(WRITES, 409),
    ("PUT", f"{ONE}/client/key"): Rule("secrets:reveal", body={"jwk": KEY}),
    ("GET", f"{ONE}/developer"): Rule(READS),
    # Whoever may take the secret may have somebody else take it.
    ("PUT", f"{ONE}/developer"): Rule("secrets:reveal", body={"email": "dora@dev.example"}),
    ("DELETE", f"{ONE}/developer"): Rule(WRITES, 204),
    ("GET", f"{ONE}/links"): Rule(READS),
    # … nor to name, to revoke or to unlink.
    ("PATCH", ONE): Rule(WRITES, 409, body={"connection_name": "Ours"}),
    ("DELETE", f"{ONE}/client"): Rule(WRITES, 409),
    ("DELETE", f"{ONE}/links/{{link_id}}"): Rule(WRITES, 404),
    # … and nobody else to be asked.
    ("POST", f"{ONE}/seller-invitations"): Rule(WRITES, 409),
    ("GET", f"{ONE}/seller-invitations"): Rule(READS),
    ("DELETE", f"{ONE}/seller-invitations/{{invitation_id}}"): Rule(WRITES, 404),
    ("GET", "/v1/chart"): Rule(None, foreign=None),
    ("GET", "/v1/aggregators"): Rule(READS, foreign=None),
    ("GET", "/v1/aggregators/{aggregator_id}"): Rule(READS, 404, foreign=None),
    ("PUT", "/v1/aggregators/{aggregator_id}"): Rule(
        "aggregators:write", 201, foreign=None, body=AGGREGATOR
    ),
    ("GET", "/v1/events"): Rule(READS, foreign=None),
    ("GET", "/v1/events/stream"): Rule(READS, foreign=None),
    ("POST", "/v1/webhooks"): Rule(LISTENS, 201, foreign=None, body={"url": "https://h.example/"}),
    ("GET", "/v1/webhooks"): Rule(LISTENS, foreign=None),
    ("GET", HOOK): Rule(LISTENS),
    ("PATCH", HOOK): Rule(LISTENS, body={"description": "Ours"}),
    ("DELETE", HOOK): Rule(LISTENS, 204),
    ("POST", f"{HOOK}/rotate-key"): Rule(LISTENS),
    ("POST", f"{HOOK}/test"): Rule(LISTENS, 202),
    ("GET", f"{HOOK}/deliveries"): Rule(LISTENS),
    ("POST", f"{HOOK}/deliveries/{{delivery_id}}/redeliver"): Rule(LISTENS, 202),
    ("POST", f"{HOOK}/redeliver"): Rule(LISTENS, 202, body={"failed": True}),
    # Whoever oversees sees everybody's, masked.
    ("GET", LOOKED_AFTER): Rule(OVERSEES, foreign=None),
    ("GET", f"{LOOKED_AFTER}/{{reference}}"): Rule(OVERSEES, foreign=200),
    ("GET", f"{LOOKED_AFTER}/{{reference}}/history"): Rule(OVERSEES, foreign=200),
    ("GET", "/v1/operations/events"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/operations/events/stream"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/inbound-events"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/inbound-events/{event_id}"): Rule(OVERSEES, foreign=200),
    ("GET", "/v1/causes"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/operations/machine"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/operations/funnel"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/operations/times"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/operations/runs"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/operations/runs/{number}"): Rule(OVERSEES, foreign=200),
    ("GET", "/v1/operations/webhooks"): Rule(OVERSEES, foreign=None),
    ("GET", "/v1/operations/webhooks/{webhook_id}"): Rule(OVERSEES, foreign=200),
    ("GET", "/v1/operations/webhooks/{webhook_id}/deliveries"): Rule(OVERSEES, foreign=200),
    ("GET", "/v1/operations/audit"): Rule("audit:read", foreign=None),
}
ROUTES: Final = [*RULES]
Names = dict[str, str]
# What a path names, where none of it is there.
NOTHING: Final[Names] = dict.fromkeys(
    (
        "onboarding_id",
        "reference",
        "webhook_id",
        "delivery_id",
        "event_id",
        "link_id",
        "invitation_id",
    ),
    str(new_id()),
) | {"aggregator_id": "a", "version": "1", "number": "99"}


@pytest.fixture
def owner(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def found(app: FastAPI) -> Iterator[Route]:
    """Method and path of all there is, described or not."""
    for route in iter_route_contexts(app.routes):
        if str(route.path).startswith("/v1"):
            yield from ((method, str(route.path)) for method in (route.methods or ()))


def things(owner: System) -> Names:
    """Something of this system's for whatever a path names."""
    onboarding = owner.with_secret()["id"]
    webhook = expect(owner.post("/v1/webhooks", {"url": "https://h.example/"}), 201)["id"]
    delivery = expect(owner.post(f"/v1/webhooks/{webhook}/test"), 202)["id"]
    return NOTHING | {
        "event_id": told(),
        "number": str(a_run()),
        "onboarding_id": onboarding,
        "reference": onboarding,
        "webhook_id": webhook,
        "delivery_id": delivery,
    }


def told() -> str:
    """What the marketplace has said, by our ID."""
    a_source()
    assert tell(Event("shop.painted", "S-1")) == "unknown"
    with reading() as session:
        return str(inbound.listed(session, limit=1)[0].id)


def a_run() -> int:
    """Of an operator, on one onboarding."""
    builders.an_onboarding("started")
    who = Who("operator:test", "Test", "lead")
    return at_runs.begin(builders.keyring(), who, at_runs.look(who, "cancel", state="started"))


def ask(system: System, route: Route, about: Names) -> httpx.Response:
    """The route, about these."""
    method, path = route
    named = path.format(**about)
    system.app.state.event_streams.lasts = 0.0  # type: ignore[attr-defined]
    headers = {"x_request_id": "the-same"}
    if method == "POST":
        return system.post(named, RULES[route].body, **headers)
    return system.send(method, named, headers, json=RULES[route].body)


def whole(answer: httpx.Response) -> tuple[int, dict[str, str], dict[str, Any]]:
    """All of an answer but what is another's for each request."""
    headers = {n: v for n, v in answer.headers.items() if n not in {"ratelimit", "content-length"}}
    return answer.status_code, headers, {**answer.json(), "instance": None}


def test_every_route_is_in_the_table(ring: Keyring) -> None:
    assert {*found(served(ring))} == {*ROUTES} | PUBLIC | SIGNED | BY_TOKEN


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_nobody_gets_nothing(route: Route, owner: System) -> None:
    """T53."""
    nobody = System(owner.app)
    answers = [ask(nobody, route, about) for about in (things(owner), NOTHING)]
    for answer in answers:
        refused(answer, 401, "unauthorised")
    assert whole(answers[0]) == whole(answers[1])


@pytest.mark.parametrize("route", [r for r in ROUTES if RULES[r].scope], ids=" ".join)
def test_its_own_without_the_scope_gets_nothing(route: Route, owner: System) -> None:
    others = a_system(owner.app, set(access.SCOPES) - {RULES[route].scope}, owner)
    answers = [ask(others, route, about) for about in (things(owner), NOTHING)]
    for answer in answers:
        assert refused(answer, 403, "forbidden")["scope"] == RULES[route].scope
        wanted = f'Bearer error="insufficient_scope", scope="{RULES[route].scope}"'
        assert answer.headers["www-authenticate"] == wanted
    assert whole(answers[0]) == whole(answers[1])


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_its_own_needs_no_more_than_the_scope(route: Route, owner: System) -> None:
    second = a_system(owner.app, [RULES[route].scope or "contacts:vouch"], owner)
    answer = ask(second, route, things(owner))
    assert answer.status_code == RULES[route].status, answer.text


@pytest.mark.parametrize("route", [r for r in ROUTES if RULES[r].foreign], ids=" ".join)
def test_another_s_looks_as_if_it_were_not_there(
    route: Route, owner: System, sqlite: Engine
) -> None:
    """T03. Unless it is the business of whoever asks."""
    stranger = a_system(owner.app)
    foreign, nothing = things(owner), ask(stranger, route, NOTHING)
    refused(nothing, 404, "not_found")
    before = dump(sqlite)
    answer = ask(stranger, route, foreign)
    assert answer.status_code == RULES[route].foreign
    if RULES[route].foreign == 404:
        assert whole(answer) == whole(nothing)
    assert dump(sqlite) == before


@pytest.mark.parametrize("route", [r for r in ROUTES if r[0] == "POST"], ids=" ".join)
def test_what_changes_something_has_a_name_or_is_never_repeated(
    route: Route, owner: System
) -> None:
    path = route[1].format(**things(owner))
    headers = {"if_match": "*"}
    if route[1].endswith("/secret-reveal"):
        named = owner.send("POST", path, headers | {"idempotency_key": "a"})
        refused(named, 400, "never_replayed")
    else:
        unnamed = owner.send("POST", path, headers, json=RULES[route].body)
        refused(unnamed, 400, "idempotency_key_missing")


def test_the_description_says_which_headers_must_be_there(ring: Keyring) -> None:
    paths = served(ring).openapi()["paths"]
    for method, path in ROUTES:
        given = paths[path][method.lower()].get("parameters", [])
        needed = {each["name"] for each in given if each["in"] == "header" and each["required"]}
        moves = method == "POST" and path.endswith(("/events", "/secret-reveal"))
        named = method == "POST" and not path.endswith("/secret-reveal")
        assert ("Idempotency-Key" in needed, "If-Match" in needed) == (named, moves), path
