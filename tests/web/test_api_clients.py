"""Clients, seller links and aggregators, as calling systems see and keep them."""

from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import links
from onboarding.db import transaction
from onboarding.sealing import Keyring
from tests import builders
from tests.telling import Event, a_source, tell
from tests.web.calling import System, a_system, expect, refused, served
from tests.web.presenting import GRANT, TOKEN

FEEDWISE = {"name": "Feedwise", "uses_rest": True, "asks_for": "delegated"}


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def test_a_client_shows_every_version_of_its_secret_and_none_of_the_secrets(
    system: System,
) -> None:
    onboarding = system.with_secret()
    path = onboarding["links"]["client"]
    first = expect(system.post(onboarding["links"]["secret_reveal"]), 200)
    system.fire(onboarding, "reissue_secret")
    shown = expect(system.get(path), 200)
    assert shown["client_id"] == first["client_id"]
    old, new = shown["secrets"]
    assert (old["version"], old["ending"]) == (1, first["client_secret"][-4:])
    assert old["revealed_at"]
    assert old["ended_at"]
    assert (new["version"], new["revealed_at"], new["ended_at"]) == (2, None, None)
    assert first["client_secret"][-6:] not in system.get(path).text
    system.fire(onboarding, "cancel")
    assert expect(system.get(path), 200)["revoked_at"]


def test_before_a_client_is_issued_there_is_none(system: System) -> None:
    told = expect(system.get(system.start()["links"]["client"]), 200)
    facts = (
        "client_id",
        "created_at",
        "revoked_at",
        "tokens_end_at",
        "disabled_at",
        "first_call_at",
        "secret_asked_at",
    )
    assert told == dict.fromkeys(facts) | {"secrets": []}


def test_what_the_marketplace_has_said_of_them_is_told(system: System) -> None:
    onboarding = system.with_secret()
    client = expect(system.get(onboarding["links"]["client"]), 200)
    assert client["disabled_at"] is None
    a_source()
    tell(Event("client.disabled", client["client_id"]))
    assert expect(system.get(onboarding["links"]["client"]), 200)["disabled_at"]
    assert system.look(onboarding)["state"] == "cancelled"


def test_a_client_tells_when_its_first_call_was_seen(system: System) -> None:
    onboarding = system.with_secret()
    path = onboarding["links"]["client"]
    shown = expect(system.post(onboarding["links"]["secret_reveal"]), 200)
    assert expect(system.get(path), 200)["first_call_at"] is None
    form = GRANT | {"client_id": shown["client_id"], "client_secret": shown["client_secret"]}
    expect(System(system.app).send("POST", TOKEN, data=form), 200)
    assert expect(system.get(path), 200)["first_call_at"]


def test_links_are_told_with_those_that_have_ended(system: System) -> None:
    onboarding = system.with_secret()
    secret = expect(system.post(onboarding["links"]["secret_reveal"]), 200)
    saved = {"version": 1, "ending": secret["client_secret"][-6:]}
    system.fire(onboarding, "acknowledge_secret", **saved)
    path = onboarding["links"]["seller_links"]
    assert expect(system.get(path), 200) == {"items": []}
    with transaction() as session:
        links.link_seller(session, UUID(onboarding["id"]), builders.SELLER, builders.ACCOUNT)
    builders.fire(UUID(onboarding["id"]), "unlink_seller")
    (link,) = expect(system.get(path), 200)["items"]
    assert (link["seller_id"], link["client_id"]) == ("S-4711", onboarding["client_id"])
    assert link["ended_at"]
    assert builders.ACCOUNT.subject not in system.get(path).text


def test_a_change_of_the_registry_wakes_whoever_waits(system: System) -> None:
    path = "/v1/aggregators/feedwise"
    put = system.put(path, FEEDWISE | {"status": "suspended"})
    before = system.get(path)
    assert put.headers["etag"] == before.headers["etag"]
    onboarding = system.fire(
        system.start(),
        "choose_type",
        connection_type="aggregator",
        credential_mode="delegated",
        aggregator="feedwise",
    )
    assert onboarding["state"] == "awaiting_aggregator"
    expect(system.put(path, FEEDWISE | {"status": "registered"}), 200)
    builders.work()
    assert system.look(onboarding)["state"] == "awaiting_seller"
    after = system.get(path)
    assert expect(after, 200)["status"] == "registered"
    assert after.headers["etag"] != before.headers["etag"]
    refused(system.get("/v1/aggregators/nobody"), 404, "not_found")
