"""A canary tells whether workers take work: one at a time, now and then, by the way of every task."""

import math
import threading
from datetime import timedelta

from sqlalchemy import Engine, func, select, update

from onboarding import canaries, db, invariants, outbox
from onboarding.db import reading, transaction
from onboarding.models import Canary, Message, Transition
from onboarding.outbox import Announcement
from tests.builders import make_older, promised
from tests.racing import race
from tests.system import System
from tests.test_relay import until
from workers import relay, turns
from workers.publisher import EmbeddedPublisher
from workers.relay import send_canary


def silence() -> float | None:
    with reading() as session:
        return canaries.silence(session)


def is_heard() -> bool:
    since = silence()
    return since is not None and since < canaries.SILENT_AFTER


def let_pass(seconds: float) -> None:
    """As if the latest canary had been sent, and taken, so much earlier."""
    make_older(Canary, "sent_at", timedelta(seconds=seconds))
    make_older(Canary, "taken_at", timedelta(seconds=seconds))


def take() -> None:
    """A worker takes the one that waits."""
    (message,) = promised(canaries.TASK)
    turns.run(str(message.id))


def test_where_none_was_sent_nobody_was_asked(database: Engine) -> None:
    assert silence() is None


def test_one_that_is_taken_says_that_workers_work(database: Engine) -> None:
    assert send_canary().done == 1
    assert silence() == math.inf
    take()
    assert is_heard()
    assert promised() == []
    let_pass(100)
    assert 100 <= (silence() or 0) < 160


def test_there_is_one_at_a_time_however_long_nobody_takes_it(database: Engine) -> None:
    assert send_canary().done == 1
    let_pass(3600)
    assert send_canary().done == 0
    assert len(promised(canaries.TASK)) == 1


def test_the_next_one_is_sent_half_a_minute_later(database: Engine) -> None:
    send_canary()
    take()
    let_pass(20)
    assert send_canary().done == 0
    let_pass(20)
    assert send_canary().done == 1
    assert silence() != math.inf, "what was heard before is not forgotten"


def test_of_sweeps_at_once_one_sends_it(database: Engine) -> None:
    for _ in range(5):
        assert sorted(one.done for one in race(*[send_canary] * 6)) == [0, 0, 0, 0, 0, 1]  # type: ignore[attr-defined]
        take()
        let_pass(40)


def test_one_that_fails_for_good_is_nobody_s_incident_for_long(database: Engine) -> None:
    send_canary()
    with transaction() as session:
        session.execute(update(Message).values(failed_at=db.now(), cause="worker_died"))
    let_pass(40)
    assert send_canary().done == 1
    (message,) = promised(canaries.TASK)
    assert message.failed_at is None


def test_it_goes_before_all_that_waits(database: Engine, published: list[Announcement]) -> None:
    """It asks whether anybody works, not how long the queue is."""
    send_canary()
    assert [(one.task, one.first) for one in published] == [(canaries.TASK, True)]


def test_it_leaves_no_trace_in_any_history(database: Engine) -> None:
    send_canary()
    take()
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Transition)) == 0
    assert list(invariants.violations()) == []


def test_a_sweep_that_is_asked_to_sends_it_and_embedded_threads_take_it(database: Engine) -> None:
    publisher, stop = EmbeddedPublisher(threads=2), threading.Event()
    outbox.publish_with(publisher.publish)
    swept = (publisher.publish, stop, publisher.has_room, [relay.canary()])
    thread = threading.Thread(target=relay.run, args=swept)
    thread.start()
    try:
        until(is_heard)
    finally:
        stop.set()
        thread.join(20)
        publisher.close()


def test_a_single_sweep_sends_none(database: Engine) -> None:
    relay.relay_once(lambda _: None)
    stop = threading.Event()
    stop.set()
    relay.run(lambda _: None, stop)
    assert silence() is None
    assert promised() == []


def test_a_worker_of_its_own_sends_and_takes_it(system: System) -> None:
    system.start("worker")
    until(is_heard, seconds=60)
