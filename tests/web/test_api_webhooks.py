"""Endpoints by the API: a system has events sent to it, looks what came of that, and has them sent again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from onboarding import access, signing, webhooks
from onboarding.sealing import Keyring
from tests.listening import deliver_all, let_pass, sweep
from tests.receiving import Receiver
from tests.web.calling import System, a_system, expect, refused, served


@pytest.fixture
def system(receiver: Receiver, ring: Keyring) -> System:
    return a_system(served(ring))


def add(system: System, url: str, **said: Any) -> dict[str, Any]:
    return expect(system.post("/v1/webhooks", {"url": url} | said), 201)


def look(system: System, webhook: dict[str, Any]) -> dict[str, Any]:
    return expect(system.get(webhook["links"]["self"]), 200)


def change(system: System, webhook: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return expect(system.send("PATCH", webhook["links"]["self"], json=changes), 200)


def sent(system: System, webhook: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    address: str | None = f"{webhook['links']['deliveries']}?limit=2{query}"
    while address:
        page = expect(system.get(address), 200)
        found, address = found + page["items"], page["next"]
    return found


def test_an_endpoint_is_told_of_what_its_system_s_onboardings_do(
    system: System, receiver: Receiver
) -> None:
    made = add(system, receiver.url, description="our shop")
    assert made["secret"] is None
    onboarding = system.with_secret()
    a_system(system.app).with_secret()
    deliver_all()
    assert [each.place for each in receiver.got] == [(onboarding["id"], n) for n in (1, 2, 3, 4)]
    for each in receiver.got:
        assert signing.is_signed(made["public_keys"], each.headers, each.body)
    assert [each["sequence"] for each in sent(system, made)] == [4, 3, 2, 1]
    assert {each["status"] for each in sent(system, made)} == {204}
    events = expect(system.get("/v1/events"), 200)["items"]
    assert [each["id"] for each in events] == [each.id for each in receiver.got]


def test_a_secret_is_told_when_it_is_made_and_never_again(
    system: System, receiver: Receiver
) -> None:
    made = add(system, receiver.url, signature="hmac")
    assert made["secret"].startswith("whsec_")
    path = made["links"]["self"]
    looks = (system.get(path), system.get("/v1/webhooks"), system.send("PATCH", path, json={}))
    for answer in looks:
        assert answer.status_code == 200
        assert made["secret"] not in answer.text
    rotated = expect(system.post(f"{path}/rotate-key"), 200)
    assert rotated["secret"] != made["secret"]
    system.start()
    deliver_all()
    for key in (made["secret"], rotated["secret"]):
        assert signing.is_signed([key], receiver.got[0].headers, receiver.got[0].body)


def test_public_keys_are_two_while_both_sign(system: System, receiver: Receiver) -> None:
    made = add(system, receiver.url)
    (before,) = made["public_keys"]
    rotated = expect(system.post(f"{made['links']['self']}/rotate-key"), 200)
    assert rotated["public_keys"][1:] == [before]
    let_pass(timedelta(days=1))
    assert look(system, made)["public_keys"] == rotated["public_keys"][:1]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"url": "http://hooks.example/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://2130706433:8443/"}, "url"),
        ({"url": f"https://{'a' * 64}.example/"}, "url"),
        ({"url": "https://h.example:0/"}, "url"),
        ({"url": "https://h.example/", "types": ["nothing"]}, "types.0"),
        ({"url": "https://h.example/", "signature": "none"}, "signature"),
        ({"url": "https://h.example/", "description": "a\u202eb"}, "description"),
        ({"url": "https://h.example/", "system_id": str(uuid4())}, "system_id"),
        ({}, "url"),
    ],
)
def test_what_cannot_be_an_endpoint_is_refused(
    system: System, said: dict[str, Any], field: str
) -> None:
    (error,) = refused(system.post("/v1/webhooks", said), 422, "invalid")["errors"]
    assert (error["field"], error["pointer"]) == (field, "#/" + field.replace(".", "/"))


def test_a_system_has_so_many(system: System, receiver: Receiver) -> None:
    for _ in range(webhooks.MOST_OF_ONE):
        add(system, receiver.url)
    refused(system.post("/v1/webhooks", {"url": receiver.url}), 422, "invalid")
    add(a_system(system.app), receiver.url)


def test_anothers_endpoint_is_as_if_it_were_not_there(system: System, receiver: Receiver) -> None:
    foreign = add(a_system(system.app), receiver.url)
    mine = add(system, receiver.url)
    for its_id in (foreign["id"], str(uuid4()), mine["id"].upper(), "1", "%00"):
        path = f"/v1/webhooks/{its_id}"
        asked = [
            system.get(path),
            system.send("PATCH", path, json={"enabled": False}),
            system.send("DELETE", path),
            system.post(f"{path}/rotate-key"),
            system.post(f"{path}/test"),
            system.get(f"{path}/deliveries"),
            system.post(f"{path}/redeliver", {"failed": True}),
            system.post(f"{path}/deliveries/{uuid4()}/redeliver"),
        ]
        for answer in asked:
            refused(answer, 404, "not_found")
    listed = expect(system.get("/v1/webhooks"), 200)["items"]
    assert [each["id"] for each in listed] == [mine["id"]]


def test_one_that_is_switched_off_hears_of_it_all_once_it_is_on_again(
    system: System, receiver: Receiver
) -> None:
    made = add(system, receiver.url)
    off = change(system, made, enabled=False)
    assert (off["enabled"], off["disabled_because"]) == (False, "by_its_owner")
    onboarding = system.with_secret()
    sweep(2)
    assert receiver.got == []
    assert change(system, made, enabled=True)["disabled_because"] is None
    deliver_all()
    assert [each.place for each in receiver.got] == [(onboarding["id"], n) for n in (1, 2, 3, 4)]


def test_what_is_changed_counts_from_then_on(system: System, receiver: Receiver) -> None:
    made, elsewhere = add(system, receiver.url), Receiver()
    changed = change(system, made, url=elsewhere.url, types=["onboarding.cancelled"])
    assert (changed["url"], changed["types"]) == (elsewhere.url, ["onboarding.cancelled"])
    system.fire(system.start(), "cancel")
    deliver_all()
    assert (receiver.got, len(elsewhere.got)) == ([], 1)
    path = made["links"]["self"]
    answer = system.send("PATCH", path, json={"url": "https://127.1.1.1/"})
    assert refused(answer, 422, "invalid")["errors"][0]["pointer"] == "#/url"
    elsewhere.close()


def test_one_that_is_removed_is_sent_nothing(system: System, receiver: Receiver) -> None:
    made = add(system, receiver.url)
    system.start()
    answer = system.send("DELETE", made["links"]["self"])
    assert (answer.status_code, answer.content) == (204, b"")
    refused(system.get(made["links"]["self"]), 404, "not_found")
    sweep(2)
    assert receiver.got == []


def test_what_was_answered_is_repeated_also_once_it_is_removed(
    system: System, receiver: Receiver
) -> None:
    """Whoever has had no answer cannot know that somebody else has removed it since."""
    made = add(system, receiver.url)
    itself = made["links"]["self"]
    system.start()
    deliver_all()
    one = f"{itself}/deliveries/{sent(system, made)[0]['id']}/redeliver"
    asked: list[tuple[str, Any]] = [
        (f"{itself}/test", None),
        (one, None),
        (f"{itself}/redeliver", {"failed": True}),
    ]
    before = [system.post(*each, idempotency_key="mine") for each in asked]
    system.send("DELETE", itself)
    for request, first in zip(asked, before, strict=True):
        again = system.post(*request, idempotency_key="mine")
        assert (again.status_code, again.json()) == (202, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        refused(system.post(*request), 404, "not_found")


def test_a_test_says_whether_it_arrives(system: System, receiver: Receiver) -> None:
    made = add(system, receiver.url)
    tried = expect(system.post(f"{made['links']['self']}/test"), 202)
    assert (tried["type"], tried["onboarding_id"]) == ("webhook.test", None)
    deliver_all()
    (seen,) = sent(system, made)
    assert (seen["id"], seen["status"]) == (tried["id"], 204)
    assert receiver.got[0].id == seen["event_id"]


def test_one_a_time_or_all_that_failed_are_sent_again(system: System, receiver: Receiver) -> None:
    made = add(system, receiver.url)
    path = made["links"]["self"]
    system.with_secret()
    deliver_all()
    one = sent(system, made)[0]
    again = f"{path}/deliveries/{one['id']}/redeliver"
    assert expect(system.post(again), 202) == {"count": 1}
    assert expect(system.post(again), 202) == {"count": 0}, "it is to be sent already"
    deliver_all()
    assert [each.id for each in receiver.got].count(one["event_id"]) == 2
    assert expect(system.post(f"{path}/redeliver", {"failed": True}), 202) == {"count": 0}
    hour = datetime.now(UTC) - timedelta(hours=1)
    some = {"since": hour.isoformat()}
    assert expect(system.post(f"{path}/redeliver", some), 202) == {"count": 4}
    deliver_all()
    assert len(receiver.got) == 9
    none = {"since": hour.isoformat(), "until": hour.isoformat()}
    assert expect(system.post(f"{path}/redeliver", none), 202) == {"count": 0}
    refused(system.post(f"{path}/redeliver", {}), 422, "invalid")
    for wrong in ("2026-01-01T00:00", 0, "0", 1_793_534_400):
        refused(system.post(f"{path}/redeliver", {"since": wrong}), 422, "invalid")


def test_a_time_that_ends_before_it_begins_is_refused(system: System, receiver: Receiver) -> None:
    path = f"{add(system, receiver.url)['links']['self']}/redeliver"
    for said in ({}, {"failed": True}):
        turned = {"since": "2026-11-28T00:00:00Z", "until": "2026-11-28T00:30:00+01:00"} | said
        (error,) = refused(system.post(path, turned), 422, "invalid")["errors"]
        assert (error["field"], error["pointer"]) == ("until", "#/until")
        assert error["detail"] == "Send an instant that does not come before since."


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("name", ["since", "until"])
def test_an_instant_that_utc_has_not_is_refused(
    system: System, receiver: Receiver, name: str, instant: str
) -> None:
    path = f"{add(system, receiver.url)['links']['self']}/redeliver"
    (error,) = refused(system.post(path, {"failed": True, name: instant}), 422, "invalid")["errors"]
    assert error["field"] == name


def test_what_failed_for_good_is_listed(system: System, receiver: Receiver) -> None:
    made = add(system, receiver.url)
    receiver.answer = lambda _: 400
    system.start()
    for _ in range(10):
        sweep()
        let_pass(timedelta(hours=30))
    (failed,) = sent(system, made, "&failed=yes")
    assert (failed["attempts"], failed["status"], failed["cause"]) == (10, 400, "answered_4xx")
    assert not look(system, made)["enabled"]


def test_a_key_that_may_do_everything_else_hears_of_nothing(
    system: System, receiver: Receiver
) -> None:
    others = a_system(system.app, {*access.SCOPES} - {"webhooks:write"})
    refused(others.post("/v1/webhooks", {"url": receiver.url}), 403, "forbidden")
