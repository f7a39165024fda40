"""Asking an app one thing without a server between, and showing it pages that only tests have."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from jinja2 import ChoiceLoader, FileSystemLoader
from starlette.requests import Request
from starlette.types import ASGIApp

from onboarding.web import pages
from onboarding.words import LOCALES

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


def ask(app: ASGIApp, path: str, base: str = "http://testserver", **headers: str) -> httpx.Response:
    """The answer to a GET; underscores in header names are hyphens."""

    async def answer() -> httpx.Response:
        # What an app raises is an answer too: status 500.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.get(path, headers=named)

    return asyncio.run(answer())


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
