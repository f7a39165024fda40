"""Workers are woken after the commit and only then, and nobody waits for that or suffers from it."""

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from onboarding import outbox
from onboarding.db import transaction
from onboarding.models import Message
from onboarding.outbox import Announcement
from tests.builders import a_message, a_walk, handle, promised, state_of, vouch
from tests.test_outbox import claimed, due, fail, pass_time, retry, stored
from tests.test_relay import until
from workers.publisher import EmbeddedPublisher


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
