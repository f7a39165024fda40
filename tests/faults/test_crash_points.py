"""Each crash point kills the process that reaches it, once, in the middle of a journey that then ends well.

Web, worker and relay are processes of their own on PostgreSQL and a broker. A test that does not
reach its point fails.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from onboarding import db, lifecycle, queries
from onboarding.access import Actor
from onboarding.crash_points import POINTS
from onboarding.db import reading, transaction
from onboarding.models import Mail, Message
from tests.builders import age, state_of
from tests.faults.stage import ENDS, Stage, until

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
RELAY = ("sweep.marked", "sweep.committed", "publish.begun", "publish.sent", "clock.locked")
# Killed there, the web has taken the secret out for good, and nobody has seen it.
FORFEITED = {"transaction.committed:4", "reveal.committed", "transaction.announced:4"}


def test_every_point_is_reached_here() -> None:
    assert {one.partition(":")[0] for one in (*WEB, *WORKER, *RELAY)} == set(POINTS)


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
    wanted = DUE[crash_at]()
    stage.start("relay", crash_at=crash_at)
    stage.await_death("relay", crash_at)
    stage.restart("relay")
    stage.start("worker")
    until(wanted, "what was due is not done")
    stage.check()


def a_letter() -> Callable[[], bool]:
    """One that no broker has heard of, and that is due."""
    onboarding_id = cancelled()
    with transaction() as session:
        session.execute(update(Message).values(due_at=db.in_seconds(-1)))
    return lambda: letters(str(onboarding_id)) == 1


def a_deadline() -> Callable[[], bool]:
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


DUE = dict.fromkeys(RELAY, a_letter) | {"clock.locked": a_deadline}


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
