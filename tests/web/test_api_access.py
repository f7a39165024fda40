"""Every route of the API, asked by nobody, with a wrong key, for another's onboarding and for none."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, inspect, select, update

from onboarding import access, db
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.models import ApiKey, Onboarding
from onboarding.sealing import Keyring
from onboarding.web import api
from onboarding.web.describing_examples import KEY
from tests.web.calling import System, a_system, expect, refused, served

Route = tuple[str, str]


def every_route() -> Iterator[Route]:
    """Method and path of all there is, as the API describes itself."""
    app = FastAPI()
    app.include_router(api.router)
    for path, operations in app.openapi()["paths"].items():
        yield from ((method.upper(), path) for method in operations)


ROUTES = sorted(every_route())
# What a client asks with its access token: tests/threats has what becomes of other ones.
BY_TOKEN = [("GET", "/v1/whoami")]
# What is the same for all of them.
OPEN_TO_EVERY_KEY = [("GET", "/v1/chart")]
OF_ONE = [(method, path) for method, path in ROUTES if "{onboarding_id}" in path]


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def ask(system: System, route: Route, onboarding_id: object, **headers: str) -> Any:
    method, path = route
    address = path.format(
        onboarding_id=onboarding_id,
        aggregator_id="feedwise",
        reference=onboarding_id,
        webhook_id=onboarding_id,
        delivery_id=onboarding_id,
        event_id=onboarding_id,
        number=1,
        link_id=onboarding_id,
        invitation_id=onboarding_id,
        version=1,
    )
    system.app.state.event_streams.lasts = 0.0  # type: ignore[attr-defined]
    if method == "PATCH":
        return system.send(method, address, headers, json={"connection_name": "Mine"})
    if method == "PUT" and address.endswith("/developer"):
        return system.send(method, address, headers, json={"email": "dora@dev.example"})
    if method == "PUT" and address.endswith("/client/key"):
        return system.send(method, address, headers, json={"jwk": KEY})
    if method != "POST":
        return system.send(method, address, headers)
    if address.endswith(("/secret-reveal", "/continue-links", "/seller-invitations")):
        return system.post(address, None, **headers)
    body = {"overlap_days": 3} if address.endswith("/client/secrets") else {"event": "cancel"}
    return system.post(address, body, **headers)


def test_every_route_is_found() -> None:
    assert len(ROUTES) == 59
    assert len(OF_ONE) == 21


@pytest.mark.parametrize("route", [r for r in ROUTES if r not in BY_TOKEN], ids=" ".join)
def test_nobody_is_told_to_say_who_they_are(route: Route, sqlite: Engine, ring: Keyring) -> None:
    onboarding = a_system(served(ring)).start()
    for key in (None, access.KEY_PREFIX + "a" * 43, "Basic", ""):
        answer = ask(System(served(ring), key), route, onboarding["id"])
        refused(answer, 401, "unauthorised")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_call_without_an_access_token_is_told_where_to_get_one(system: System) -> None:
    problem = refused(System(system.app).get("/v1/whoami"), 401, "unauthorised")
    assert "token endpoint" in problem["detail"]


@pytest.mark.parametrize("route", OF_ONE, ids=" ".join)
def test_what_is_not_yours_looks_as_if_it_were_not_there(route: Route, system: System) -> None:
    foreign = a_system(system.app).with_secret()["id"]
    own = system.start()["id"]
    bodies, headers = [], []
    for wanted in (
        foreign,
        new_id(),
        own.upper(),
        own.replace("-", ""),
        f"{{{own}}}",
        "1",
        "%00",
        "%ff%fe",
        "é",
        "x" * 500,
    ):
        answer = ask(system, route, wanted, x_request_id="the-same")
        problem = refused(answer, 404, "not_found")
        bodies.append(answer.content.replace(problem["instance"].encode(), b""))
        headers.append({n: v for n, v in answer.headers.items() if n != "ratelimit"})
    assert len(set(bodies)) == 1
    assert all(each == headers[0] for each in headers)
    with reading() as session:
        sequence = session.scalar(select(Onboarding.sequence).where(Onboarding.id == UUID(foreign)))
    assert sequence == 4


def test_an_unknown_route_is_not_found_either(system: System) -> None:
    for path in ("/v1", "/v1/", "/v1/nothing", "/v1/onboardings/a/b/c"):
        refused(system.get(path), 404, "not_found")
    for path, taken in (
        ("/v1/onboardings", {"GET", "POST"}),
        ("/v1/onboardings/1/events", {"POST"}),
        ("/v1/aggregators/feedwise", {"PUT"}),
    ):
        answer = system.send("DELETE", path)
        refused(answer, 405, "method_not_allowed")
        assert taken <= {*answer.headers["allow"].split(", ")}


def test_a_key_in_the_url_is_refused(system: System) -> None:
    for query in (f"api_key={system.key}", f"state={system.key}", f"a=%6fnbk_{'x' * 43}"):
        refused(system.get(f"/v1/onboardings?{query}"), 400, "key_in_url")
        refused(System(system.app).get(f"/v1/onboardings?{query}"), 400, "key_in_url")


def test_only_one_bearer_key_is_read(system: System) -> None:
    path, key = "/v1/onboardings", system.key
    nobody = System(system.app)
    assert nobody.get(path, authorization=f"bearer {key}").status_code == 200
    for sent in (f"Basic {key}", f"{key}", "Bearer ", f"Bearer {key} ", f"Bearer {key}é"):
        refused(nobody.send("GET", path, {"authorization": sent}), 401, "unauthorised")


def test_a_revoked_key_opens_nothing(system: System) -> None:
    onboarding = system.start()
    assert system.id is not None
    with transaction() as session:
        access.revoke_api_key(session, system.id)
    refused(system.get(onboarding["links"]["self"]), 401, "unauthorised")


def test_what_a_key_has_started_every_key_of_its_system_sees(system: System) -> None:
    onboarding = system.start()
    assert system.id is not None
    with transaction() as session:
        made = access.rotate_api_key(session, system.id, timedelta(hours=1))
    assert made is not None
    second = System(system.app, made[1])
    assert second.look(onboarding)["id"] == onboarding["id"]
    assert second.fire(onboarding, "cancel")["state"] == "cancelled"
    listed = expect(second.get("/v1/onboardings"), 200)["items"]
    assert [each["id"] for each in listed] == [onboarding["id"]]


def test_a_revoked_key_is_refused_at_once_by_every_process(system: System, ring: Keyring) -> None:
    """None of them remembers a key: each request asks."""
    processes = [system, System(served(ring), system.key)]
    assert [each.get("/v1/onboardings").status_code for each in processes] == [200, 200]
    assert system.id is not None
    with transaction() as session:
        access.revoke_api_key(session, system.id)
    for each in processes:
        refused(each.get("/v1/onboardings"), 401, "unauthorised")


def test_the_last_use_of_a_key_is_noted_once_a_minute(system: System) -> None:
    def last_used() -> object:
        with reading() as session:
            return session.scalar(select(ApiKey.last_used_at).where(ApiKey.id == system.id))

    assert last_used() is None
    system.get("/v1/onboardings")
    first = last_used()
    assert first is not None
    system.get("/v1/onboardings")
    assert last_used() == first
    with transaction() as session:
        session.execute(update(ApiKey).values(last_used_at=db.in_seconds(-61)))
    system.get("/v1/onboardings")
    assert str(last_used()) > str(first)


@pytest.mark.parametrize("column", inspect(Onboarding).columns.keys())
def test_a_start_sets_no_column_but_those_that_are_documented(
    column: str, sqlite: Engine, ring: Keyring
) -> None:
    body = {"locale": "en", column: "confirmed"}
    answer = a_system(served(ring)).post("/v1/onboardings", body)
    if column == "connection_name":
        assert expect(answer, 201)["connection_name"] == "confirmed"
    else:
        (error,) = refused(answer, 422, "invalid")["errors"]
        assert error["field"] == column
