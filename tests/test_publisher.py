"""Workers are woken after the commit and only then, and nobody waits for that or suffers from it."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from kombu.exceptions import OperationalError
from sqlalchemy import Engine, update
from structlog.testing import capture_logs

from onboarding import canaries, db, outbox
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import Message
from onboarding.outbox import Announcement
from tests.builders import a_message, a_walk, handle, promised, state_of, vouch
from tests.servers.fault_proxy import fault_proxy
from tests.servers.valkey import Valkey
from tests.test_outbox import claimed, due, fail, pass_time, retry, stored
from tests.test_relay import overdue_messages, until
from workers import relay
from workers.app import build
from workers.publisher import BACKLOG, REST, CeleryPublisher, EmbeddedPublisher


def test_publishing_happens_after_the_commit(database: Engine) -> None:
    seen: list[Message | None] = []

    def look(announcements: Sequence[Announcement]) -> None:
        seen.extend(stored(announcement.id) for announcement in announcements)

    outbox.publish_with(look)
    with transaction() as session:
        message_id = outbox.promise(session, "send_email")
        assert seen == []
    assert [message.id for message in seen if message] == [message_id]


def test_a_transaction_calls_the_publisher_once(database: Engine) -> None:
    calls: list[Sequence[Announcement]] = []
    outbox.publish_with(calls.append)
    with transaction() as session:
        ids = [outbox.promise(session, "send_email") for _ in range(3)]
    assert [[a.id for a in call] for call in calls] == [ids]


def test_nothing_is_published_that_was_rolled_back(
    database: Engine, published: list[Announcement]
) -> None:
    def promise_and_fail() -> None:
        with transaction() as session:
            outbox.promise(session, "send_email")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        promise_and_fail()
    assert published == []


def test_a_retry_is_published(database: Engine, published: list[Announcement]) -> None:
    message_id = a_message(max_attempts=1)
    fail(claimed(message_id))
    published.clear()
    retry(message_id)
    assert published == [Announcement("generate_secret", message_id)]


def test_a_publisher_that_raises_hurts_nobody(database: Engine) -> None:
    def broken(_: Sequence[Announcement]) -> None:
        raise ConnectionError("the broker is away")

    outbox.publish_with(broken)
    message_id = a_message()
    outbox.publish_with(None)
    pass_time(message_id, timedelta(seconds=3))
    assert due() == [message_id]


@pytest.fixture
def embedded(database: Engine) -> Iterator[EmbeddedPublisher]:
    """Tasks in a few threads of this process, as without a broker."""
    publisher = EmbeddedPublisher(threads=3)
    outbox.publish_with(publisher.publish)
    yield publisher
    outbox.publish_with(None)
    publisher.close()


def test_without_a_broker_promises_are_kept_at_once(embedded: EmbeddedPublisher) -> None:
    walk = a_walk("type_chosen")
    vouch(walk)
    handle(walk.id, "issue_id")
    until(lambda: state_of(walk.id) == "secret_ready")
    until(lambda: promised() == [])


def test_what_has_not_begun_when_the_process_ends_stays_promised(database: Engine) -> None:
    publisher = EmbeddedPublisher(threads=1)
    held = threading.Event()
    publisher._pool.submit(held.wait, 20)  # noqa: SLF001 - its only thread is busy
    outbox.publish_with(publisher.publish)
    ids = [a_message() for _ in range(3)]
    threading.Timer(0.05, held.set).start()
    publisher.close()
    assert {message.id for message in promised()} == set(ids)
    a_message()
    assert len(promised()) == 4


@contextmanager
def celery_publisher(valkey: Valkey, enough: int, rest: float = REST) -> Iterator[CeleryPublisher]:
    """Messages to a broker that no worker serves."""
    celery = build(valkey.url)
    publisher = CeleryPublisher(celery, enough, rest)
    yield publisher
    publisher.close()
    celery.close()


def test_while_nobody_works_sweeps_do_not_fill_the_broker(database: Engine, valkey: Valkey) -> None:
    tried(overdue_messages(200))
    with celery_publisher(valkey, enough=250) as publisher:
        sweep_all(publisher)
        until(lambda: in_the_broker(valkey) == 200)
        sweep_all(publisher)
        until(lambda: in_the_broker(valkey) == 300)
        assert sweep_all(publisher) == 0
        valkey.forget()
        assert sweep_all(publisher) == 200
        until(lambda: in_the_broker(valkey) == 200)


def test_one_message_wakes_a_worker_for_all_that_nobody_has_tried(
    database: Engine, valkey: Valkey
) -> None:
    overdue_messages(200)
    with celery_publisher(valkey, enough=1000) as publisher:
        assert sweep_all(publisher) == sweep_all(publisher) == 200
        publisher.publish([Announcement("send_email", new_id(), tried=True)])
        until(lambda: in_the_broker(valkey) == 2)
        valkey.forget()
        assert sweep_all(publisher) == 200
        until(lambda: in_the_broker(valkey) == 1)


def test_what_goes_first_counts_as_well(database: Engine, valkey: Valkey) -> None:
    with celery_publisher(valkey, enough=3) as publisher:
        publisher.publish([Announcement("send_email", new_id(), first=True)])
        publisher.publish([Announcement("send_email", new_id(), tried=True)])
        until(lambda: in_the_broker(valkey) == 2)
        until(publisher.has_room)
        publisher.publish([Announcement("send_email", new_id(), first=True)])
        assert not publisher.has_room()


def test_a_sweep_leaves_messages_due_while_the_broker_is_away(database: Engine) -> None:
    ids = overdue_messages(3)
    celery = build("redis://127.0.0.1:1/0")
    publisher = CeleryPublisher(celery)
    with pytest.raises(OperationalError):
        relay.relay_once(publisher.publish, has_room=publisher.has_room)
    publisher.close()
    assert set(due()) == set(ids)


def test_a_broker_that_is_away_is_asked_once_and_deadlines_go_on(valkey: Valkey) -> None:
    """Whoever asks also fires deadlines: to try again for seconds would hold up those."""
    with fault_proxy(urlsplit(valkey.url).port or 0) as proxy:
        proxy.reset()
        celery = build(f"redis://127.0.0.1:{proxy.port}/0")
        publisher = CeleryPublisher(celery)
        with pytest.raises(OperationalError):
            publisher.has_room()
        publisher.close()
        celery.close()
        assert proxy.accepted == 1


def test_a_new_promise_is_published_however_much_waits(database: Engine, valkey: Valkey) -> None:
    with celery_publisher(valkey, enough=0) as publisher:
        outbox.publish_with(publisher.publish)
        a_message()
        until(lambda: in_the_broker(valkey) == 1)


def test_what_a_broker_that_hangs_cannot_take_is_left_to_the_sweep() -> None:
    """So many wait for it and no more: who has just committed waits for nobody."""
    with socket.create_server(("127.0.0.1", 0)) as silent, capture_logs() as said:
        publisher = CeleryPublisher(build(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        publisher.publish([Announcement("send_email", new_id())])
        with silent.accept()[0]:
            for _ in range(BACKLOG + 3):
                publisher.publish([Announcement("send_email", new_id())])
    publisher.close()
    assert [line["event"] for line in said].count("publisher_backlog_full") == 3


def test_without_a_broker_a_task_that_waits_is_not_queued_again(database: Engine) -> None:
    ids = overdue_messages(40)
    tried(ids[:20])
    with busy_publisher() as (publisher, held):
        for _ in range(5):
            sweep_all(publisher)
        # Each of those that were tried, and one for all others.
        assert publisher._pool._work_queue.qsize() == 21  # noqa: SLF001 - the pool shows it nowhere
        held.set()
        until(publisher._pool._work_queue.empty)  # noqa: SLF001
        sweep_all(publisher)
    assert all(message.attempts for message in promised())


def test_without_a_broker_a_canary_that_is_swept_up_holds_up_nobody(database: Engine) -> None:
    """Where all threads are at something, what goes first waits, comes due, and is published again."""
    with busy_publisher() as (publisher, held):
        outbox.publish_with(publisher.publish)
        with transaction() as session:
            assert canaries.send(session)
        assert sweep_all(publisher) == 1
        held.set()
        until(lambda: not promised("canary"))
        a_message("canary")
        until(lambda: not promised("canary"))


@contextmanager
def busy_publisher() -> Iterator[tuple[EmbeddedPublisher, threading.Event]]:
    """Its only thread is busy until the event."""
    publisher, held = EmbeddedPublisher(threads=1), threading.Event()
    publisher._pool.submit(held.wait, 20)  # noqa: SLF001
    try:
        yield publisher, held
    finally:
        held.set()
        publisher.close()


def tried(ids: Sequence[UUID]) -> None:
    with transaction() as session:
        session.execute(update(Message).where(Message.id.in_(ids)).values(attempts=1))


def sweep_all(publisher: CeleryPublisher | EmbeddedPublisher) -> int:
    """Everything is due; how much of it was published again."""
    with transaction() as session:
        session.execute(update(Message).values(due_at=db.in_seconds(-1)))
    return sum(iter(lambda: relay.relay_once(publisher.publish, has_room=publisher.has_room), 0))


def in_the_broker(valkey: Valkey) -> int:
    """Messages in all its lists, whatever their priority."""
    with valkey.client() as client:
        return sum(client.llen(key) for key in client.scan_iter(_type="list"))
