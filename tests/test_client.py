"""The Python client: what it sends, what it repeats, and what it never does twice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import access
from onboarding.client import Client, Problem, Unreachable
from onboarding.db import transaction
from onboarding.sealing import Keyring
from tests import builders
from tests.serving import serving
from tests.web.calling import served

EMAIL = "dev@shop.example"
CANCELLED = "onboarding.cancelled"


@pytest.fixture
def client(database: Engine, ring: Keyring) -> Iterator[Client]:
    """A client of our own service, with a key that may do everything."""
    with transaction() as session:
        _, key = access.create_api_key(session, "test", access.SCOPES)
    with serving(served(ring)) as url, Client(url, key) as made:
        yield made


def test_a_journey_by_the_client(client: Client) -> None:
    started = client.start(email=EMAIL, connection_name="Corner Shop sync")
    chosen = client.fire(started, "choose_type", {"connection_type": "credentials_only"})
    assert (chosen.state, chosen.waiting_on, chosen.has_ended) == ("type_chosen", "seller", False)
    (due,) = client.requirements(chosen.id).currently_due
    assert (due.code, due.waiting_on) == ("issue_id", "seller")
    assert client.fire(chosen, "issue_id").state == "issuing_secret"
    builders.work(UUID(chosen.id))
    ready = client.show(chosen.id)
    secret = client.reveal_secret(ready)
    assert (secret.client_id, secret.version) == (ready.client_id, 1)
    assert secret.client_secret not in repr(secret)
    ended = client.acknowledge(ready.id, secret)
    assert (ended.state, ended.has_ended) == ("credentials_issued", True)
    assert [step.event for step in client.history(ended.id)] == [
        "start",
        "choose_type",
        "issue_id",
        "secret_generated",
        "reveal_secret",
        "acknowledge_secret",
    ]
    with pytest.raises(Problem) as refused:
        client.reveal_secret(ended)
    assert (refused.value.status, refused.value.code) == (409, "event_not_allowed")
    assert refused.value.facts["allowed_events"] == []


def test_an_old_look_moves_nothing(client: Client) -> None:
    started = client.start()
    client.fire(started, "choose_type", {"connection_type": "plugin"})
    with pytest.raises(Problem) as refused:
        client.fire(started, "cancel")
    assert (refused.value.code, refused.value.retryable) == ("stale", False)


def test_a_list_is_read_to_its_end_and_a_start_is_started_once(client: Client) -> None:
    keys = ["order-1", "order-2", "order-3", "order-1"]
    ids = [client.start(idempotency_key=key).id for key in keys]
    assert ids[0] == ids[3]
    assert [each.id for each in client.list(limit="2")] == [ids[2], ids[1], ids[0]]
    assert [*client.list(state="cancelled")] == []


def test_a_link_leads_a_seller_on_and_who_waits_is_told_what_moved(client: Client) -> None:
    started = client.start()
    assert "/resume/" in client.continue_link(started.id)
    assert client.wait(started, seconds=0) == started
    builders.handle(UUID(started.id), "cancel")
    assert client.wait(started).state == "cancelled"


def test_who_waits_for_one_that_is_late_waits(client: Client) -> None:
    started = client.start()
    builders.age(UUID(started.id), timedelta(days=8))
    late = client.wait(started, seconds=0)
    assert late is not started
    assert client.wait(late, seconds=0) is late
    assert client.fire(late, "cancel").state == "cancelled"


def test_who_does_not_answer_is_unreachable() -> None:
    away = Client("http://127.0.0.1:9", "onbk_x", rest=lambda _: None)
    with away, pytest.raises(Unreachable):
        away.show("1")


def test_the_client_needs_no_web_framework_and_no_database() -> None:
    heavy = "fastapi", "starlette", "sqlalchemy", "pydantic", "onboarding.errors"
    loaded = f"import sys, onboarding.client; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"


Answer = tuple[int, dict[str, str], dict[str, Any]] | None
DONE: dict[str, Any] = {
    "id": "1",
    "reference": "ONB-1",
    "state": "started",
    "sequence": 7,
    "connection_type": None,
    "credential_mode": None,
    "client_id": None,
    "seller": None,
    "next_move": {"whom": "seller"},
    "allowed_events": [],
}
LATER = {"code": "busy", "retryable": True}


class Scripted:
    """A server that answers as it was told, request by request; None: it hangs up."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.heard: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""


@contextmanager
def scripted(*answers: Answer) -> Iterator[Scripted]:
    script = Scripted([*answers])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            sent = {name.lower(): value for name, value in self.headers.items()}
            script.heard.append((self.command, self.path, sent))
            answer = script.answers.pop(0)
            if answer is None:
                self.close_connection = True
                return
            status, headers, body = answer
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """The test says what is heard."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


def calling(server: Scripted) -> Client:
    return Client(server.url, "onbk_x", rest=lambda _: None)


def test_what_is_safe_is_sent_again_under_the_same_key() -> None:
    rests: list[float] = []
    answers: list[Answer] = [
        (200, {}, DONE),
        None,
        (503, {"retry-after": "5"}, LATER),
        (429, {"retry-after": "3600"}, LATER),
        (200, {}, DONE | {"sequence": 8}),
    ]
    with scripted(*answers) as server, Client(server.url, "onbk_x", rest=rests.append) as client:
        assert client.fire(client.show("1"), "cancel", wait=20).sequence == 8
    fired = server.heard[1:]
    assert {path for _, path, _ in fired} == {"/v1/onboardings/1/events"}
    assert len({headers["idempotency-key"] for _, _, headers in fired}) == 1
    assert {headers["if-match"] for _, _, headers in fired} == {'"7"'}
    assert {headers["prefer"] for _, _, headers in fired} == {"wait=20"}
    assert {headers["authorization"] for _, _, headers in fired} == {"Bearer onbk_x"}
    assert 0 < rests[0] <= 0.4
    assert rests[1:] == [5.0, 60.0]


def test_a_secret_is_never_asked_for_twice() -> None:
    for broken in (None, (503, {"retry-after": "1"}, LATER)):
        with scripted((200, {}, DONE), broken) as server, calling(server) as client:
            seen = client.show("1")
            with pytest.raises((Problem, Unreachable)):
                client.reveal_secret(seen)
        _, path, headers = server.heard[-1]
        assert len(server.heard) == 2
        assert path.endswith("/secret-reveal")
        assert headers["if-match"] == '"7"'
        assert "idempotency-key" not in headers


@pytest.mark.parametrize(
    ("status", "members"),
    [
        (503, {"code": "outcome_unknown", "retryable": False}),
        (409, {"code": "moved_on", "retryable": False}),
        (500, {"code": "crashed", "retryable": False}),
    ],
)
def test_what_would_not_help_is_not_repeated(status: int, members: dict[str, Any]) -> None:
    with (
        scripted((status, {"retry-after": "1"}, members)) as server,
        calling(server) as client,
        pytest.raises(Problem) as refused,
    ):
        client.start()
    assert (refused.value.code, len(server.heard)) == (members["code"], 1)


def test_it_gives_up_after_some_tries() -> None:
    with (
        scripted(*[(503, {}, LATER)] * 4) as server,
        calling(server) as client,
        pytest.raises(Problem),
    ):
        client.show("1")
    assert server.answers == []


def test_events_are_read_page_by_page_and_on_from_there(client: Client) -> None:
    ids = [client.start().id for _ in range(3)]
    builders.handle(UUID(ids[0]), "cancel")
    told = [(each.subject, each.type) for each in client.events(limit="2")]
    assert told == [*((its_id, "onboarding.started") for its_id in ids), (ids[0], CANCELLED)]
    page = client.event_page(limit="3")
    assert (len(page.items), page.more) == (3, True)
    assert [each.type for each in client.events(after=page.next)] == [CANCELLED]
    some = client.events(type=["onboarding.expired", CANCELLED])
    assert [each.subject for each in some] == [ids[0]]
