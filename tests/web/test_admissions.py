"""What a system changes in the registry stands in the trail, and the console shows it."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import audit
from onboarding.db import reading
from onboarding.sealing import Keyring
from tests.acting import trail
from tests.web.calling import a_system, expect, refused
from tests.web.operating import a_quiet_site, at_console
from tests.web.visiting import soup

PATH = "/v1/aggregators/feedwise"
FEEDWISE = {"name": "Feedwise", "status": "registered", "uses_rest": True, "asks_for": "full"}
SUSPENDED = FEEDWISE | {"status": "suspended"}


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def test_the_trail_has_who_changed_the_registry_and_what_it_said_before(app: FastAPI) -> None:
    system = a_system(app, ["aggregators:write"])
    expect(system.put(PATH, FEEDWISE), 201)
    expect(system.put(PATH, SUSPENDED), 200)
    changed, added = trail()
    assert {each.actor for each in (changed, added)} == {f"key:{system.id}"}
    assert (changed.action, changed.outcome, changed.role) == ("aggregator.set", "done", None)
    about = {"aggregator": "feedwise", "before": FEEDWISE, "after": SUSPENDED}
    assert changed.details == about | {"request_id": changed.details["request_id"]}
    assert added.details["before"] is None
    with reading() as session:
        assert [*audit.verify(session, app.state.ring)] == []


def test_it_has_what_was_refused_and_not_what_nobody_may_ask_for(app: FastAPI) -> None:
    system = a_system(app, ["aggregators:write"])
    expect(system.put(PATH, FEEDWISE), 201)
    refused(system.put("/v1/aggregators/another", FEEDWISE), 409, "name_taken")
    refused(system.put(PATH, FEEDWISE | {"status": "gone"}), 422, "invalid")
    refused(a_system(app, ["onboardings:read"]).put(PATH, SUSPENDED), 403, "forbidden")
    tried, _ = trail()
    assert (tried.action, tried.outcome) == ("aggregator.set", "refused")
    assert (tried.details["aggregator"], tried.details["why"]) == ("another", "name_taken")
    assert "Feedwise" not in str(tried.details)


@pytest.mark.parametrize(
    ("locale", "words"), [("en", "no reason given"), ("fr", "aucun motif donné")]
)
def test_the_console_says_what_it_was_about_and_that_there_was_no_reason(
    app: FastAPI, locale: str, words: str
) -> None:
    system = a_system(app, ["aggregators:write"])
    expect(system.put(PATH, FEEDWISE), 201)
    page = soup(at_console(app, "lead", locale).get(f"/{locale}/console/audit"))
    cells = [cell.text for cell in page.select("#row-1 td")]
    who, what, *about = cells[2:]
    assert (who, about) == (f"key:{system.id}", ["feedwise", words])
    assert what.split()[-1] == "aggregator.set"


HOOK = "https://hooks.example/services/T0-K3N"


def test_it_has_what_a_system_does_to_its_own_endpoints(app: FastAPI) -> None:
    system = a_system(app, ["webhooks:write"])
    made = expect(system.post("/v1/webhooks", {"url": HOOK, "signature": "hmac"}), 201)
    path = made["links"]["self"]
    moved = {"url": "https://elsewhere.example/S1-GN", "types": ["onboarding.started"]}
    expect(system.send("PATCH", path, json=moved | {"enabled": False}), 200)
    rotated = expect(system.post(f"{path}/rotate-key"), 200)
    assert system.send("DELETE", path).status_code == 204
    removed, turned, changed, added = trail()
    assert [each.action.partition(".")[2] for each in (added, changed, turned, removed)] == [
        *("add", "change", "rotate", "remove")
    ]
    for each in trail():
        assert (each.actor, each.role, each.outcome) == (f"key:{system.id}", None, "done")
        assert audit.subject(each) == made["id"]
        for secret in ("T0-K3N", "S1-GN", made["secret"], rotated["secret"]):
            assert secret not in str(each.details)
    assert added.details["host"] == "hooks.example"
    assert changed.details["changed"] == ["enabled", "types", "url"]
    assert changed.details["before"]["enabled"] is True
    assert changed.details["after"] == {
        "host": "elsewhere.example",
        "types": ["onboarding.started"],
        "enabled": False,
    }


def test_a_request_that_is_sent_again_has_its_row_already(app: FastAPI) -> None:
    system, name = a_system(app, ["webhooks:write"]), {"idempotency_key": "first"}
    made = [expect(system.post("/v1/webhooks", {"url": HOOK}, **name), 201) for _ in "12"]
    assert made[0] == made[1]
    assert [each.action for each in trail()] == ["webhook.add"]


def test_what_a_system_is_refused_about_an_endpoint_stands_there_too(app: FastAPI) -> None:
    system = a_system(app, ["webhooks:write"])
    made = expect(system.post("/v1/webhooks", {"url": HOOK}), 201)
    inside = {"url": "https://10.0.0.1/T0-K3N"}
    refused(system.send("PATCH", made["links"]["self"], json=inside), 422, "invalid")
    stranger = a_system(app, ["webhooks:write"])
    refused(stranger.send("DELETE", made["links"]["self"]), 404, "not_found")
    tried, _ = trail()
    assert (tried.action, tried.outcome) == ("webhook.change", "refused")
    assert (tried.details["webhook"], tried.details["why"]) == (made["id"], "invalid")
    assert "T0-K3N" not in str(tried.details)
