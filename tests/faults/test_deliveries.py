"""A broker may lose messages, repeat them and mix them up, and any number of processes may sweep."""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import redis
from celery import Celery
from sqlalchemy import func, select

from onboarding.access import Actor
from onboarding.db import reading
from onboarding.models import Mail, Message, Transition
from tests import builders
from tests.builders import an_onboarding
from tests.faults.journeys import Journey
from tests.faults.stage import ENDS, Stage, until

SELLER = Actor("seller", "the-seller")
COPIES = 50


def test_fifty_copies_of_each_message_in_any_order_have_one_effect(stage: Stage) -> None:
    """F20: each is delivered again and again while it waits, and when it is long done."""
    draw = random.Random(20)
    celery = Celery(broker=stage.system.environment["ONBOARDING_BROKER_URL"])
    sent: dict[str, str] = {}

    def repeat() -> None:
        fresh = {str(m.id): m.task for m in waiting() if str(m.id) not in sent}
        sent.update(fresh)
        deliver(celery, [*fresh.items()] * (COPIES // 2), draw)

    states = walk(stage, [stage.journey(kind) for kind in ENDS], meanwhile=repeat)
    deliver(celery, [*sent.items()] * (COPIES // 2), draw)
    assert states == [*ENDS.values()]
    until(lambda: queued(stage) == 0, "the worker does not get through the copies")
    stage.check()
    celery.close()


def test_a_broker_that_forgets_everything_again_and_again_holds_nobody_up(stage: Stage) -> None:
    """F16: what it loses comes due again."""
    losses = 0

    def forget() -> None:
        nonlocal losses
        with broker(stage) as client:
            client.flushall()
        losses += 1

    while losses <= 10:
        walked = walk(stage, [stage.journey(kind) for kind in ENDS], meanwhile=forget)
        assert walked == [*ENDS.values()]
    stage.check()


def test_relays_and_clocks_at_once_do_everything_once(stage: Stage) -> None:
    """F15: two relays and a worker, each of which sweeps and fires deadlines."""
    stage.stop("worker", "relay")
    number = 30
    for one in range(number):
        builders.age(an_onboarding(email=f"late-{one}@sample.example"), timedelta(days=31))
    stage.start("relay", "relay-2", "worker")
    until(lambda: letters("expired") == number, "not every letter is there")
    stage.check()
    with reading() as session:
        expired = select(func.count()).where(Transition.event == "expire")
        assert session.scalar(expired) == number
    stage.stop("relay-2")


def walk(stage: Stage, journeys: Sequence[Journey], *, meanwhile: object) -> list[str]:
    """All journeys at once, and something that happens to the broker until they are over."""
    assert callable(meanwhile)
    with ThreadPoolExecutor(len(journeys)) as pool:
        walks = [pool.submit(journey.walk, 90) for journey in journeys]
        while not all(one.done() for one in walks):
            meanwhile()
            time.sleep(0.05)
        return [one.result() for one in walks]


def waiting() -> Sequence[Message]:
    with reading() as session:
        return session.scalars(select(Message)).all()


def deliver(celery: Celery, messages: list[tuple[str, str]], draw: random.Random) -> None:
    draw.shuffle(messages)
    with celery.producer_pool.acquire(block=True) as producer:
        for message_id, task in messages:
            celery.send_task(task, args=(message_id,), producer=producer, queue="onboarding")


def broker(stage: Stage) -> redis.Redis:
    return redis.Redis.from_url(stage.system.environment["ONBOARDING_BROKER_URL"])


def queued(stage: Stage) -> int:
    with broker(stage) as client:
        length: int = client.llen("onboarding")
        return length


def letters(notice: str) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).where(Mail.notice == notice)) or 0
