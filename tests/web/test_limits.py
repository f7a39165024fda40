"""What is too large is refused before anything reads it, and what fits arrives whole."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onboarding.web.limits import BODY_AT_MOST, URL_AT_MOST, request_limits
from onboarding.web.problems import install_problem_handlers
from tests.web.calling import System, expect, refused


@pytest.fixture
def echo() -> ASGIApp:
    """Answers with the number of bytes that it was sent; knows its path and no other."""
    app = FastAPI()
    install_problem_handlers(app)

    @app.post("/echo")
    async def size(request: Request) -> int:
        return len(await request.body())

    return request_limits(app)


async def in_chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1024


def send(app: ASGIApp, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    return System(app).send("POST", "/echo", headers, content=content)


def test_a_body_at_the_limit_arrives_whole(echo: ASGIApp) -> None:
    assert send(echo, b"x" * BODY_AT_MOST).json() == BODY_AT_MOST
    assert send(echo, in_chunks(64)).json() == BODY_AT_MOST
    assert send(echo, b"").json() == 0


def test_a_body_beyond_it_is_refused_declared_or_not(echo: ASGIApp) -> None:
    refused(send(echo, b"x" * (BODY_AT_MOST + 1)), 413, "body_too_large")
    refused(send(echo, in_chunks(65)), 413, "body_too_large")
    refused(send(echo, in_chunks(65), content_length="10"), 413, "body_too_large")
    refused(send(echo, b"x", content_length="9" * 5000), 413, "body_too_large")
    large = b"x" * (10 * 1024 * 1024)
    refused(System(echo).send("POST", "/nowhere", content=large), 413, "body_too_large")


def test_an_endless_body_is_read_no_further_than_the_limit(echo: ASGIApp) -> None:
    pieces = 0

    async def receive() -> Message:
        nonlocal pieces
        pieces += 1
        return {"type": "http.request", "body": b"x" * 1024, "more_body": pieces < 99}

    statuses = talk(echo, receive)
    assert statuses == [413]
    assert pieces == 65


def test_who_hangs_up_half_way_reaches_nobody() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def unreachable(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the app was called")

    assert talk(request_limits(unreachable), receive) == []


@pytest.mark.parametrize("path", ["/" + "a" * URL_AT_MOST, "/?a=" + "a" * URL_AT_MOST])
def test_a_long_url_is_refused(echo: ASGIApp, path: str) -> None:
    refused(System(echo).get(path), 414, "url_too_long")
    refused(System(echo).get(path[:1000]), 404, "not_found")


def test_other_conversations_pass_through() -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append(scope["type"])

    talk(request_limits(app), scope_type="lifespan")
    assert heard == ["lifespan"]


def test_the_answers_are_problems(echo: ASGIApp) -> None:
    problem = expect(send(echo, b"x" * (BODY_AT_MOST + 1)), 413)
    assert problem["title"] == "The body is larger than 64 KiB."
    assert problem["retryable"] is False


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def talk(app: ASGIApp, receive: Receive = _nothing, scope_type: str = "http") -> list[int]:
    """The statuses that an app answers with, without a client that minds its manners."""
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": scope_type,
        "method": "POST",
        "path": "/echo",
        "raw_path": b"/echo",
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return statuses
