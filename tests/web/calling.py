"""Calling systems for tests: an API key each, and the API as a server would run it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from onboarding import access
from onboarding.db import transaction
from onboarding.sealing import Keyring
from onboarding.settings import Settings, settings
from onboarding.web.app import create_app
from onboarding.web.quotas import Quotas
from tests import builders
from tests.web.asking import whole


def served(ring: Keyring, chosen: Settings | None = None) -> FastAPI:
    """The product's web application, as `onboarding serve` runs it."""
    return create_app(chosen or settings(), ring)


def in_one_moment(app: FastAPI) -> FastAPI:
    """Nobody may ask for more again, however slow the machine is."""
    app.state.quotas = Quotas(settings(), lambda: 0.0)
    return app


@dataclass
class System:
    """A calling system: what it sends, and its key. What the app raises is an answer too."""

    app: ASGIApp
    key: str | None = None
    id: UUID | None = None
    address: str = "127.0.0.1"

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, headers)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """With a name of its own, whatever state the onboarding is in, unless a header says more."""
        return self.send("POST", path, must_haves(path) | headers, json=body)

    def put(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.send("PUT", path, headers, json=body)

    def send(
        self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        """Underscores in header names are hyphens; a given header replaces our own."""
        presented = {"authorization": f"Bearer {self.key}"} if self.key else {}
        sent = [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in (presented | (headers or {})).items()
        ]

        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(
                self.app, raise_app_exceptions=False, client=(self.address, 4711)
            )
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.request(method, path, headers=sent, **content)

        answered = whole(answer())
        kept = "private, no-cache" if path.startswith("/v1/chart") else "no-store"
        wanted = kept if answered.is_success else "no-store"
        found = answered.headers.get("cache-control", "")
        assert (
            not path.startswith("/v1/")
            or path.endswith("openapi.json")
            or found == wanted
            or answered.status_code == 304
        )
        return answered

    def start(self, **body: Any) -> dict[str, Any]:
        """An onboarding of its own, just started."""
        return expect(self.post("/v1/onboardings", {"locale": "en"} | body), 201)

    def fire(self, onboarding: dict[str, Any], event: str, **data: Any) -> dict[str, Any]:
        """The onboarding after an event and the work that it promises."""
        expect(self.post(onboarding["links"]["events"], {"event": event, "data": data}), 200)
        builders.work(UUID(onboarding["id"]))
        return self.look(onboarding)

    def look(self, onboarding: dict[str, Any]) -> dict[str, Any]:
        """The onboarding as it stands now."""
        return expect(self.get(onboarding["links"]["self"]), 200)

    def with_secret(self, connection_type: str = "own_development") -> dict[str, Any]:
        """An onboarding of its own whose secret waits to be revealed."""
        onboarding = self.start(contact={"email": "dev@shop.example"})
        self.fire(onboarding, "choose_type", connection_type=connection_type)
        return self.fire(onboarding, "issue_id")


def must_haves(path: str) -> dict[str, str]:
    """The headers without which nothing is changed."""
    named = {} if path.endswith("/secret-reveal") else {"idempotency_key": str(uuid4())}
    moves = path.endswith(("/events", "/secret-reveal"))
    return named | ({"if_match": "*"} if moves else {})


def a_system(
    app: ASGIApp, scopes: Iterable[str] = access.SCOPES, of: System | None = None
) -> System:
    """A calling system with a key of its own; or another key `of` one that there is."""
    with transaction() as session:
        (owner,) = access.systems(session, str(of.id)) if of else (None,)
        key, text = access.create_api_key(session, "test", scopes, owner)
    return System(app, text, key.id)


def expect(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The JSON of an answer that has this status."""
    assert answer.status_code == status, answer.text
    content: dict[str, Any] = answer.json()
    return content


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The members of a problem, once everything that all problems share has been checked."""
    problem = expect(answer, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert problem["code"] == code
    assert problem["type"] == f"/problems/{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("urn:uuid:")
    return problem
