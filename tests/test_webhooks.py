"""Endpoints are told of what happens to their owner's onboardings: at least once, in order, signed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from onboarding import db, endpoints, sending, signing, webhooks
from onboarding import deliveries as noted_down
from onboarding.db import transaction
from onboarding.endpoints import Rules
from onboarding.models import Delivery, Webhook
from onboarding.settings import settings
from tests import builders, listening
from tests.builders import fire, promised
from tests.listening import (
    an_endpoint,
    deliver_all,
    deliveries,
    incidents_now,
    keys_of,
    let_pass,
    owner_of,
    started_by,
    sweep,
    the_endpoint,
)
from tests.racing import race
from tests.receiving import Receiver, Sent
from workers import clock
from workers.webhooks import note_events, promise_deliveries


def in_order(got: list[Sent]) -> bool:
    """Whether each onboarding's came as 1, 2, 3 and so on."""
    last: dict[str, int] = {}
    for onboarding_id, sequence in (each.place for each in got):
        if sequence != last.get(onboarding_id, 0) + 1:
            return False
        last[onboarding_id] = sequence
    return True


def test_whatever_happens_is_sent_to_its_owner_and_to_nobody_else(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    other = Receiver()
    an_endpoint(other.url)
    made = started_by(owner_of(mine), "type_chosen")
    builders.an_onboarding("confirmed")
    deliver_all()
    assert [each.place for each in receiver.got] == [(str(made), 1), (str(made), 2)]
    assert other.got == []
    assert promised() == []
    other.close()


def test_what_happened_before_it_listened_is_not_sent(receiver: Receiver) -> None:
    owner = listening.an_owner()
    started_by(owner)
    an_endpoint(receiver.url, owner)
    later = started_by(owner)
    deliver_all()
    assert [each.place for each in receiver.got] == [(str(later), 1)]


def test_only_the_types_that_it_wants(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url, types=["onboarding.type_chosen"])
    made = started_by(owner_of(mine), "type_chosen")
    deliver_all()
    assert [each.place for each in receiver.got] == [(str(made), 2)]


def test_a_failure_is_tried_again_later_the_same(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    receiver.answer = lambda _: 500
    started_by(owner_of(mine))
    assert sweep(3) == 1
    (delivery,) = deliveries()
    assert (delivery.attempts, delivery.status, delivery.cause) == (1, 500, "answered_5xx")
    let_pass(timedelta(seconds=7))
    receiver.answer = lambda _: 200
    deliver_all()
    first, second = receiver.got
    assert (first.id, first.body) == (second.id, second.body)
    (delivery,) = deliveries()
    assert delivery.delivered_at is not None
    assert (delivery.status, delivery.cause) == (200, None)
    assert the_endpoint(mine).failures == 0


def test_an_event_waits_for_the_one_before_it_of_the_same_onboarding(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    first = started_by(owner_of(mine), "type_chosen")
    receiver.answer = lambda sent: 500 if sent.place[0] == str(first) else 200
    sweep()
    with transaction() as session:
        session.execute(update(Webhook).values(rests_until=None))
    assert sweep() == 0, "it rests, and the next one waits for it"
    second = started_by(owner_of(mine), "type_chosen")
    sweep(3)
    assert [each.place for each in receiver.taken] == [(str(second), 1), (str(second), 2)]
    receiver.answer = lambda _: 200
    receiver.got.clear()
    let_pass(timedelta(minutes=7))
    deliver_all()
    assert [each.place for each in receiver.got] == [(str(first), 1), (str(first), 2)]


@pytest.mark.parametrize("status", [199, 300, 301, 302, 307, 400, 404, 429, 500, 503])
def test_only_2xx_is_a_success_and_nobody_is_led_elsewhere(receiver: Receiver, status: int) -> None:
    mine, elsewhere = an_endpoint(receiver.url), Receiver()
    receiver.answer, receiver.location = lambda _: status, elsewhere.url
    started_by(owner_of(mine))
    sweep()
    (delivery,) = deliveries()
    assert delivery.delivered_at is None
    assert elsewhere.got == []
    elsewhere.close()


def test_gone_means_gone(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    receiver.answer = lambda _: 410
    started_by(owner_of(mine))
    sweep()
    assert the_endpoint(mine).disabled_because == "gone"
    started_by(owner_of(mine))
    let_pass(timedelta(days=1))
    sweep(2)
    assert len(receiver.got) == 1


def test_after_ten_attempts_it_has_failed_and_so_has_the_endpoint(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    receiver.answer = lambda _: 503
    started_by(owner_of(mine), "type_chosen")
    for number in range(sending.ATTEMPTS):
        assert len(receiver.got) == number
        sweep()
        let_pass(timedelta(hours=30))
    first, second = deliveries()
    assert (first.attempts, first.failed_at is not None) == (10, True)
    assert (second.attempts, second.failed_at) == (0, None)
    assert the_endpoint(mine).disabled_because == "answered_5xx"
    sweep(2)
    assert len(receiver.got) == sending.ATTEMPTS
    assert incidents_now() == ["endpoint_failing"]
    again(mine, receiver)
    assert in_order(receiver.got)


def again(webhook_id: UUID, receiver: Receiver) -> None:
    """Its owner has found out why, has what failed sent again, and enables it."""
    receiver.answer = lambda _: 200
    receiver.got.clear()
    with transaction() as session:
        failed = noted_down.redeliver(session, webhook_id, Delivery.failed_at.is_not(None))
        assert failed == 1
        webhook = session.get_one(Webhook, webhook_id)
        webhooks.change(session, webhook, {"enabled": True}, rules())
    deliver_all()


def rules() -> Rules:
    return endpoints.rules(settings())


def test_a_receiver_that_was_down_for_three_days_gets_everything_in_order(
    receiver: Receiver,
) -> None:
    mine = an_endpoint(receiver.url)
    owner = owner_of(mine)
    down = True
    receiver.answer = lambda _: 503 if down else 204
    made = [started_by(owner) for _ in range(5)]
    for hour in range(72):
        if hour % 8 == 0:
            made.append(started_by(owner, "type_chosen"))
        if hour % 24 == 5:
            fire(made[hour // 24], "cancel")
        sweep()
        let_pass(timedelta(hours=1))
    assert the_endpoint(mine).disabled_at is None
    attempted, tried = len(receiver.got), receiver.got[:]
    assert 20 < attempted < 200
    down = False
    receiver.got.clear()
    deliver_all()
    assert in_order(receiver.got)
    assert len({each.id for each in receiver.got}) == len(receiver.got)
    assert {each.place for each in receiver.got} == {
        (str(one), step) for one in made for step in range(1, builders.the(one).sequence + 1)
    }
    bodies: dict[str, bytes] = {}
    for each in [*tried, *receiver.got]:
        assert bodies.setdefault(each.id, each.body) == each.body
    assert [row for row in deliveries() if row.delivered_at is None] == []


def test_who_is_dead_holds_up_nobody_else(receiver: Receiver) -> None:
    dead = [an_endpoint("http://127.0.0.1:9/") for _ in range(3)]
    well = an_endpoint(receiver.url)
    for webhook_id in (*dead, well):
        started_by(owner_of(webhook_id))
    sweep()
    assert len(receiver.got) == 1
    assert {the_endpoint(each).failures for each in dead} == {1}
    let_pass(timedelta(hours=1))
    started_by(owner_of(well))
    note_events()
    assert promise_deliveries().done == 2, "of those who do not answer, one at a time"
    assert promise_deliveries().done == 0


def test_what_it_does_not_take_stays_in_the_log(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noted_down, "BACKLOG", 4)
    monkeypatch.setattr(noted_down, "NOTES_AT_ONCE", 2)
    mine = an_endpoint(receiver.url)
    made = [started_by(owner_of(mine)) for _ in range(9)]
    while note_events().done:
        pass
    assert 4 <= len(deliveries()) < 9
    deliver_all()
    assert [each.place for each in receiver.got] == [(str(one), 1) for one in made]


def test_sweeps_at_once_note_everything_once_and_promise_one_message(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    for _ in range(5):
        started_by(owner_of(mine))
    noted = [each.done for each in race(*[note_events] * 6)]  # type: ignore[attr-defined]
    assert sorted(noted) == [0, 0, 0, 0, 0, 5]
    told = [each.done for each in race(*[promise_deliveries] * 6)]  # type: ignore[attr-defined]
    assert sorted(told) == [0, 0, 0, 0, 0, 1]
    assert len(promised("deliver_webhooks")) == 1


def test_a_redelivery_is_the_same_again(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    started_by(owner_of(mine), "type_chosen")
    deliver_all()
    with transaction() as session:
        assert noted_down.redeliver(session, mine) == 2
    deliver_all()
    first, second = receiver.got[:2], receiver.got[2:]
    assert [(each.id, each.body) for each in first] == [(each.id, each.body) for each in second]


def test_a_test_arrives_and_tells_of_nothing(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    with transaction() as session:
        webhooks.test(session, session.get_one(Webhook, mine))
    deliver_all()
    (sent,) = receiver.got
    assert json.loads(sent.body)["type"] == "webhook.test"
    assert signing.is_signed(keys_of(mine), sent.headers, sent.body)


def test_what_was_sent_long_ago_is_forgotten(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    started_by(owner_of(mine))
    deliver_all()
    let_pass(timedelta(days=29))
    assert clock.clean().done == 0
    started_by(owner_of(mine))
    note_events()
    let_pass(timedelta(days=2))
    assert clock.clean().done == 1
    assert [row.delivered_at for row in deliveries()] == [None]


def test_what_is_sent_again_is_not_forgotten_meanwhile(receiver: Receiver) -> None:
    """Nor does the sweep wait for it: each could hold what the other one wants."""
    mine = an_endpoint(receiver.url)
    started_by(owner_of(mine), "type_chosen")
    deliver_all()
    let_pass(timedelta(days=31))
    _, newer = deliveries()
    with ThreadPoolExecutor(1) as others:
        with transaction() as session:
            assert noted_down.redeliver(session, mine, Delivery.id == newer.id) == 1
            cleaning = others.submit(clock.clean)
            # On SQLite, whoever writes waits for everybody.
            if db.engine().dialect.name == "postgresql":
                assert cleaning.result().done == 1
                assert noted_down.redeliver(session, mine) == 0
        assert cleaning.result().done == 1
    deliver_all()
    assert [each.id for each in receiver.got[2:]] == [newer.event_id]
