"""The API's description: current, nothing that breaks callers, and every example of it works."""

import copy
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine

from onboarding import signing
from onboarding.sealing import Keyring
from onboarding.web.describing import operations
from onboarding.web.describing_examples import EXAMPLES, INVALID
from tests import builders
from tests.telling import a_source, now
from tests.web.calling import System, a_system, expect, served
from tools import openapi
from tools.openapi_changes import breaking

EVENTS = "/v1/onboardings/{onboarding_id}/events"
Document = dict[str, Any]


def committed() -> Document:
    found: Document = json.loads(openapi.PAGE.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def test_the_description_is_current() -> None:
    advice = "Make it again: python -m tools.openapi"
    assert openapi.text(openapi.document()) == openapi.PAGE.read_text(encoding="utf-8"), advice


def test_it_is_served_as_it_is_committed(system: System) -> None:
    answer = System(system.app).send("GET", "/v1/openapi.json")
    assert answer.json() == committed()


def test_every_operation_says_what_it_is_and_what_it_refuses_with() -> None:
    document = committed()
    assert document["openapi"].startswith("3.1")
    ids = [each["operationId"] for _, _, each in operations(document)]
    assert len(ids) == len({*ids}) == 59
    for method, path, operation in operations(document):
        assert operation["description"], path
        problem = operation["responses"]["default"]["content"]["application/problem+json"]
        assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}, (method, path)
        assert "422" not in operation["responses"]


def test_of_how_many_characters_an_ending_is_is_said_wherever_there_is_one() -> None:
    """What is looked at names 4 of the 6 that acknowledge: two lengths under one name."""
    schemas = committed()["components"]["schemas"]
    told = {
        name: each["properties"]["ending"].get("description", "")
        for name, each in schemas.items()
        if "ending" in each.get("properties", {})
    }
    assert told.keys() >= {"SecretState", "SecretVersion", "RevealedSecret"}
    for name, description in told.items():
        length = 6 if name == "RevealedSecret" else 4
        assert f"last {length} characters" in description
        assert "acknowledge_secret" in description


def test_every_body_has_an_example() -> None:
    taking = {(m, p) for m, p, each in operations(committed()) if "requestBody" in each}
    assert taking == {*EXAMPLES}


@pytest.mark.parametrize(
    ("method", "path", "name"), [(m, p, name) for (m, p), some in EXAMPLES.items() for name in some]
)
def test_an_example_is_taken_as_it_stands(
    system: System, method: str, path: str, name: str
) -> None:
    expect(system.put("/v1/aggregators/feedwise", EXAMPLES[AGGREGATOR]["registered"]), 201)
    onboarding = system.start(contact={"email": "dev@shop.example"})
    if name == "issue_id":
        system.fire(onboarding, "choose_type", connection_type="plugin")
    if path.endswith(("/developer", "/client/key", "/secret-reveal")):
        onboarding = system.with_secret()
    if path.endswith("/client/secrets") or (method, name) == ("patch", "named"):
        onboarding = in_use(system)
    webhook = expect(system.post("/v1/webhooks", EXAMPLES[ENDPOINT]["least"]), 201)
    address = path.format(
        onboarding_id=onboarding["id"], aggregator_id="feedwise", webhook_id=webhook["id"]
    )
    sent = {"content_type": "application/json"}
    sent |= {"if_match": "*", "idempotency_key": name} if method == "post" else {}
    if path.endswith("/secret-reveal"):
        del sent["idempotency_key"]
    example = EXAMPLES[method, path][name]
    if path in {"/v1/inbound-events", "/v1/disclosures"}:
        sent |= signed(example)
    answer = system.send(method.upper(), address, sent, content=json.dumps(example))
    assert answer.is_success, answer.text


def in_use(system: System) -> dict[str, Any]:
    """An onboarding whose secret is in use."""
    onboarding = system.with_secret("credentials_only")
    shown = expect(system.post(onboarding["links"]["secret_reveal"]), 200)
    ending = shown["client_secret"][-6:]
    return system.fire(onboarding, "acknowledge_secret", version=1, ending=ending)


def signed(example: dict[str, Any]) -> dict[str, str]:
    """By the source that it says it is from."""
    key = a_source(example["source"])
    return signing.headers(
        [key], example.get("id", "disclosure-1"), json.dumps(example).encode(), now()
    )


def test_a_refusal_is_as_its_example_says(system: System) -> None:
    answer = system.post("/v1/onboardings", {"locale": "en", "contact": {"email": "dev"}})
    found = {n: v for n, v in expect(answer, 422).items() if n not in {"instance", "request_id"}}
    assert found == {name: value for name, value in INVALID.items() if name != "instance"}


AGGREGATOR = ("put", "/v1/aggregators/{aggregator_id}")
ENDPOINT = ("post", "/v1/webhooks")


def test_links_lead_to_operations_that_are_there() -> None:
    document = committed()
    ids = {each["operationId"] for _, _, each in operations(document)}
    led = {
        link["operationId"]
        for _, _, operation in operations(document)
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    }
    assert "onboardings_reveal_secret" in led
    assert led <= ids


def test_links_lead_from_a_start_to_a_secret_in_use(system: System) -> None:
    """Each is followed to the letter, as a program would that knows nothing else."""
    by_id = {each["operationId"]: (m, p, each) for m, p, each in operations(committed())}
    answer, seen = system.post("/v1/onboardings", {"locale": "en", "contact": CONTACT}), "201"
    operation, onboarding_id = by_id["onboardings_start"][2], ""
    for name in ("choose_credentials_only", "issue_id", "reveal", "acknowledge"):
        link = operation["responses"][seen]["links"][name]
        method, path, operation = by_id[link["operationId"]]
        told = {n: _evaluated(v, answer, onboarding_id) for n, v in link["parameters"].items()}
        onboarding_id = told.pop("onboarding_id")
        headers = {name.lower().replace("-", "_"): value for name, value in told.items()}
        headers |= {"prefer": "wait=0"} if "prefer" in headers else {}
        body = _filled(link["requestBody"], answer) if "requestBody" in link else None
        assert method.upper() == "POST"
        answer, seen = system.post(path.format(onboarding_id=onboarding_id), body, **headers), "200"
        if name == "issue_id":
            builders.work(UUID(onboarding_id))
            answer = system.get(f"/v1/onboardings/{onboarding_id}")
        expect(answer, 200)
    assert answer.json()["state"] == "credentials_issued"


CONTACT = {"email": "dev@shop.example"}


def _filled(body: dict[str, Any], answer: httpx.Response) -> dict[str, Any]:
    """A link's body, with each expression in its data evaluated; a number stays one."""
    data = body.get("data", {})
    return body | {"data": {n: _found(value, answer) for n, value in data.items()}}


def _evaluated(value: str, answer: httpx.Response, asked_of: str) -> str:
    if value == "$request.path.onboarding_id":
        return asked_of
    return str(_found(value, answer))


def _found(value: str, answer: httpx.Response) -> Any:
    """A runtime expression (OpenAPI 3.1, 4.8.20.4) of an answer; anything else stands for itself."""
    if value.startswith("$response.body#/"):
        return answer.json()[value.rpartition("/")[2]]
    if value.startswith("$response.header."):
        return answer.headers[value.rpartition(".")[2]]
    return value


def _without_path(document: Document) -> None:
    del document["paths"][EVENTS]


def _without_method(document: Document) -> None:
    del document["paths"]["/v1/onboardings"]["post"]


def _without_answered_field(document: Document) -> None:
    del document["components"]["schemas"]["OnboardingView"]["properties"]["state"]


def _without_nested_field(document: Document) -> None:
    del document["components"]["schemas"]["DueItem"]["properties"]["due_at"]


def _with_field_that_may_lack(document: Document) -> None:
    document["components"]["schemas"]["OnboardingView"]["required"].remove("sequence")


def _with_other_type(document: Document) -> None:
    document["components"]["schemas"]["TransitionView"]["properties"]["sequence"]["type"] = "string"


def _with_null(document: Document) -> None:
    shape = document["components"]["schemas"]["TransitionView"]["properties"]
    shape["target"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def _without_sent_field(document: Document) -> None:
    del document["components"]["schemas"]["NewOnboarding"]["properties"]["connection_name"]


def _with_needed_field(document: Document) -> None:
    document["components"]["schemas"]["AggregatorEntry"]["required"].append("contact")


def _without_event(document: Document) -> None:
    document["components"]["schemas"]["NewEvent"]["oneOf"].pop()


def _with_more_data_of_an_event(document: Document) -> None:
    for each in document["components"]["schemas"]["NewEvent"]["oneOf"]:
        each["properties"]["data"]["required"].append("reason")


def _without_enum_value(document: Document) -> None:
    document["components"]["schemas"]["NewOnboarding"]["properties"]["locale"]["enum"].remove("fr")


def _without_parameter(document: Document) -> None:
    found = document["paths"]["/v1/onboardings"]["get"]
    found["parameters"] = [p for p in found["parameters"] if p["name"] != "cursor"]


def _with_needed_header(document: Document) -> None:
    header = {"in": "header", "name": "if-none-such", "required": True, "schema": {}}
    document["paths"][EVENTS]["post"]["parameters"].append(header)


def _without_status(document: Document) -> None:
    del document["paths"]["/v1/onboardings"]["post"]["responses"]["201"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_without_path, "/events is gone"),
        (_without_method, "POST /v1/onboardings is gone"),
        (_without_answered_field, "state is not answered any more"),
        (_without_nested_field, "due_at is not answered any more"),
        (_with_field_that_may_lack, "sequence is not always answered any more"),
        (_with_other_type, "string instead of integer"),
        (_with_null, "null instead of string"),
        (_without_sent_field, "connection_name is not taken any more"),
        (_with_needed_field, "contact is required now"),
        (_without_event, "cancel is not taken any more"),
        (_with_more_data_of_an_event, "reason is required now"),
        (_without_enum_value, "fr is not taken any more"),
        (_without_parameter, "query cursor is gone"),
        (_with_needed_header, "header if-none-such is required now"),
        (_without_status, "no answer 201 any more"),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
def test_what_breaks_callers_is_found(change: Callable[[Document], None], says: str) -> None:
    before = committed()
    after = copy.deepcopy(before)
    change(after)
    assert any(says in each for each in breaking(before, after)), breaking(before, after)


def test_what_only_adds_breaks_nobody() -> None:
    before = committed()
    after = copy.deepcopy(before)
    schemas = after["components"]["schemas"]
    schemas["OnboardingView"]["properties"]["new"] = {"type": "string"}
    schemas["NewOnboarding"]["properties"]["new"] = {"type": "string"}
    schemas["NewOnboarding"]["properties"]["locale"]["enum"].append("de")
    after["paths"]["/v1/new"] = after["paths"]["/v1/chart"]
    assert breaking(before, after) == []
    assert breaking(before, before) == []
