"""Receivers of events for tests: a server of another system, and endpoints that lead to it."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from onboarding import access, endpoints, events, webhooks
from onboarding.access import Actor
from onboarding.db import UTCDateTime, later, reading, transaction
from onboarding.models import Delivery, Webhook
from onboarding.settings import settings
from onboarding.webhooks import Endpoint
from tests import builders
from workers.webhooks import note_events, promise_deliveries


@dataclass(frozen=True)
class Sent:
    """One post as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def place(self) -> tuple[str, int]:
        data = json.loads(self.body)["data"]
        return data["onboarding_id"], data["sequence"]


@dataclass
class Receiver:
    """A server that keeps what it is sent, and answers as it is told."""

    answer: Callable[[Sent], int] = lambda _: 204
    location: str = ""
    got: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hooks?of=tests"

    @property
    def taken(self) -> list[Sent]:
        """What it has taken, in the order in which it came."""
        return [each for each in self.got if self.answer(each) < 300]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                sent = Sent(headers, self.rfile.read(length))
                receiver.got.append(sent)
                self.send_response(receiver.answer(sent))
                if receiver.location:
                    self.send_header("location", receiver.location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """It says nothing."""

        return Handler


@cache
def one_for_all() -> Receiver:
    """For tests to which it does not matter what arrives."""
    return Receiver()


def an_owner() -> UUID:
    """A calling system."""
    with transaction() as session:
        return access.create_api_key(session, "test", access.SCOPES)[0].id


def an_endpoint(url: str, owner: UUID | None = None, **said: Any) -> UUID:
    """An endpoint that hears of whatever happens from now on."""
    owner = owner or an_owner()
    with transaction() as session:
        rules = endpoints.rules(settings())
        ring, base = builders.keyring(), settings().base_url
        return webhooks.add(session, ring, owner, Endpoint(url, **said), rules, base).id


def the_endpoint(webhook_id: UUID) -> Webhook:
    with reading() as session:
        return session.get_one(Webhook, webhook_id)


def owner_of(webhook_id: UUID) -> UUID:
    return the_endpoint(webhook_id).owner_id


def started_by(owner: UUID, state: str = "started") -> UUID:
    """An onboarding of this system, and that much of its way behind it."""
    with transaction() as session:
        made = builders.start(session, api_key_id=owner).id
    if state == "type_chosen":
        with transaction() as session:
            choose(session, made)
    return made


def choose(session: Any, onboarding_id: UUID) -> None:
    data = {"connection_type": "plugin"}
    events.handle(session, onboarding_id, "choose_type", Actor("api", "key:tests"), data)


def deliveries(*which: Any) -> list[Delivery]:
    """What is noted down, in the order in which it happened."""
    with reading() as session:
        query = select(Delivery).where(*which).order_by(Delivery.onboarding_id, Delivery.sequence)
        return [*session.scalars(query)]


def sweep(times: int = 1) -> int:
    """Note down, promise and send, as often as that; what was promised."""
    promised = 0
    for _ in range(times):
        while note_events().more:
            pass
        promised += promise_deliveries().done
        builders.work()
    return promised


def deliver_all(most: int = 200) -> None:
    """Until nothing is due any more."""
    for _ in range(most):
        if not sweep():
            return
    raise AssertionError("deliveries without an end")


def let_pass(time: timedelta) -> None:
    """As if all that was noted, tried or left alone had been so much earlier."""
    with transaction() as session:
        for table in (Delivery, Webhook):
            columns = [c for c in table.__table__.columns if isinstance(c.type, UTCDateTime)]
            earlier = {c.name: later(c, -time.total_seconds()) for c in columns}
            session.execute(update(table).values(earlier))


def a_delivery() -> None:
    """One thing to be sent, promised."""
    webhook_id = an_endpoint(one_for_all().url)
    started_by(owner_of(webhook_id))
    note_events()
    promise_deliveries()
