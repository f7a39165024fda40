"""`webhook …`: endpoints by hand, and events on a machine that nobody reaches."""

import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from onboarding import access, signing
from onboarding.commands import exits
from onboarding.db import transaction
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.app import create_app
from tests.commands.conftest import Run
from tests.listening import deliver_all, deliveries, let_pass, started_by
from tests.receiving import Receiver
from tests.sellers.serving import serving
from workers import clock

WHY = "INC-442: they listen again"


@pytest.fixture
def receiver(sqlite: Engine, ring: Keyring) -> Iterator[Receiver]:
    clock.leap()
    made = Receiver()
    yield made
    made.close()


def a_key() -> tuple[str, str]:
    with transaction() as session:
        key, text = access.create_api_key(session, "test", access.SCOPES)
    return str(key.id), text


def test_an_endpoint_from_its_first_day_to_its_last(run: Run, receiver: Receiver) -> None:
    key_id, _ = a_key()
    added = run("webhook", "add", receiver.url, "--system", key_id, "--json").lines[0]
    assert added["key"].startswith("whpk_")
    (listed,) = run("webhook", "ls", "--json").lines
    assert (listed["id"], listed["url"]) == (added["id"], receiver.url)
    assert added["id"][:8] in run("webhook", "ls").out
    started_by(UUID(key_id))
    deliver_all()
    assert signing.is_signed([added["key"]], receiver.got[0].headers, receiver.got[0].body)
    sent_there = ("webhook", "deliveries", added["id"])
    (sent,) = run(*sent_there, "--json").lines
    assert sent["status"] == 204
    assert "Nothing has failed" in run(*sent_there, "--failed").err
    again = ("webhook", "redeliver", added["id"], "--reason", WHY, "--json")
    assert run(*again, "--delivery", sent["id"]).lines == [{"count": 1}]
    deliver_all()
    started_by(UUID(key_id))
    deliver_all()
    assert "There are more than these 1." in run(*sent_there, "--limit", "1").err
    assert "There are more" not in run(*sent_there, "--limit", "2").err
    assert run(*again, "--since", "2020-01-01").lines == [{"count": 2}]
    assert run("webhook", "rm", added["id"], "--json").lines == [
        {"id": added["id"], "removed": True}
    ]
    assert run("webhook", "ls", "--json").lines == []
    assert deliveries() == []


def test_whoever_sends_again_or_enables_again_says_why(run: Run, receiver: Receiver) -> None:
    key_id, _ = a_key()
    receiver.answer = lambda _: 410
    webhook_id = run("webhook", "add", receiver.url, "--system", key_id, "--json").lines[0]["id"]
    started_by(UUID(key_id))
    deliver_all()
    enable, why = ("webhook", "enable", webhook_id), ("--reason", WHY)
    redeliver = ("webhook", "redeliver", webhook_id)
    assert run(*enable, "--reason", "x").code == exits.USAGE
    assert run(*enable, *why, "--json").lines == [{"id": webhook_id, "enabled": True}]
    assert run(*enable, *why).code == exits.REFUSED
    both = ("--since", "2026-11-27", "--until", "2026-11-26")
    assert run(*redeliver, *why, *both).code == exits.USAGE
    assert "nothing to send again" in run(*redeliver, *why).err
    receiver.answer = lambda _: 204
    let_pass(timedelta(days=1))
    deliver_all()
    assert "Sent again: 1." in run(*redeliver, *why, "--since", "2020-01-01").err
    rows = run("audit", "ls", "--json").lines
    assert [(row["action"], row["outcome"]) for row in reversed(rows)] == [
        ("webhook.add", "done"),
        ("webhook.enable", "refused"),
        ("webhook.enable", "done"),
        ("webhook.enable", "refused"),
        ("webhook.redeliver", "refused"),
        ("webhook.redeliver", "done"),
    ]
    assert {row["actor"].partition(":")[0] for row in rows} == {"cli"}


def test_doctor_says_that_somebody_has_stopped_listening(run: Run, receiver: Receiver) -> None:
    def found() -> dict[str, object]:
        return next(c for c in run("doctor", "--json").lines if c["name"] == "webhooks")

    key_id, _ = a_key()
    run("webhook", "add", receiver.url, "--system", key_id)
    assert found()["found"] == "none disabled for failing"
    receiver.answer = lambda _: 410
    started_by(UUID(key_id))
    deliver_all()
    assert found()["found"] == "1 disabled"
    (listed,) = run("webhook", "ls", "--json").lines
    assert listed["disabled_because"] == "gone"


@pytest.mark.parametrize("command", ["rm", "deliveries", "redeliver", "enable"])
def test_what_is_not_there_is_not_found(run: Run, receiver: Receiver, command: str) -> None:
    why = ("--reason", WHY) if command in ("redeliver", "enable") else ()
    for wanted in (str(uuid4()), "nonsense"):
        assert run("webhook", command, wanted, *why).code == exits.NOT_FOUND


def test_an_endpoint_is_meant_by_less_than_its_whole_id(run: Run, receiver: Receiver) -> None:
    key_id, _ = a_key()

    def add(description: str) -> str:
        said = ("--system", key_id, "--description", description, "--json")
        return str(run("webhook", "add", receiver.url, *said).lines[0]["id"])

    first = add("the portal")
    host = str(urlsplit(receiver.url).hostname)
    for meant in (first, first.upper(), first[:8], receiver.url, host, "the portal"):
        assert run("webhook", "deliveries", meant).code == 0
    assert run("webhook", "deliveries", first[:3]).code == exits.NOT_FOUND
    second = add("the warehouse")
    several = run("webhook", "rm", receiver.url)
    assert several.code == exits.USAGE
    assert first in several.err
    assert second in several.err
    why = ("--reason", WHY, "--json")
    assert run("webhook", "redeliver", "the portal", *why).code == exits.REFUSED
    assert run("webhook", "enable", "the portal", *why).code == exits.REFUSED
    assert run("webhook", "rm", "the warehouse", "--json").lines == [
        {"id": second, "removed": True}
    ]
    (left,) = run("webhook", "ls", "--json").lines
    assert left["id"] == first
    rows = run("audit", "ls", "--json").lines
    assert {row["action"] for row in rows} >= {"webhook.enable", "webhook.redeliver"}


def test_what_cannot_be_an_endpoint_is_refused(run: Run, receiver: Receiver) -> None:
    key_id, _ = a_key()
    refused = run("webhook", "add", "https://10.0.0.1/", "--system", key_id)
    assert refused.code == exits.USAGE
    assert "everybody can reach" in refused.err
    assert run("webhook", "add", receiver.url, "--system", str(uuid4())).code == exits.NOT_FOUND


@pytest.mark.parametrize("signature", ["ed25519", "hmac"])
def test_a_laptop_hears_of_events_without_a_tunnel(
    run: Run, receiver: Receiver, ring: Keyring, signature: str
) -> None:
    key_id, text = a_key()
    made = started_by(UUID(key_id), "type_chosen")
    with serving(lambda _: create_app(settings(), ring)) as url:
        asked = ("webhook", "listen", "--url", url, "--key", text, "--once")
        begun = ("--after", f"0-{'0' * 32}-0", "--signature", signature)
        forwarded = run(*asked, *begun, "--forward-to", receiver.url, "--json")
        people = run(*asked, *begun)
        nothing = run(*asked)
    assert [line["event"]["data"]["sequence"] for line in forwarded.lines] == [1, 2]
    assert all(line["verified"] and line["answered"] == 204 for line in forwarded.lines)
    shown = forwarded.err.split()[-1]
    assert [each.place for each in receiver.got] == [(str(made), 1), (str(made), 2)]
    for each, line in zip(receiver.got, forwarded.lines, strict=True):
        assert signing.is_signed([shown], each.headers, each.body)
        assert json.loads(each.body) == line["event"]
    assert "onboarding.type_chosen" in people.out
    assert shown in people.err
    assert (nothing.code, nothing.out) == (0, "")


def test_it_forwards_to_this_machine_only(run: Run, receiver: Receiver) -> None:
    for url in ("https://hooks.example/", "http://10.0.0.1/", "nonsense"):
        refused = run("webhook", "listen", "--key", "onbk_x", "--forward-to", url)
        assert refused.code == exits.USAGE


def test_a_system_that_does_not_answer_is_said_to_be_away(run: Run, receiver: Receiver) -> None:
    away = run("webhook", "listen", "--url", "http://127.0.0.1:9", "--key", "onbk_x", "--once")
    assert away.code == exits.UNAVAILABLE
