"""Each crash point kills the process that reaches it, once, in the middle of a journey that then ends well.

Web, worker and relay are processes of their own on PostgreSQL and a broker. A test that does not
reach its point fails.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, update

from onboarding import (
    access,
    db,
    endpoints,
    lifecycle,
    queries,
    signing,
    sources,
    webhooks,
)
from onboarding.access import Actor
from onboarding.crash_points import POINTS
from onboarding.db import reading, transaction
from onboarding.models import Aggregator, AuditEntry, Delivery, Mail, Message, Webhook
from onboarding.settings import settings
from onboarding.signing import Key
from onboarding.webhooks import Endpoint
from tests.builders import age, state_of, the
from tests.faults import old_keys
from tests.faults.stage import ENDS, Stage, until
from tests.receiving import Receiver, Sent
from tests.telling import ENTRY, Event, as_key, now

SELLER = Actor("seller", "the-seller")
# Each point by who reaches it, with :TIME where it is not the first. A journey's transactions in
# the web are 1 start, 2 choose_type, 3 issue_id, 4 reveal, 5 acknowledge, 6 confirm.
WEB = (
    "start.recorded",
    "transaction.done:1",
    "transaction.committed:1",
    "transaction.announced:1",
    "transaction.done:3",
    "transaction.committed:3",
    "transaction.announced:3",
    "fire.locked",
    "fire.recorded",
    "fire.followed",
    "reveal.claimed",
    "reveal.opened",
    "transaction.done:4",
    "transaction.committed:4",
    "reveal.committed",
    "transaction.announced:4",
    "publish.begun",
    "publish.sent",
)
WORKER = (
    "task.received",
    "message.claimed",
    "transaction.done:1",
    "transaction.committed:1",
    "task.claimed",
    "message.finished",
    "fire.locked",
    "fire.recorded",
    "fire.followed",
    "secret.hashed",
    "secret.sealed",
    "transaction.done:2",
    "transaction.committed:2",
    "transaction.announced:2",
    "task.done",
    "mail.handed_over",
    "message.failed",
)
RELAY = (
    "sweep.marked",
    "sweep.committed",
    "publish.begun",
    "publish.sent",
    "clock.locked",
    "keyring.made",
    "keyring.destroyed",
)
# A worker that sends events to an endpoint, and the web that is told one by the marketplace.
SENDS = ("delivery.sent", "delivery.sent:2", "delivery.noted", "delivery.noted:3")
HEARS = ("inbound.applied", "transaction.done:1", "transaction.committed:1")
# Where another authorization server is told: `test_authorization_server` has those.
TELLS = ("server.told", "server.revoked")
# How often each of SENDS kills; `make faults` asks for more.
ROUNDS = range(int(os.environ.get("ONBOARDING_TEST_ROUNDS", "1")))
# Killed there, the web has taken the secret out for good, and nobody has seen it.
FORFEITED = {"transaction.committed:4", "reveal.committed", "transaction.announced:4"}


def test_every_point_is_reached_here() -> None:
    everywhere = (*WEB, *WORKER, *RELAY, *SENDS, *HEARS, *TELLS)
    assert {one.partition(":")[0] for one in everywhere} == set(POINTS)


@pytest.mark.parametrize("crash_at", WEB)
def test_a_journey_ends_well_whatever_the_web_has_just_done(stage: Stage, crash_at: str) -> None:
    journey = stage.journey()
    stage.restart("web", crash_at)
    with stage.walking(journey) as walk:
        stage.await_death("web", crash_at.partition(":")[0])
        stage.restart("web")
        assert walk.result() == ENDS[journey.type]
    stage.check()
    seen = [version for version, _ in journey.shown]
    assert seen == ([2] if crash_at in FORFEITED else [1])
    assert revealed(journey.path) == ([1, 2] if crash_at in FORFEITED else [1])


@pytest.mark.parametrize("crash_at", WORKER)
def test_a_journey_ends_well_whatever_a_worker_has_just_done(stage: Stage, crash_at: str) -> None:
    journey = stage.journey()
    point = crash_at.partition(":")[0]
    address = f"seller-{journey.number}@sample.example"
    if point == "message.failed":
        stage.smtp.refuse(address, 451)
    stage.restart("worker", crash_at)
    with stage.walking(journey) as walk:
        stage.await_death("worker", point)
        stage.restart("worker")
        assert walk.result() == ENDS[journey.type]
    stage.check()
    assert [version for version, _ in journey.shown] == [1]
    copies = Counter(str(m["Message-ID"]) for m in stage.smtp.messages if m["To"] == address)
    assert len(copies) == letters(journey.path)
    # Whoever is killed between the mail server's answer and ours sends the letter again.
    assert max(copies.values()) == 1 + (point == "mail.handed_over")


@pytest.mark.parametrize("crash_at", RELAY)
def test_what_is_due_is_done_whatever_a_relay_has_just_done(stage: Stage, crash_at: str) -> None:
    """Workers sweep too, so none is there before the relay has died."""
    stage.stop("worker", "relay")
    wanted = DUE[crash_at](stage)
    stage.start("relay", crash_at=crash_at)
    stage.await_death("relay", crash_at)
    stage.restart("relay")
    stage.start("worker")
    until(wanted, "what was due is not done")
    stage.check()


@pytest.mark.parametrize("round_", ROUNDS)
@pytest.mark.parametrize("crash_at", SENDS)
def test_every_event_arrives_in_order_whatever_a_sender_has_just_done(
    stage: Stage, receiver: Receiver, crash_at: str, round_: int
) -> None:
    every_event_arrives(stage, receiver, "worker", crash_at)


def every_event_arrives(stage: Stage, receiver: Receiver, sender: str, crash_at: str) -> None:
    """Whoever is killed between the answer and our note of it sends the same again."""
    webhook_id, journey = an_endpoint(stage, receiver.url), stage.journey()
    stage.restart(sender, crash_at)
    with stage.walking(journey) as walk:
        stage.await_death(sender, crash_at.partition(":")[0])
        stage.restart(sender)
        assert walk.result() == ENDS[journey.type]
    last = the(_id(journey.path)).sequence
    until(lambda: arrived(webhook_id) == last, "not every event has arrived")
    stage.check()
    first: dict[tuple[str, int], Sent] = {}
    for sent in receiver.got:
        again = first.setdefault(sent.place, sent)
        assert (again.id, again.body) == (sent.id, sent.body)
    assert [*first] == [(str(_id(journey.path)), n + 1) for n in range(last)]
    assert len(receiver.got) > last
    with transaction() as session:
        webhooks.remove(session, session.get_one(Webhook, webhook_id))


@pytest.mark.parametrize("crash_at", HEARS)
def test_what_the_marketplace_tells_is_applied_once_whatever_the_web_has_just_done(
    stage: Stage, crash_at: str
) -> None:
    """Whoever gets no answer tells it again; the trail has it once."""
    source = f"https://{crash_at.replace(':', '-')}.example"
    with transaction() as session:
        key = as_key(sources.add(session, stage.ring, source))
    event = Event("aggregator.registered", f"tool-{HEARS.index(crash_at)}", 1, source=source)
    event = replace(event, data=ENTRY | {"name": event.subject})
    stage.restart("web", crash_at)
    stage.await_answers()
    with pytest.raises(httpx.TransportError):
        told(stage, event, key)
    stage.await_death("web", crash_at.partition(":")[0])
    stage.restart("web")
    stage.await_answers()
    answers = [told(stage, event, key).json() for _ in range(2)]
    assert [each["status"] for each in answers] == ["applied", "applied"]
    was_durable = crash_at == "transaction.committed:1"
    assert [each["duplicate"] for each in answers] == [was_durable, True]
    stage.check()
    with reading() as session:
        registered = session.get_one(Aggregator, event.subject)
        trail = select(AuditEntry).where(AuditEntry.actor == f"source:{source}")
        assert (registered.status, len(session.scalars(trail).all())) == ("registered", 1)


def told(stage: Stage, event: Event, key: Key) -> httpx.Response:
    headers = signing.headers([key], event.its_id, event.body, now())
    headers["content-type"] = "application/cloudevents+json"
    return stage.http.post("/v1/inbound-events", content=event.body, headers=headers)


def an_endpoint(stage: Stage, url: str) -> UUID:
    """Of the system whose journeys are walked."""
    with transaction() as session:
        owner = access.api_key(session, stage.key)[0].system_id
        rules, base = endpoints.rules(settings()), stage.system.url
        return webhooks.add(session, stage.ring, owner, Endpoint(url), rules, base).id


def arrived(webhook_id: UUID) -> int:
    with reading() as session:
        over = Delivery.webhook_id == webhook_id, Delivery.delivered_at.is_not(None)
        return session.scalar(select(func.count()).select_from(Delivery).where(*over)) or 0


def a_letter(_: Stage) -> Callable[[], bool]:
    """One that no broker has heard of, and that is due."""
    onboarding_id = cancelled()
    with transaction() as session:
        session.execute(update(Message).values(due_at=db.in_seconds(-1)))
    return lambda: letters(str(onboarding_id)) == 1


def a_deadline(_: Stage) -> Callable[[], bool]:
    """An onboarding that nobody has looked after for a month."""
    with transaction() as session:
        onboarding = lifecycle.start(session, SELLER, locale="en", rule_set="tests")
    age(onboarding.id, timedelta(days=31))
    return lambda: state_of(onboarding.id) == "expired"


def cancelled() -> UUID:
    with transaction() as session:
        onboarding = lifecycle.start(
            session, SELLER, locale="en", rule_set="tests", contact_email="one@sample.example"
        )
    with transaction() as session:
        lifecycle.fire(session, onboarding.id, "cancel", SELLER)
    return onboarding.id


DUE = dict.fromkeys(RELAY, a_letter) | {
    "clock.locked": a_deadline,
    "keyring.made": old_keys.too_old,
    "keyring.destroyed": old_keys.over,
}


def letters(path: str | None) -> int:
    """How many letters of an onboarding were noted as handed over."""
    with reading() as session:
        return len(session.scalars(select(Mail).where(Mail.onboarding_id == _id(path))).all())


def revealed(path: str | None) -> list[int]:
    """The versions of its secret that were taken out of their seal."""
    with reading() as session:
        secrets = queries.secrets_of(session, _id(path))
        return [secret.version for secret in secrets if secret.revealed_at]


def _id(path: str | None) -> UUID:
    return UUID(str(path)[-36:])
