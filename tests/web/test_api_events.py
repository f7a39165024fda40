"""The log of events by the API: whoever asks again from `next` hears of everything that is theirs."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from onboarding import event_bodies, following
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.models import Onboarding, Transition
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import an_onboarding
from tests.listening import started_by
from tests.web.calling import System, a_system, expect, refused, served
from workers import clock

CONTACT = {"email": "dev@shop.example"}


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    clock.leap()
    return a_system(served(ring))


def page(system: System, query: str = "") -> dict[str, Any]:
    return expect(system.get(f"/v1/events?{query}"), 200)


def followed(system: System, query: str = "limit=2") -> list[dict[str, Any]]:
    """Everything there is, as whoever keeps nothing but `next` hears of it."""
    found, after = [], ""
    while True:
        answer = page(system, f"{query}{after}")
        found += answer["items"]
        after = f"&after={answer['next']}"
        if not answer["more"]:
            return found


def test_an_event_says_what_has_happened_and_names_nobody(system: System) -> None:
    onboarding = system.with_secret()
    events = followed(system)
    history = expect(system.get(onboarding["links"]["history"]), 200)["items"]
    assert [each["type"] for each in events] == [step["type"] for step in history]
    last = events[-1]
    assert last["specversion"] == "1.0"
    assert last["time"] == last["timestamp"]
    assert last["subject"] == onboarding["id"]
    assert last["source"].endswith("/v1/onboardings")
    assert last["data"] == {
        "onboarding_id": onboarding["id"],
        "reference": onboarding["reference"],
        "sequence": 4,
        "event": "secret_generated",
        "from": "issuing_secret",
        "to": "secret_ready",
        "actor": "platform",
        "rule_set": onboarding["rule_set"],
        "details": last["data"]["details"],
    }
    assert CONTACT["email"] not in json.dumps(events)


def test_the_same_bytes_are_sent_as_a_webhook(system: System) -> None:
    onboarding = system.with_secret()
    answer = system.get("/v1/events")
    with reading() as session:
        its = Transition.onboarding_id == UUID(onboarding["id"])
        steps = session.scalars(select(Transition).where(its).order_by(Transition.sequence)).all()
    for step, said in zip(steps, answer.json()["items"], strict=True):
        body = event_bodies.body(step, onboarding["reference"], said["source"])
        assert json.loads(event_bodies.encoded(body)) == said


def test_a_seller_id_and_a_typed_name_stay_in_the_history(system: System) -> None:
    onboarding_id = an_onboarding("confirmed")
    parked = an_onboarding("awaiting_aggregator")
    for each in (onboarding_id, parked):
        give(system, each)
    said = json.dumps(followed(system))
    assert builders.ACCOUNT.seller_id not in said
    assert builders.ACCOUNT.shop_name not in said
    assert "Catalogue Express" not in said
    assert "aggregator_id" in said


def give(system: System, onboarding_id: UUID) -> None:
    with transaction() as session:
        session.get_one(Onboarding, onboarding_id).system_id = system.id


def test_page_by_page_it_is_all_of_ones_own_and_nothing_else(system: System) -> None:
    other = a_system(system.app)
    mine = [system.start()["id"] for _ in range(3)]
    other.with_secret()
    an_onboarding("confirmed")
    mine += [system.start()["id"] for _ in range(3)]
    assert [each["subject"] for each in followed(system)] == mine
    assert len(followed(other)) == 4


def test_an_empty_page_says_where_to_go_on(system: System) -> None:
    before = page(system)
    assert before["items"] == []
    assert not before["more"]
    made = system.start()["id"]
    after = page(system, f"after={before['next']}")
    assert [each["subject"] for each in after["items"]] == [made]
    assert page(system, f"after={after['next']}")["items"] == []


def test_whoever_only_wants_what_is_new_begins_now(system: System) -> None:
    system.start()
    now = page(system, "after=now")
    assert now["items"] == []
    made = system.start()["id"]
    assert [each["subject"] for each in page(system, f"after={now['next']}")["items"]] == [made]


def test_only_some_types_or_one_onboarding(system: System) -> None:
    first, second = system.with_secret()["id"], system.with_secret()["id"]
    some = "type=onboarding.started&type=onboarding.secret_generated"
    assert {each["type"] for each in followed(system, some)} == {
        "onboarding.started",
        "onboarding.secret_generated",
    }
    assert {each["subject"] for each in followed(system, f"onboarding={second}")} == {second}
    assert {each["subject"] for each in followed(system, "limit=1")} == {first, second}
    assert followed(system, f"onboarding={new_id()}") == []


def test_anothers_onboarding_is_as_if_it_were_not_there(system: System) -> None:
    foreign = a_system(system.app).start()["id"]
    assert followed(system, f"onboarding={foreign}") == []


def id_of(system: System) -> UUID:
    assert system.id is not None
    return system.id


def test_those_who_operate_hear_of_everybody_s_and_no_one_else_does(system: System) -> None:
    mine, theirs = started_by(id_of(system)), started_by(id_of(a_system(system.app)))
    nobodys = an_onboarding("started")
    looks = a_system(system.app, ["operations:read"])
    all_of_it = expect(looks.get("/v1/operations/events"), 200)
    told = [(each["subject"], each["data"]["sequence"]) for each in all_of_it["items"]]
    assert told == [(str(each), 1) for each in (mine, theirs, nobodys)]
    one = expect(looks.get(f"/v1/operations/events?onboarding={theirs}"), 200)["items"]
    assert one == [each for each in all_of_it["items"] if each["subject"] == str(theirs)]
    refused(looks.get("/v1/events"), 403, "forbidden")
    own = a_system(system.app, ["onboardings:read", "operations:read"], of=system)
    assert [each["subject"] for each in expect(own.get("/v1/events"), 200)["items"]] == [str(mine)]


@pytest.mark.parametrize(
    "query",
    ["after=nonsense", "after=", "limit=0", "limit=501", "type=nothing", "onboarding=1", "x=1"],
)
def test_what_makes_no_sense_is_said_to_make_none(query: str, system: System) -> None:
    refused(system.get(f"/v1/events?{query}"), 422, "invalid")


def test_a_page_looks_at_a_part_of_the_log_and_goes_on_behind_it(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOKS_AT", 4)
    for _ in range(10):
        an_onboarding("started")
    mine = system.start()["id"]
    first = page(system)
    assert (first["items"], first["more"]) == ([], True)
    second = page(system, f"after={first['next']}")
    assert (second["items"], second["more"]) == ([], True)
    third = page(system, f"after={second['next']}")
    assert [each["subject"] for each in third["items"]] == [mine]
    assert not third["more"]
