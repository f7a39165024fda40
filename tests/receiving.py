"""A server of another system, for tests: it keeps what it is sent."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4


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
    """A server that keeps what it is sent, and answers as it is told.

    Its address is its own: another test may still send to somebody who had this port before.
    """

    answer: Callable[[Sent], int] = lambda _: 204
    location: str = ""
    got: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._path = f"/hooks/{uuid4().hex}"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{self._path}?of=tests"

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
                if not self.path.startswith(receiver._path):
                    self.send_error(404)
                    return
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
