"""Asking an app one thing without a server between, and showing it pages that only tests have."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from jinja2 import ChoiceLoader, FileSystemLoader
from starlette.requests import Request
from starlette.types import ASGIApp

from onboarding.web import pages
from onboarding.words import LOCALES

Given = TypeVar("Given")
TEMPLATES = Path(__file__).parent / "templates"


@contextmanager
def own_templates() -> Iterator[None]:
    """Shows the templates of this folder beside the product's."""
    environments = [pages.environment(locale) for locale in LOCALES]
    for environment in environments:
        folders = (pages.TEMPLATES, TEMPLATES)
        environment.loader = ChoiceLoader([FileSystemLoader(folder) for folder in folders])
    yield
    for environment in environments:
        environment.loader = FileSystemLoader(pages.TEMPLATES)


def whole(given: Coroutine[Any, Any, Given]) -> Given:
    """What it gives, once all that it began is over too.

    What a loop leaves behind goes on in its thread, with a connection that nobody closes any more.
    """

    async def and_all_else() -> Given:
        first = await given
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        return first

    return asyncio.run(and_all_else())


def ask(app: ASGIApp, path: str, base: str = "http://testserver", **headers: str) -> httpx.Response:
    """The answer to a GET; underscores in header names are hyphens."""

    async def answer() -> httpx.Response:
        # What an app raises is an answer too: status 500.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.get(path, headers=named)

    return asyncio.run(answer())


async def answered(
    app: ASGIApp,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> tuple[int, bytes]:
    """The status and the body of an answer, asked of the application itself: a client would cost as much as it."""
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    at = urlsplit(url)
    said = {"host": at.netloc, **headers} | ({"content-length": str(len(body))} if body else {})
    asked: MutableMapping[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": at.scheme,
        "path": at.path,
        "raw_path": at.path.encode(),
        "query_string": at.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in said.items()],
        "client": ("127.0.0.1", 1),
        "server": (at.hostname, at.port),
    }
    await app(asked, receive, send)
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:])


def request_for(path: str, query: str = "", accept_language: str = "") -> Request:
    """A request as the server would hand it to a handler."""
    return Request(
        {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "server": ("testserver", 80),
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"accept-language", accept_language.encode())],
        }
    )
