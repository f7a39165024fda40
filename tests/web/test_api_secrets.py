"""A new secret by the API: asked for once, shown once, and the old one goes on."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests import builders
from tests.web.calling import System, a_system, expect, refused, served
from tests.web.presenting import Caller

Json = dict[str, Any]


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


@pytest.fixture
def system(app: FastAPI) -> System:
    return a_system(app)


def done(system: System) -> tuple[Json, Caller]:
    """An onboarding of its own that is done, and the program that has its secret."""
    onboarding = system.with_secret("credentials_only")
    old = reveal(system, onboarding)
    expect(old.ask(), 200)
    assert system.look(onboarding)["state"] == "credentials_issued"
    return onboarding, old


def reveal(system: System, onboarding: Json) -> Caller:
    shown = expect(system.post(onboarding["links"]["secret_reveal"]), 200)
    assert isinstance(system.app, FastAPI)
    one = UUID(onboarding["id"])
    return Caller(system.app, one, shown["client_id"], shown["client_secret"])


def path(onboarding: Json) -> str:
    return f"{onboarding['links']['client']}/secrets"


def ask(system: System, onboarding: Json, days: int = 3, **headers: str) -> Json:
    told = expect(system.post(path(onboarding), {"overlap_days": days}, **headers), 202)
    builders.work(UUID(onboarding["id"]))
    return told


def test_a_system_replaces_a_secret_without_an_outage(system: System) -> None:
    onboarding, old = done(system)
    assert ask(system, onboarding)["secret_asked_at"]
    assert system.look(onboarding)["secret"]["version"] == 1
    new = reveal(system, onboarding)
    expect(old.ask(), 200)
    expect(new.ask(), 200)
    expect(old.ask(), 200)
    first, second = expect(system.get(onboarding["links"]["client"]), 200)["secrets"]
    assert first["ends_at"] > first["last_used_at"]
    assert (first["ended_at"], second["ends_at"]) == (None, None)
    assert system.look(onboarding)["secret"]["version"] == 2
    for _ in range(2):
        answer = system.send("DELETE", f"{path(onboarding)}/1")
        assert answer.status_code == 204
    expect(old.ask(), 401)
    expect(new.ask(), 200)


def test_a_request_that_is_repeated_makes_one(system: System) -> None:
    onboarding, _ = done(system)
    told = [ask(system, onboarding, idempotency_key="a") for _ in range(2)]
    assert told[0] == told[1]
    asked = system.post(path(onboarding), {"overlap_days": 3}, accept_language="fr")
    assert refused(asked, 409, "not_eligible")["why"] == (
        "Un nouveau secret a déjà été demandé, ou le précédent doit encore prendre fin"
    )
    assert len(expect(system.get(onboarding["links"]["client"]), 200)["secrets"]) == 2


def test_the_new_secret_is_shown_once(system: System) -> None:
    onboarding, _ = done(system)
    ask(system, onboarding)
    reveal_path = onboarding["links"]["secret_reveal"]
    stale = system.post(reveal_path, if_match='"1"')
    refused(stale, 412, "stale")
    new = reveal(system, onboarding)
    again = system.post(reveal_path)
    refused(again, 409, "event_not_allowed")
    assert new.secret not in again.text
    assert new.secret not in system.get(onboarding["links"]["client"]).text


@pytest.mark.parametrize("days", [-1, 8, 1.5, "3", None, True])
def test_the_overlap_is_a_number_of_days(system: System, days: object) -> None:
    onboarding, _ = done(system)
    refused(system.post(path(onboarding), {"overlap_days": days}), 422, "invalid")


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [("1", 409, "not_eligible"), ("2", 404, "not_found"), ("x", 404, "not_found")],
)
def test_only_what_was_replaced_can_be_ended(
    system: System, version: str, status: int, code: str
) -> None:
    onboarding, _ = done(system)
    refused(system.send("DELETE", f"{path(onboarding)}/{version}"), status, code)
