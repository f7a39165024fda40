"""A connection that works, by the API: named, unlinked, revoked; twice is once, and a foreign one is not there."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import links
from onboarding.db import transaction
from onboarding.ids import new_id
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


def confirmed(system: System) -> tuple[Json, Caller]:
    """A connection of its own that works, and the program that has its secret."""
    onboarding = system.with_secret()
    shown = expect(system.post(onboarding["links"]["secret_reveal"]), 200)
    assert isinstance(system.app, FastAPI)
    one = UUID(onboarding["id"])
    caller = Caller(system.app, one, shown["client_id"], shown["client_secret"])
    expect(caller.ask(), 200)
    with transaction() as session:
        links.link_seller(session, one, builders.SELLER, builders.ACCOUNT)
    assert system.fire(onboarding, "confirm")["state"] == "confirmed"
    return onboarding, caller


def link_of(system: System, onboarding: Json) -> Json:
    found = expect(system.get(onboarding["links"]["seller_links"]), 200)["items"]
    one: Json = found[0]
    return one


def path_of(onboarding: Json, link: Json) -> str:
    return f"{onboarding['links']['seller_links']}/{link['id']}"


def types(system: System, onboarding: Json) -> list[str]:
    page = expect(system.get(f"/v1/events?onboarding={onboarding['id']}"), 200)
    return [each["type"] for each in page["items"]]


def test_a_system_revokes_and_is_told_until_when_tokens_go_on(system: System) -> None:
    onboarding, caller = confirmed(system)
    path = onboarding["links"]["client"]
    assert expect(system.get(path), 200)["tokens_end_at"] is None
    told = expect(system.send("DELETE", path), 200)
    assert told["revoked_at"] < told["tokens_end_at"]
    assert told["secrets"][0]["ended_because"] == "revoked"
    expect(caller.ask(), 401)
    assert link_of(system, onboarding)["ended_at"]
    assert expect(system.send("DELETE", path), 200) == told
    assert system.look(onboarding)["state"] == "confirmed"
    assert types(system, onboarding).count("onboarding.credentials_revoked") == 1
    steps = expect(system.get(onboarding["links"]["history"]), 200)["items"]
    assert (steps[-1]["event"], steps[-1]["details"]) == (
        "revoke_credentials",
        {"client_id": caller.client_id},
    )


def test_a_system_ends_a_link_and_the_client_goes_on(system: System) -> None:
    onboarding, caller = confirmed(system)
    token = caller.token()
    link = link_of(system, onboarding)
    expect(caller.whoami(token, link["seller_id"]), 200)
    told = expect(system.send("DELETE", path_of(onboarding, link)), 200)
    assert told["ended_at"]
    refused(caller.whoami(token, link["seller_id"]), 403, "client_not_linked")
    expect(caller.ask(), 200)
    assert expect(system.send("DELETE", path_of(onboarding, link)), 200) == told
    assert types(system, onboarding)[-1] == "onboarding.link_ended"
    assert system.look(onboarding)["seller"] is None


def test_a_link_of_another_is_not_there(system: System, app: FastAPI) -> None:
    onboarding, _ = confirmed(system)
    other = a_system(app)
    foreign, _ = confirmed(other)
    theirs = link_of(other, foreign)
    for link_id in (theirs["id"], str(new_id()), "current"):
        answer = system.send("DELETE", path_of(onboarding, {"id": link_id}))
        refused(answer, 404, "not_found")
    assert link_of(other, foreign)["ended_at"] is None


def test_a_connection_is_named(system: System) -> None:
    onboarding, _ = confirmed(system)
    answer = system.send(
        "PATCH", onboarding["links"]["self"], json={"connection_name": " Été · 2 "}
    )
    told = expect(answer, 200)
    assert told["connection_name"] == "Été · 2"
    assert answer.headers["etag"] == system.get(onboarding["links"]["self"]).headers["etag"]
    assert types(system, onboarding)[-1] == "onboarding.renamed"
    assert "Été" not in system.get(f"/v1/events?onboarding={onboarding['id']}").text


def test_whatever_name_one_can_be_given_another_can_be_changed_to(system: System) -> None:
    onboarding, _ = confirmed(system)
    longest = {"connection_name": "a" * 80}
    answer = system.send("PATCH", onboarding["links"]["self"], json=longest)
    assert expect(answer, 200)["connection_name"] == longest["connection_name"]
    assert system.start(**longest)["connection_name"] == longest["connection_name"]


def test_a_name_is_kept_with_what_joins_its_letters_and_plain_spaces(system: System) -> None:
    joined = "می\u200cخواهم \N{WOMAN}\u200d\N{GIRL}"
    sent = {"connection_name": f"\xa0{joined.replace(' ', chr(0xA0))}"}
    assert system.start(**sent)["connection_name"] == joined
    onboarding = system.start(contact={"email": "dev@shop.example"})
    system.fire(onboarding, "choose_type", connection_type="plugin")
    assert system.fire(onboarding, "issue_id", **sent)["connection_name"] == joined
    done, _ = confirmed(system)
    answer = system.send("PATCH", done["links"]["self"], json=sent)
    assert expect(answer, 200)["connection_name"] == joined


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a\u202eb", "It holds U+202E, which a line cannot show."),
        ("\u200d", "A name has at least one character."),
        # Composed, each of them is two.
        ("\u0958" * 80, "160 characters; at most 80 are taken."),
    ],
)
def test_what_is_wrong_with_a_name_is_said(system: System, name: str, why: str) -> None:
    answer = system.post("/v1/onboardings", {"locale": "en", "connection_name": name})
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["pointer"] == "#/connection_name"
    assert why in error["detail"]


@pytest.mark.parametrize("name", ["", " ", "a" * 81, "a\nb", "a\x00", None, 3])
def test_what_is_no_name_is_refused(system: System, name: object) -> None:
    onboarding, _ = confirmed(system)
    path = onboarding["links"]["self"]
    told = refused(system.send("PATCH", path, json={"connection_name": name}), 422, "invalid")
    assert told["errors"]
    refused(system.send("PATCH", path, json={}), 422, "invalid")
    assert system.look(onboarding)["connection_name"] is None


def test_what_is_not_done_has_its_own_ways_to_end(system: System) -> None:
    onboarding = system.with_secret()
    told = refused(system.send("DELETE", onboarding["links"]["client"]), 409, "event_not_allowed")
    assert "cancel" in told["allowed_events"]
    name = {"connection_name": "Mine"}
    refused(system.send("PATCH", onboarding["links"]["self"], json=name), 409, "event_not_allowed")
