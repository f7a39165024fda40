"""`/v1/inbound-events`: only what a source has signed just now is looked at, and those who operate see it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from onboarding import db, signing, sources
from onboarding.db import transaction
from onboarding.models import SourceKey
from onboarding.sealing import Keyring
from onboarding.signing import Key
from tests import builders
from tests.dumping import dump
from tests.racing import race
from tests.telling import ENTRY, REGISTRY, Event, a_source, an_ed25519_key, as_key, now, post, told
from tests.web.calling import System, a_system, expect, refused, served

SUSPENDED = Event("seller.suspended", "S-1", 1)


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """Whoever reaches the server; no key."""
    return System(served(ring))


def rotate(key: Key | None, overlap: timedelta) -> Key:
    with transaction() as session:
        public = key.shown if key else None
        shown = sources.rotate(session, builders.keyring(), REGISTRY, overlap, public)
    return key or as_key(shown)


@pytest.mark.parametrize("key", [None, an_ed25519_key()], ids=["hmac", "ed25519"])
def test_what_a_source_has_signed_takes_effect_once(system: System, key: Key | None) -> None:
    key = a_source(key=key)
    first = expect(post(system, SUSPENDED, key), 200)
    assert (first["status"], first["duplicate"]) == ("applied", False)
    again = expect(post(system, SUSPENDED, key, at=now() - 60), 200)
    assert again == first | {"duplicate": True}
    later = expect(post(system, Event("seller.suspended", "S-1", 0), key), 200)
    assert later["status"] == "stale"


def test_what_waits_is_taken_and_says_so(system: System) -> None:
    key = a_source()
    parked = expect(post(system, Event("aggregator.suspended", "later"), key), 202)
    assert (parked["status"], parked["effect"]) == ("parked", {"waits_for": "aggregator"})
    assert expect(post(system, Event("shop.painted", "S-1"), key), 202)["status"] == "unknown"


def test_nothing_that_is_forged_old_or_someone_else_s_is_heard(
    system: System, sqlite: Engine
) -> None:
    """T18. Whatever is wrong, the answer is the same, and nothing is written."""
    key, other = a_source(), a_source("https://other.example")
    event, before = SUSPENDED, dump(sqlite)
    strange = Event("seller.suspended", "S-1", source="https://nobody.example")
    answers = [
        system.post("/v1/inbound-events", json.loads(event.body)),
        post(system, event, other),
        post(system, event, an_ed25519_key()),
        post(system, strange, key),
        post(system, event, key, at=now() - 301),
        post(system, event, key, at=now() + 303),
        post(system, event, key, changed={"webhook-id": "another"}),
        post(system, event, key, changed={"webhook-timestamp": str(now() - 1)}),
        post(system, event, key, changed={"webhook-timestamp": "1e9"}),
        post(system, event, key, changed={"webhook-timestamp": "-1"}),
        post(system, event, key, changed={"webhook-signature": "v1,é"}),
        post(system, event, key, changed={"webhook-signature": "v1a,AA=="}),
        post(system, event, key, changed={"webhook-signature": "v1," * 2}),
        post(system, event, *[key] * 9),
        post(system, event, key, changed={"content-type": "text/plain"}),
    ]
    seen = set()
    for answer in answers:
        problem = refused(answer, 401, "unauthorised")
        seen.add(json.dumps({**problem, "instance": "", "request_id": ""}))
    assert len(seen) == 1
    assert dump(sqlite) == before
    assert post(system, event, key).status_code == 200


def test_a_changed_body_is_not_what_was_signed(system: System) -> None:
    key = a_source()
    signed = post(system, SUSPENDED, key).request
    changed = SUSPENDED.body.replace(b"suspended", b"reinstated")
    sent = {n: v for n, v in signed.headers.items() if n.startswith(("webhook", "content-type"))}
    answer = system.send("POST", "/v1/inbound-events", sent, content=changed)
    assert "webhook-signature" in refused(answer, 401, "unauthorised")["detail"]


def test_guesses_are_counted_and_a_source_is_still_heard(system: System) -> None:
    key = a_source()
    statuses = [post(system, SUSPENDED, an_ed25519_key()).status_code for _ in range(40)]
    assert {*statuses} == {401, 429}
    assert post(system, SUSPENDED, key).status_code == 200


def test_both_keys_work_while_they_overlap_and_then_the_new_one(system: System) -> None:
    old = a_source()
    new = rotate(None, timedelta(hours=1))
    for number, keys in enumerate([(old,), (new,), (an_ed25519_key(), new)]):
        assert post(system, Event("seller.suspended", "S", number), *keys).status_code == 200
    with transaction() as session:
        ended = update(SourceKey).where(SourceKey.number == 1)
        session.execute(ended.values(ends_at=db.in_seconds(-1)))
    refused(post(system, SUSPENDED, old), 401, "unauthorised")
    assert post(system, SUSPENDED, new).status_code == 200
    with transaction() as session:
        sources.end(session, REGISTRY)
    refused(post(system, SUSPENDED, new), 401, "unauthorised")


def test_one_that_was_removed_begins_again_with_another_secret(system: System) -> None:
    first = a_source()
    with transaction() as session:
        sources.end(session, REGISTRY)
    second = a_source()
    assert first.shown != second.shown
    refused(post(system, SUSPENDED, first), 401, "unauthorised")
    assert post(system, SUSPENDED, second).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"id": "another"}, 422, "invalid"),
        ({"type": "No Type"}, 422, "invalid"),
        ({"subject": "é"}, 422, "invalid"),
        ({"subject": "a\0b"}, 422, "invalid"),
        ({"time": "yesterday"}, 422, "invalid"),
        ({"time": "2026-11-01T12:00:00"}, 422, "invalid"),
        ({"time": "2026-11-01"}, 422, "invalid"),
        ({"time": 0}, 422, "invalid"),
        ({"time": 1_793_534_400.5}, 422, "invalid"),
        ({"time": "0"}, 422, "invalid"),
        ({"time": "1793534400"}, 422, "invalid"),
        ({"time": False}, 422, "invalid"),
        ({"time": None}, 422, "invalid"),
        ({"specversion": "0.3"}, 422, "invalid"),
        ({"data": "text"}, 422, "invalid"),
        ({"time": "2999-01-01T00:00:00Z"}, 422, "invalid"),
        ({"time": "0001-01-01T00:00:00+14:00"}, 422, "invalid"),
    ],
)
def test_what_is_signed_and_no_event_is_refused(
    system: System, change: dict[str, object], status: int, code: str
) -> None:
    key, said = a_source(), json.loads(SUSPENDED.body)
    body = json.dumps(said | change).encode()
    sent = {"content-type": "application/json", **signed(key, SUSPENDED.its_id, body)}
    answer = system.send("POST", "/v1/inbound-events", sent, content=body)
    (error,) = refused(answer, status, code)["errors"]
    assert error["pointer"] == f"#/{next(iter(change))}"
    assert told() == []


def test_what_is_wrong_with_its_data_is_pointed_at(system: System) -> None:
    event = Event("aggregator.registered", "new-tool", data=ENTRY | {"name": ""})
    (error,) = refused(post(system, event, a_source()), 422, "invalid")["errors"]
    assert error["pointer"] == "#/data/name"


def insist(system: System, event: Event, key: Key) -> dict[str, Any]:
    """Send it again while the service is too busy, as its answer asks; five times at most.

    Where many wait for one row and the disk is slow, the last of them are told so.
    """
    answers = (post(system, event, key) for _ in range(5))
    told: dict[str, Any] = next(each.json() for each in answers if each.status_code != 503)
    return told


def signed(key: Key, event_id: str, body: bytes) -> dict[str, str]:
    return signing.headers([key], event_id, body, now())


def test_a_body_that_is_too_large_or_too_deep_is_not_read(system: System) -> None:
    key = a_source()
    large = Event("seller.suspended", "S-1", data={"a": "x" * 70_000})
    refused(post(system, large, key), 413, "body_too_large")
    deep = Event("seller.suspended", "S-1", data=[[[[]]]])
    body = deep.body.replace(b"[[[[]]]]", b"[" * 30_000 + b"]" * 30_000)
    sent = {"content-type": "application/json", **signed(key, deep.its_id, body)}
    answer = system.send("POST", "/v1/inbound-events", sent, content=body)
    refused(answer, 401, "unauthorised")


def test_the_same_id_with_another_body_is_a_contradiction(system: System) -> None:
    key = a_source()
    post(system, Event("seller.suspended", "S-1", 1, id="one"), key)
    other = post(system, Event("seller.suspended", "S-2", 1, id="one"), key)
    refused(other, 409, "event_contradicted")


def test_fifty_copies_at_once_over_http_have_one_effect(database: Engine, ring: Keyring) -> None:
    system, key = System(served(ring)), a_source()
    event = Event("aggregator.registered", "new-tool", 1, ENTRY)
    answers = race(*[lambda: insist(system, event, key)] * 50)
    assert [each["status"] for each in answers] == ["applied"] * 50  # type: ignore[index]
    assert sum(not each["duplicate"] for each in answers) == 1  # type: ignore[index]
    assert len(builders.promised("recheck_parked")) == 1


def test_those_who_operate_see_what_was_told_without_seller_ids(system: System) -> None:
    key, looks = a_source(), a_system(system.app, ["operations:read"])
    for number in range(3):
        told_of = Event("seller.suspended", "S-4711-22", number, id=f"evt_{number}")
        post(system, told_of, key)
    post(system, Event("aggregator.suspended", "later"), key)
    page = expect(looks.get("/v1/inbound-events?limit=3"), 200)
    assert [each["type"] for each in page["items"]][:2] == [
        "aggregator.suspended",
        "seller.suspended",
    ]
    assert "S-4711-22" not in json.dumps(page)
    rest = expect(looks.get(page["next"]), 200)
    assert (len(rest["items"]), rest["next"]) == (1, None)
    parked = expect(looks.get("/v1/inbound-events?status=parked"), 200)["items"]
    assert [each["subject"] for each in parked] == ["later"]


def test_no_secret_of_a_source_is_in_the_database(sqlite: Engine, ring: Keyring) -> None:
    key = a_source()
    assert key.shown not in str(dump(sqlite))
    assert key.secret not in Path(str(sqlite.url.database)).read_bytes()
