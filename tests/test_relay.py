"""The relay publishes what came due again, once a sweep, and survives whatever happens to it."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, insert, select, text, update

from onboarding import outbox, proof_statements, proofs, redelivery
from onboarding.db import in_seconds, transaction
from onboarding.ids import new_id
from onboarding.models import BrowserSession, Message, UnprovedLetter
from onboarding.outbox import Announcement
from tests.builders import age, an_onboarding, promised, state_of
from tests.noting import count_statements
from tests.racing import race
from workers import clock, relay
from workers.clock import Swept


def overdue_messages(count: int) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    with transaction() as session:
        for message_id in ids:
            session.execute(
                insert(Message).values(
                    id=message_id, task="send_email", due_at=in_seconds(-5), max_attempts=8
                )
            )
    return ids


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@pytest.fixture
def told() -> list[Announcement]:
    return []


def test_a_sweep_publishes_what_is_due(database: Engine, told: list[Announcement]) -> None:
    ids = overdue_messages(3)
    assert relay.relay_once(told.extend) == 3
    assert {a.id for a in told} == set(ids)
    assert {a.task for a in told} == {"send_email"}
    assert relay.relay_once(told.extend) == 0


def test_a_sweep_that_finds_nothing_takes_no_lock(sqlite: Engine, told: list[Announcement]) -> None:
    statements = count_statements(sqlite)
    assert relay.relay_once(told.extend) == 0
    assert not any(s.startswith(("BEGIN IMMEDIATE", "UPDATE")) for s in statements)
    assert len(statements) <= 2


def test_a_sweep_takes_no_lock_for_what_somebody_works_on(
    sqlite: Engine, told: list[Announcement]
) -> None:
    """A task that takes longer than its message needs to come due is no reason to hold up writers."""
    (message_id,) = overdue_messages(1)
    with transaction() as session:
        assert outbox.claim(session, message_id)
    statements = count_statements(sqlite)
    assert relay.relay_once(told.extend) == 0
    assert not any(s.startswith(("BEGIN IMMEDIATE", "UPDATE")) for s in statements)


def test_a_sweep_marks_a_whole_batch_at_once(database: Engine, told: list[Announcement]) -> None:
    overdue_messages(50)
    statements = count_statements(database)
    assert relay.relay_once(told.extend) == 50
    written = [s for s in statements if s.lstrip().startswith("UPDATE")]
    # SQLite has no round trips to save: it is one statement, carried out for each.
    assert len(written) == 1 or (database.dialect.name == "sqlite" and len({*written}) == 1)


def test_relays_at_once_never_publish_the_same_message(database: Engine) -> None:
    """Neither in one sweep nor in the next: four relays, forty messages, once each."""
    ids = overdue_messages(40)
    told: list[list[Announcement]] = [[] for _ in range(4)]

    def sweep(number: int) -> None:
        for _ in range(5):
            relay.relay_once(told[number].extend, limit=7)

    outcomes = race(*(partial(sweep, number) for number in range(4)))
    assert outcomes == [None] * 4
    published = Counter(a.id for one in told for a in one)
    assert published == Counter(ids)


def test_a_relay_goes_round_messages_that_another_holds(postgresql: Engine) -> None:
    ids = overdue_messages(4)
    told: list[Announcement] = []
    with transaction() as session:
        held = {a.id for a in redelivery.due(session, limit=2)}
        assert race(lambda: relay.relay_once(told.extend)) == [2]
    assert {a.id for a in told} == set(ids) - held


def test_a_running_relay_publishes_and_fires_deadlines(database: Engine) -> None:
    told: list[Announcement] = []
    ids = overdue_messages(2)
    onboarding_id = an_onboarding("type_chosen")
    age(onboarding_id, timedelta(days=31))
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(told.extend, stop))
    thread.start()
    try:
        until(lambda: state_of(onboarding_id) == "expired" and len(told) >= 2)
    finally:
        stop.set()
        thread.join(20)
    assert {a.id for a in told} >= set(ids)
    assert not thread.is_alive()


def test_a_backlog_is_worked_off_without_a_pause(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a broker lost may be many; only a sweep that found little is followed by a pause."""
    monkeypatch.setattr(relay, "PAUSE", 30.0)
    overdue_messages(250)
    told: list[Announcement] = []
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(told.extend, stop))
    thread.start()
    try:
        until(lambda: len(told) == 250)
    finally:
        stop.set()
        thread.join(20)


def test_deadlines_that_sweeps_share_are_worked_off_without_a_pause(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each finds the same ones and does a part of them: that is no reason to pause."""
    monkeypatch.setattr(relay, "PAUSE", 30.0)
    monkeypatch.setattr(relay, "BATCH", 4)
    ids = [an_onboarding("type_chosen") for _ in range(20)]
    for onboarding_id in ids:
        age(onboarding_id, timedelta(days=31))
    stop = threading.Event()
    threads = [threading.Thread(target=relay.run, args=(lambda _: None, stop)) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: {state_of(one) for one in ids} == {"expired"})
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def test_what_is_seldom_looked_for_is_due_again_while_there_is_more() -> None:
    left = [Swept(100, more=True), Swept(100, more=True), Swept(3, more=False)]
    look = relay.Seldom(lambda: left.pop(0), 3600)
    assert [look.look() for _ in range(5)] == [100, 100, 3, 0, 0]


@pytest.mark.parametrize(("every", "looks"), [(3600.0, 1), (0.0, 2)])
def test_what_has_failed_is_left_alone_for_a_while(every: float, looks: int) -> None:
    """It may take ten seconds to fail, and one thread meets all deadlines."""
    made = []

    def fail() -> Swept:
        made.append(1)
        raise ZeroDivisionError

    look = relay.Seldom(fail, every)
    for _ in range(2):
        with suppress(ZeroDivisionError):
            look.look()
    assert len(made) == looks


def test_a_cleaning_says_whether_there_is_more(database: Engine) -> None:
    with transaction() as session:
        for _ in range(5):
            proofs.open_session(session)
        session.flush()  # The update below is not the session's own.
        idle = -proof_statements.SESSION_IDLE.total_seconds() - 60
        session.execute(update(BrowserSession).values(seen_at=in_seconds(idle)))
    assert [clock.clean(limit=3) for _ in range(2)] == [(3, True), (2, False)]


def test_one_table_that_cannot_be_cleaned_does_not_hold_up_the_others(
    own_database: Engine,
) -> None:
    """As with one that has grown so much that its sweep takes too long."""
    with transaction() as session:
        session.add(UnprovedLetter(address_hash=bytes(32), created_at=in_seconds(-7200)))
        session.execute(text("ALTER TABLE browser_sessions RENAME TO browsers"))
    stop = threading.Event()
    stop.set()
    relay.run(lambda _: None, stop)
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(UnprovedLetter)) == 0


def test_the_first_round_does_not_wait_for_a_look_at_every_onboarding(database: Engine) -> None:
    """What the dead have left over is published first."""
    overdue_messages(1)
    stop = threading.Event()
    stop.set()
    statements = count_statements(database)
    relay.run(lambda _: statements.append("published"), stop)
    reading_all = next(
        n for n, sent in enumerate(statements) if "GROUP BY onboardings.state" in sent
    )
    assert statements.index("published") < reading_all


def test_a_relay_survives_a_publisher_that_raises(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PAUSE_AFTER_ERROR", 0.01)
    onboarding_id = an_onboarding("secret_ready")
    age(onboarding_id, timedelta(hours=25))
    overdue_messages(1)
    calls: list[Sequence[Announcement]] = []

    def broken(announcements: Sequence[Announcement]) -> None:
        calls.append(announcements)
        raise ConnectionError("the broker is away")

    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(broken, stop))
    thread.start()
    try:
        until(lambda: bool(calls) and state_of(onboarding_id) == "secret_lapsed")
    finally:
        stop.set()
        thread.join(20)
    assert len(promised("send_email")) == 1


def test_a_relay_survives_a_database_that_is_away(
    own_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PAUSE_AFTER_ERROR", 0.01)
    monkeypatch.setattr(relay, "PAUSE", 0.01)
    with own_database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE messages RENAME TO messages_away")
    told: list[Announcement] = []
    statements = count_statements(own_database)
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(told.extend, stop))
    thread.start()
    try:
        until(lambda: len(statements) > 10)
        with own_database.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE messages_away RENAME TO messages")
        overdue_messages(1)
        until(lambda: len(told) == 1)
    finally:
        stop.set()
        thread.join(20)
