"""What the console's pages show, for systems that operate: the machine, reports, runs, endpoints, the trail."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import Engine

from onboarding import access, audit
from onboarding.audit import Attempt
from onboarding.chart import STATES
from onboarding.db import transaction
from onboarding.operators import Who
from onboarding.sealing import Keyring
from tests import at_runs, builders
from tests.listening import an_endpoint, deliver_all, owner_of, started_by
from tests.receiving import Receiver
from tests.telling import Event, a_source, tell
from tests.web.calling import System, a_system, expect, refused, served

PATH = "/v1/operations"
LEAD = Who("operator:test", "Test", "lead")


@pytest.fixture
def overseer(database: Engine, ring: Keyring) -> System:
    return a_system(served(ring), ["operations:read"])


@pytest.fixture
def auditor(overseer: System) -> System:
    return a_system(overseer.app, ["audit:read"])


def test_the_machine_has_every_state_and_those_who_stand_there(overseer: System) -> None:
    for _ in range(3):
        builders.an_onboarding("started")
    states = {each["state"]: each for each in expect(overseer.get(f"{PATH}/machine"), 200)["items"]}
    assert [*states] == [*STATES]
    assert (states["started"]["standing"], states["started"]["overdue"]) == (3, 0)
    assert states["started"]["half_since"] >= states["started"]["most_since"]
    assert states["confirmed"] == {
        "state": "confirmed",
        "standing": 0,
        "overdue": 0,
        "half_since": None,
        "most_since": None,
    }


def test_reports_are_those_of_the_console(overseer: System) -> None:
    builders.an_onboarding("confirmed")
    builders.an_onboarding("started")
    funnel = expect(overseer.get(f"{PATH}/funnel?by=type&days=7"), 200)["items"]
    assert {each["group"]: each["confirmed"] for each in funnel} == {
        "own_development": 1,
        None: None,
    }
    times = expect(overseer.get(f"{PATH}/times?by=language"), 200)["items"]
    assert {(each["group"], each["stays"]) for each in times} == {("en", 1)}
    for wrong in ("by=colour", "days=0", "days=93", "colour=blue"):
        refused(overseer.get(f"{PATH}/funnel?{wrong}"), 422, "invalid")


def test_a_run_is_told_with_what_came_of_each(overseer: System, ring: Keyring) -> None:
    made = [builders.an_onboarding("started") for _ in range(3)]
    number = at_runs.begin(ring, LEAD, at_runs.look(LEAD, "cancel", state="started"))
    at_runs.work()
    (run,) = expect(overseer.get(f"{PATH}/runs"), 200)["items"]
    assert (run["number"], run["status"], run["items"]) == (number, "done", {"done": 3})
    first = expect(overseer.get(f"{PATH}/runs/{number}?limit=2&outcome=done"), 200)
    rest = expect(overseer.get(first["next"]), 200)
    assert (len(first["page"]), len(rest["page"]), rest["next"]) == (2, 1, None)
    named = {each["reference"] for each in first["page"] + rest["page"]}
    assert named == {builders.the(each).reference for each in made}
    for nothing in ("99", "x", "9" * 20):
        refused(overseer.get(f"{PATH}/runs/{nothing}"), 404, "not_found")


def test_everybody_s_endpoints_are_told_without_what_their_query_may_hold(
    overseer: System, receiver: Receiver
) -> None:
    webhook_id = an_endpoint(receiver.url)
    started_by(owner_of(webhook_id), "type_chosen")
    deliver_all()
    (listed,) = expect(overseer.get(f"{PATH}/webhooks"), 200)["items"]
    assert (listed["id"], listed["status"], listed["system"]) == (str(webhook_id), "well", "test")
    assert listed["address"] == receiver.url.partition("?")[0]
    assert listed["last"]["status"] == 204
    assert expect(overseer.get(f"{PATH}/webhooks/{webhook_id}"), 200) == listed
    page = expect(overseer.get(f"{PATH}/webhooks/{webhook_id}/deliveries?limit=1"), 200)
    assert urlsplit(page["next"]).path == f"{PATH}/webhooks/{webhook_id}/deliveries"
    rest = expect(overseer.get(page["next"]), 200)
    assert [each["sequence"] for each in page["items"] + rest["items"]] == [2, 1]


def test_what_the_marketplace_told_is_there_by_its_id(overseer: System) -> None:
    a_source()
    tell(Event("seller.suspended", "S-4711-22", id="evt_1"))
    (listed,) = expect(overseer.get("/v1/inbound-events"), 200)["items"]
    one = overseer.get(f"/v1/inbound-events/{listed['id']}")
    assert expect(one, 200) == listed
    assert "S-4711-22" not in one.text
    refused(overseer.get("/v1/inbound-events/x"), 404, "not_found")


def test_the_trail_is_told_to_whoever_may_read_it(
    overseer: System, auditor: System, ring: Keyring
) -> None:
    with transaction() as session:
        for why in ("INC-1", "INC-2", "INC-12"):
            details = {"seller_id": "S-4711-22"}
            audit.append(session, ring, Attempt("cli:test", None, "note", why, details=details))
    first = expect(auditor.get(f"{PATH}/audit?limit=1&q=INC-1"), 200)
    assert dict(parse_qsl(urlsplit(first["next"]).query))["q"] == "INC-1"
    rest = expect(auditor.get(first["next"]), 200)
    assert [each["reason"] for each in first["items"] + rest["items"]] == ["INC-12", "INC-1"]
    assert rest["next"] is None
    assert "S-4711-22" not in auditor.get(f"{PATH}/audit").text
    refused(overseer.get(f"{PATH}/audit"), 403, "forbidden")
    everything_else = a_system(overseer.app, set(access.SCOPES) - {"audit:read"})
    refused(everything_else.get(f"{PATH}/audit"), 403, "forbidden")
