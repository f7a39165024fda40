"""A parameter of the query that takes one value is not given two: nobody knows which was meant."""

from typing import Any

import pytest
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from onboarding.web.describing import operations
from tests.web.calling import System, a_system, expect, refused, served
from tools import openapi

# Method, path, and what is known of each parameter of its query.
ASKED = [
    (path, each)
    for _, path, operation in operations(openapi.document())
    for each in operation.get("parameters", [])
    if each["in"] == "query"
]


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def is_list(parameter: dict[str, Any]) -> bool:
    return bool(parameter["schema"].get("type") == "array")


@pytest.mark.parametrize(
    ("path", "name"), [(path, each["name"]) for path, each in ASKED if not is_list(each)]
)
def test_a_parameter_that_takes_one_value_is_named_once(
    system: System, path: str, name: str
) -> None:
    onboarding = system.start()
    webhook = expect(system.post("/v1/webhooks", {"url": "https://hooks.example/"}), 201)
    here = path.format(onboarding_id=onboarding["id"], webhook_id=webhook["id"], number="1")
    for query in (f"{name}=1&{name}=2", f"{name}=1&{name}=1", f"{name}=&{name}="):
        problem = refused(system.get(f"{here}?{query}"), 422, "invalid")
        assert problem["errors"] == [
            {"field": name, "code": "repeated", "detail": "It takes one value: name it once."}
        ]


def test_one_that_takes_several_is_named_for_each(system: System) -> None:
    lists = [(path, each["name"]) for path, each in ASKED if is_list(each)]
    assert {name for _, name in lists} == {"type"}
    onboarding = system.start()
    types = "type=onboarding.started&type=onboarding.cancelled"
    (event,) = expect(system.get(f"/v1/events?{types}"), 200)["items"]
    assert event["subject"] == onboarding["id"]


def test_who_asks_is_found_out_first(system: System) -> None:
    twice = "/v1/onboardings?q=1&q=2"
    refused(System(system.app).get(twice), 401, "unauthorised")
    refused(a_system(system.app, ["webhooks:write"]).get(twice), 403, "forbidden")
    refused(system.get(f"/v1/onboardings?q={system.key}&q={system.key}"), 400, "key_in_url")
