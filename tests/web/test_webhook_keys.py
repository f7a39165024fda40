"""`/.well-known/webhook-keys`: a receiver verifies what it is sent by what everybody may read."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import KeySet, OKPKey
from sqlalchemy import Engine

from onboarding import signing, webhooks
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import Webhook
from onboarding.sealing import Keyring
from tests import builders
from tests.listening import an_endpoint, deliver_all, let_pass, owner_of, started_by
from tests.receiving import Receiver
from tests.web.calling import System, a_system, expect, refused, served

PATH = "/.well-known/webhook-keys"


@pytest.fixture
def anybody(database: Engine, ring: Keyring) -> System:
    return System(served(ring))


def keys_of(anybody: System, webhook_id: UUID) -> list[dict[str, Any]]:
    answer = anybody.get(f"{PATH}?webhook={webhook_id}")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    keys: list[dict[str, Any]] = expect(answer, 200)["keys"]
    return keys


def whpk(jwk: dict[str, Any]) -> str:
    """As Standard Webhooks write it."""
    raw = base64.urlsafe_b64decode(jwk["x"] + "=")
    return "whpk_" + base64.b64encode(raw).decode()


def rotate(webhook_id: UUID) -> None:
    with transaction() as session:
        webhook = session.get_one(Webhook, webhook_id)
        webhooks.rotate_key(session, builders.keyring(), webhook)


def test_an_endpoint_is_named_once(anybody: System, receiver: Receiver) -> None:
    """Of two, nobody knows whose keys were meant."""
    known, other = an_endpoint(receiver.url), new_id()
    for query in (f"webhook={known}&webhook={other}", f"webhook={known}&webhook={known}"):
        (error,) = refused(anybody.get(f"{PATH}?{query}"), 422, "invalid")["errors"]
        assert (error["field"], error["code"]) == ("webhook", "repeated")


def test_what_is_sent_verifies_by_what_is_published(anybody: System, receiver: Receiver) -> None:
    webhook_id = an_endpoint(receiver.url)
    started_by(owner_of(webhook_id))
    deliver_all()
    (sent,) = receiver.got
    (jwk,) = keys_of(anybody, webhook_id)
    assert signing.is_signed([whpk(jwk)], sent.headers, sent.body)
    (read,) = KeySet.import_key_set({"keys": [jwk]}).keys
    assert isinstance(read, OKPKey)
    assert (read.thumbprint(), read.is_private) == (jwk["kid"], False)


def test_a_rotation_shows_both_and_when_the_old_one_ends(
    anybody: System, receiver: Receiver
) -> None:
    webhook_id = an_endpoint(receiver.url)
    (first,) = keys_of(anybody, webhook_id)
    rotate(webhook_id)
    new, old = keys_of(anybody, webhook_id)
    assert (old["kid"], "exp" in new) == (first["kid"], False)
    with transaction() as session:
        rotated_at = session.get_one(Webhook, webhook_id).rotated_at
    assert rotated_at is not None
    assert old["exp"] == int((rotated_at + timedelta(hours=24)).timestamp())
    let_pass(timedelta(hours=25))
    assert [each["kid"] for each in keys_of(anybody, webhook_id)] == [new["kid"]]


def test_a_secret_is_not_published_and_nothing_is_told_of_who_listens(
    anybody: System, receiver: Receiver
) -> None:
    secret = an_endpoint(receiver.url, signature="hmac")
    assert keys_of(anybody, secret) == keys_of(anybody, new_id()) == []
    assert anybody.get(PATH).status_code == 422
    refused(anybody.get(f"{PATH}?webhook=all"), 422, "invalid")


def test_its_owner_is_told_where_they_are(anybody: System, receiver: Receiver) -> None:
    owner = a_system(anybody.app)
    made = expect(owner.post("/v1/webhooks", {"url": receiver.url}), 201)
    (jwk,) = expect(anybody.get(made["links"]["keys"]), 200)["keys"]
    assert [whpk(jwk)] == made["public_keys"]
