"""The system that owns an onboarding has a developer receive the secret, and takes it back."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import developers
from onboarding.db import transaction
from onboarding.models import Secret
from onboarding.sealing import Keyring
from tests import builders
from tests.web import handing_over
from tests.web.calling import System, a_system, expect, refused, served
from tests.web.handing_over import DEVELOPER
from tests.web.secret_walk import count, secret_on
from tests.web.visiting import Visitor


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


@pytest.fixture
def system(app: FastAPI) -> System:
    return a_system(app)


def developer_of(onboarding: dict[str, Any]) -> str:
    return f"/v1/onboardings/{onboarding['id']}/developer"


def named(system: System, email: str = DEVELOPER) -> dict[str, Any]:
    onboarding = system.with_secret()
    expect(system.put(developer_of(onboarding), {"email": email}), 200)
    builders.work()
    return onboarding


def test_whom_it_waits_for_is_said_without_the_address(system: System) -> None:
    onboarding = named(system)
    shown = expect(system.get(f"/v1/onboardings/{onboarding['id']}"), 200)
    assert shown["next_move"]["whom"] == "developer"
    (due,) = shown["requirements"]["currently_due"]
    assert (due["code"], due["waiting_on"]) == ("reveal_secret", "developer")
    developer = expect(system.get(developer_of(onboarding)), 200)
    assert developer["email"] == "d…@dev.example"
    assert developer["named_at"]


def test_the_system_itself_cannot_take_the_secret_meanwhile(system: System) -> None:
    onboarding = named(system)
    answer = system.post(onboarding["links"]["secret_reveal"])
    assert refused(answer, 409, "event_not_allowed")["unmet"] == "developer_named"
    assert system.send("DELETE", developer_of(onboarding)).status_code == 204
    assert system.send("DELETE", developer_of(onboarding)).status_code == 204
    expect(system.post(onboarding["links"]["secret_reveal"]), 200)


def test_what_only_the_developer_may_do_is_not_among_what_the_system_may(system: System) -> None:
    onboarding = named(system)
    mine = ["reissue_secret", "cancel"]
    assert system.look(onboarding)["allowed_events"] == mine
    listed = expect(system.get(onboarding["links"]["allowed_events"]), 200)["items"]
    assert [each["event"] for each in listed] == mine
    problem = refused(system.post(onboarding["links"]["secret_reveal"]), 409, "event_not_allowed")
    assert problem["allowed_events"] == mine
    system.send("DELETE", developer_of(onboarding))
    assert system.look(onboarding)["allowed_events"] == ["reveal_secret", *mine]


def test_what_the_developer_saw_is_replaced_before_it_is_taken_back(
    system: System, app: FastAPI, ring: Keyring
) -> None:
    onboarding = named(system)
    developer = Visitor(app)
    with transaction() as session:
        found = developers.named(session, builders.the(UUID(onboarding["id"])))
        assert found is not None
        link = f"/en/developer/{developers.token(builders.keyring(), found.id)}"
    theirs = secret_on(developer.press(handing_over.prove(developer, link), "/secret-reveal"))
    assert system.send("DELETE", developer_of(onboarding)).status_code == 204
    builders.work()
    mine = expect(system.post(onboarding["links"]["secret_reveal"]), 200)["client_secret"]
    assert mine != theirs
    assert count(Secret, Secret.ended_because == "reissued") == 1


def test_naming_the_same_one_again_changes_nothing(system: System) -> None:
    onboarding = named(system)
    before = expect(system.get(developer_of(onboarding)), 200)
    expect(system.put(developer_of(onboarding), {"email": DEVELOPER.upper()}), 200)
    assert expect(system.get(developer_of(onboarding)), 200) == before


def test_nobody_is_named_where_nothing_is_to_be_received(system: System) -> None:
    for onboarding in (system.start(), system.with_secret("credentials_only")):
        answer = system.put(developer_of(onboarding), {"email": DEVELOPER})
        refused(answer, 409, "not_eligible")


def test_the_seller_is_no_developer_and_it_is_said_where_that_stands(system: System) -> None:
    onboarding = system.with_secret()
    answer = system.put(developer_of(onboarding), {"email": "dev@shop.example"})
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert (error["code"], error["pointer"]) == ("own_address", "#/email")


def test_no_event_names_the_developer(system: System) -> None:
    onboarding = named(system)
    events = system.get(f"/v1/events?onboarding={onboarding['id']}")
    history = system.get(f"/v1/onboardings/{onboarding['id']}/history")
    assert "dora" not in events.text + history.text
