"""A worker that has just worked hears of more without a message, and nothing depends on its hearing."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from onboarding.ids import new_id
from onboarding.outbox import Announcement
from tests.builders import a_message, promised
from tests.servers.valkey import Valkey
from tests.test_publisher import celery_publisher, in_the_broker
from tests.test_relay import until
from workers import turns
from workers.wakes import LOOK, Bell, bell_of

A_WHILE = 20.0
MESSAGES = "messages"


@pytest.fixture
def bell(valkey: Valkey) -> Iterator[Bell]:
    bell = bell_of(valkey.url)
    assert bell is not None
    yield bell
    bell.close()


def listening(bell: Bell) -> None:
    """Somebody waits at the list; what a client has asked last says nothing, it may have its answer."""
    until(lambda: bell._redis.info("clients")["blocked_clients"] > 0)  # noqa: SLF001


def test_whoever_listens_hears(bell: Bell) -> None:
    with ThreadPoolExecutor() as other:
        heard = other.submit(bell.hear, A_WHILE)
        listening(bell)
        assert bell.ring(MESSAGES)
        assert heard.result()


def test_of_several_one_hears(bell: Bell) -> None:
    with ThreadPoolExecutor() as others:
        heard = [others.submit(bell.hear, A_WHILE) for _ in range(3)]
        assert bell_rings(bell) == [True] * 3
        assert [each.result() for each in heard] == [True] * 3


def bell_rings(bell: Bell) -> list[bool]:
    rings = []
    for _ in range(3):
        listening(bell)
        rings.append(bell.ring(MESSAGES))
    return rings


def test_where_nobody_listens_it_says_so_and_whoever_comes_at_once_hears(bell: Bell) -> None:
    assert [bell.ring(MESSAGES) for _ in range(5)] == [False] * 5
    assert bell.hear(A_WHILE)
    assert not bell.hear(0.01)


def test_an_answer_that_is_an_error_leaves_nothing_for_the_next_question(
    bell: Bell, valkey: Valkey
) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.set(LOOK, "garbage")
        with pytest.raises(redis.ResponseError):
            bell.ring(MESSAGES)
        client.delete(LOOK)
        assert not bell.ring(MESSAGES)
        client.lpush(MESSAGES, "")
        assert bell.ring(MESSAGES)


def test_a_message_that_waits_is_as_good_as_somebody_who_listens(
    bell: Bell, valkey: Valkey
) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.lpush(MESSAGES, "")
        assert bell.ring(MESSAGES)
        client.delete(MESSAGES)
    assert not bell.ring(MESSAGES)


def test_an_item_that_nobody_took_is_forgotten(bell: Bell, valkey: Valkey) -> None:
    bell.ring(MESSAGES)
    with redis.Redis.from_url(valkey.url) as client:
        assert 0 < client.pttl(LOOK) <= 500


def test_there_is_none_without_redis() -> None:
    assert bell_of("amqp://127.0.0.1") is bell_of("") is None


def test_no_message_is_sent_where_somebody_listens(
    database: Engine, valkey: Valkey, bell: Bell
) -> None:
    fresh = [Announcement("send_email", new_id())]
    with celery_publisher(valkey, enough=1000) as publisher, ThreadPoolExecutor() as other:
        heard = other.submit(bell.hear, A_WHILE)
        listening(bell)
        publisher.publish(fresh)
        assert heard.result()
        assert in_the_broker(valkey) == 0
        publisher.publish(fresh)
        until(lambda: in_the_broker(valkey) == 1)


def test_where_nobody_listens_what_follows_is_one_question(valkey: Valkey) -> None:
    """All workers are at something: who comes next takes all that is committed by then."""
    with celery_publisher(valkey, enough=10, rest=1.0) as publisher, valkey.client() as client:
        client.config_resetstat()
        publisher.publish([Announcement("send_email", new_id())])
        until(lambda: asked(client) == 1)
        for _ in range(5):
            publisher.publish([Announcement("send_email", new_id())])
            time.sleep(0.01)
        until(lambda: asked(client) == 2)
        until(lambda: not publisher._unsent)  # noqa: SLF001 - nobody else knows
        assert asked(client) == 2


def test_where_somebody_listens_nobody_rests(bell: Bell, valkey: Valkey) -> None:
    with (
        celery_publisher(valkey, enough=10, rest=2 * A_WHILE) as publisher,
        ThreadPoolExecutor() as other,
    ):
        for _ in range(3):
            heard = other.submit(bell.hear, A_WHILE)
            listening(bell)
            publisher.publish([Announcement("send_email", new_id())])
            assert heard.result()


def asked(client: redis.Redis) -> int:
    """How often the bell was rung: that has a command which no message needs."""
    told: dict[str, Any] = client.info("commandstats")
    return int(told.get("cmdstat_pexpire", {}).get("calls", 0))


def test_what_goes_first_is_sent_whoever_listens(
    database: Engine, valkey: Valkey, bell: Bell
) -> None:
    with celery_publisher(valkey, enough=1000) as publisher, ThreadPoolExecutor() as other:
        heard = other.submit(bell.hear, 2)
        listening(bell)
        publisher.publish([Announcement("send_email", new_id(), first=True)])
        until(lambda: in_the_broker(valkey) == 1)
        bell.ring(MESSAGES)
        assert heard.result()


def test_a_call_goes_on_with_what_it_hears_of(database: Engine) -> None:
    a_message("revoke_client", about={"client_id": "cid_1"})
    more = iter([True, False])

    def hear(seconds: float) -> bool:
        assert 0 < seconds <= turns.A_MOMENT
        assert promised() == []
        a_message("revoke_client", about={"client_id": "cid_2"})
        return next(more)

    turns.drain(str(new_id()), hear=hear)
    assert [message.about["client_id"] for message in promised()] == ["cid_2"]


def test_a_broker_that_is_away_ends_a_call_and_hurts_nobody(database: Engine) -> None:
    a_message("revoke_client", about={"client_id": "cid_1"})
    away = bell_of("redis://127.0.0.1:1/0")
    assert away is not None
    turns.drain(str(new_id()), hear=away.hear)
    assert promised() == []
