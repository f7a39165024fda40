"""Answers that wait for the platform's move, and how little it takes to hold many of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, QueuePool

from onboarding import access
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.app import create_app
from onboarding.web.waiting import Waiting
from tests import builders
from tests.web.asking import whole
from tests.web.calling import System, a_system, expect, refused

MANY = 500


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return create_app(settings(), ring)


@pytest.fixture
def system(app: FastAPI) -> System:
    """A calling system that may do everything."""
    return a_system(app)


def chosen(system: System) -> dict[str, Any]:
    """One whose client ID may be issued: then the platform has to move."""
    onboarding = system.start(contact={"email": "dev@shop.example"})
    return system.fire(onboarding, "choose_type", connection_type="credentials_only")


def together(
    system: System,
    requests: list[tuple[str, str, dict[str, str], Any]],
    meanwhile: Callable[[Waiting], Awaitable[None]],
) -> list[httpx.Response]:
    """The answers to requests that are sent at once, and something that happens once all wait."""
    waiting: Waiting = system.app.state.waiting  # type: ignore[attr-defined]

    async def run() -> list[httpx.Response]:
        transport = httpx.ASGITransport(system.app)
        key = {"authorization": f"Bearer {system.key}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://api", timeout=None
        ) as client:
            sent = [
                asyncio.ensure_future(client.request(m, path, headers=key | headers, json=body))
                for m, path, headers, body in requests
            ]
            while waiting.number < len(sent):
                assert not [each.result().text for each in sent if each.done()]
                await asyncio.sleep(0.01)
            await meanwhile(waiting)
            return await asyncio.gather(*sent)

    return whole(run())


def waits(onboarding: dict[str, Any], **headers: str) -> tuple[str, str, dict[str, str], Any]:
    sent = {"prefer": "wait=30", "if-none-match": f'"{onboarding["sequence"]}"'} | headers
    return ("GET", onboarding["links"]["self"], sent, None)


def issues(onboarding: dict[str, Any]) -> tuple[str, str, dict[str, str], Any]:
    body = {"event": "issue_id", "data": {}}
    sent = {
        "prefer": "respond-async, wait=30",
        "idempotency-key": str(new_id()),
        "if-match": f'"{onboarding["sequence"]}"',
    }
    return ("POST", onboarding["links"]["events"], sent, body)


def work(onboarding: dict[str, Any]) -> Callable[[Waiting], Awaitable[None]]:
    async def meanwhile(_: Waiting) -> None:
        await asyncio.to_thread(builders.work, UUID(onboarding["id"]))

    return meanwhile


def test_an_event_is_answered_once_the_platform_has_moved(system: System) -> None:
    onboarding = chosen(system)
    (answer,) = together(system, [issues(onboarding)], work(onboarding))
    moved = expect(answer, 200)
    assert (moved["state"], answer.headers["preference-applied"]) == ("secret_ready", "wait=30")
    assert answer.headers["etag"] == f'"{moved["sequence"]}"' == '"4"'
    assert answer.headers["cache-control"] == "no-store"
    assert moved == system.look(onboarding)


def test_when_the_time_is_up_the_answer_says_where_it_stands(system: System) -> None:
    onboarding = chosen(system)
    body = {"event": "issue_id"}
    answer = system.post(onboarding["links"]["events"], body, prefer="wait=0")
    assert expect(answer, 200)["state"] == "issuing_secret"
    assert answer.headers["preference-applied"] == "wait=0"


def test_who_does_not_wait_is_answered_at_once(system: System) -> None:
    onboarding = chosen(system)
    for prefer in ("", "respond-async", "wait=x", "wait=-1", "return=minimal"):
        answer = system.get(onboarding["links"]["self"], prefer=prefer)
        assert "preference-applied" not in answer.headers
    ended = system.post(onboarding["links"]["events"], {"event": "cancel"}, prefer="wait=99")
    assert expect(ended, 200)["state"] == "cancelled"
    assert ended.headers["preference-applied"] == "wait=30"


def test_a_refusal_does_not_wait(system: System) -> None:
    onboarding = system.start()
    answer = system.post(onboarding["links"]["events"], {"event": "confirm"}, prefer="wait=30")
    refused(answer, 409, "event_not_allowed")


def test_a_look_waits_for_something_else_to_see(system: System) -> None:
    onboarding = chosen(system)
    builders.handle(UUID(onboarding["id"]), "issue_id")
    seen = system.look(onboarding)
    (answer,) = together(system, [waits(seen)], work(onboarding))
    assert expect(answer, 200)["state"] == "secret_ready"
    tag = answer.headers["etag"]
    for headers in ({}, {"prefer": "wait=0"}):
        again = system.get(seen["links"]["self"], if_none_match=tag, **headers)
        assert (again.status_code, again.headers["etag"], again.content) == (304, tag, b"")
    fresh = system.get(seen["links"]["self"], if_none_match='"1"', prefer="wait=30")
    assert expect(fresh, 200)["state"] == "secret_ready"


def test_a_key_that_is_revoked_meanwhile_is_told_nothing(system: System) -> None:
    onboarding = chosen(system)

    async def revoke(_: Waiting) -> None:
        assert system.id
        with transaction() as session:
            access.revoke_api_key(session, system.id)
        await work(onboarding)(_)

    (answer,) = together(system, [issues(onboarding)], revoke)
    refused(answer, 401, "unauthorised")


def test_when_the_server_stops_nobody_waits(system: System) -> None:
    onboarding = system.start()

    async def stop(waiting: Waiting) -> None:
        waiting.is_over = lambda: True

    (answer,) = together(system, [waits(onboarding)], stop)
    assert answer.status_code == 304


def test_many_wait_on_less_than_a_connection_each(postgresql: Engine, ring: Keyring) -> None:
    """The bar: 500 waiters, fewer connections than waiters; here it is those that are kept, and one now and then."""
    system = a_system(create_app(settings(), ring))
    onboarding = chosen(system)
    builders.handle(UUID(onboarding["id"]), "issue_id")
    seen = system.look(onboarding)
    pool = postgresql.pool
    assert isinstance(pool, QueuePool)
    held: list[int] = []

    async def look_and_move(waiting: Waiting) -> None:
        for _ in range(100):
            held.append(pool.checkedout())
            await asyncio.sleep(0.005)
        assert waiting.number == MANY
        await work(onboarding)(waiting)

    answers = together(system, [waits(seen)] * MANY, look_and_move)
    assert {answer.json()["state"] for answer in answers} == {"secret_ready"}
    # Half of the pool is kept at hand for whoever looks next, and is nobody's meanwhile.
    assert max(held) <= pool.size() // 2 + 1
    print(f"{MANY} waiters: at most {max(held)} connections at a time")  # noqa: T201
