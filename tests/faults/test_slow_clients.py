"""F48: clients that say nothing, or a byte at a time, or too much, hold up nobody else."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from uuid import UUID

import httpx
import pytest

from tests.builders import state_of
from tests.system import System, named

MANY = 300
# What each kind sends before it falls silent; the server waits for more.
UNFINISHED = {
    "nothing": b"",
    "half a line": b"GET /en HT",
    "headers without an end": b"GET /en HTTP/1.1\r\nHost: a\r\nX-One: ",
    "a body without an end": b"POST /v1/onboardings HTTP/1.1\r\nHost: a\r\n"
    b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
    "chunks without an end": b"POST /en/onboardings HTTP/1.1\r\nHost: a\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
}
FLOODS = (
    b"GET /en HTTP/1.1\r\nHost: a\r\nX-One: " + b"a" * 1_000_000,
    b"GET /" + b"a" * 1_000_000,
    b"POST /en HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n" + b"a" * 1_000_000,
    b"\x16\x03\x01" * 100_000,
)
# Hung up; bad request, too large, too long, too many headers.
ANSWERS = {b"", *(f"HTTP/1.1 {status}".encode() for status in (400, 413, 414, 431))}


@pytest.fixture
def served(system: System) -> System:
    system.start("web")
    system.wait_until_ready(60)
    return system


def test_a_journey_goes_on_among_hundreds_of_silent_connections(served: System) -> None:
    key = served.create_api_key()
    with connections(served.port) as open_ones, httpx.Client(base_url=served.url) as http:
        assert len(open_ones) == MANY
        headers = {"Authorization": f"Bearer {key}", "If-Match": "*"}
        for _ in range(20):
            started = http.post(
                "/v1/onboardings", json={"locale": "en"}, headers=headers | named(), timeout=30
            )
            assert started.status_code == 201
            cancel = {"event": "cancel", "data": {}}
            path = started.json()["links"]["events"]
            assert http.post(path, json=cancel, headers=headers | named(), timeout=30).is_success
            assert state_of(UUID(started.json()["id"])) == "cancelled"
            assert http.get("/en", timeout=30).is_success
    assert served.running["web"].poll() is None


def test_who_says_too_much_is_refused_or_hung_up_on(served: System) -> None:
    for flood in FLOODS:
        with (
            socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection,
            suppress(ConnectionError),
        ):
            connection.sendall(flood)
            assert connection.recv(12) in ANSWERS
        assert httpx.get(f"{served.url}/livez", timeout=30).is_success


@contextmanager
def connections(port: int) -> Iterator[list[socket.socket]]:
    """Hundreds, of every kind, that have each said what they say and wait."""
    with ExitStack() as stack:
        opened = []
        for number in range(MANY):
            one = socket.create_connection(("127.0.0.1", port), timeout=30)
            opened.append(stack.enter_context(one))
            one.sendall([*UNFINISHED.values()][number % len(UNFINISHED)])
        yield opened
