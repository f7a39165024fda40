"""A post goes where a name stands for at that moment, and to nobody who is inside; nobody holds it up."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from onboarding import posting
from onboarding.endpoints import Rules
from onboarding.posting import Failed, Postman
from tests.receiving import Receiver
from tests.servers.certificate import write_certificate
from tests.test_endpoints import HERE, INSIDE, OUT_THERE

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


def postman(
    *addresses: str, rules: Rules = HERE, trust: ssl.SSLContext | None = None, lasts: float = 10.0
) -> Postman:
    """One to whom every name stands for these addresses."""
    return Postman(rules, lambda *_: addresses, trust or ssl.create_default_context(), lasts)


def cause(postman: Postman, url: str) -> str:
    with pytest.raises(Failed) as failed:
        postman.post(url, {}, b"{}")
    return failed.value.cause


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_stands_for_what_is_inside_is_not_connected_to(address: str) -> None:
    rules = Rules(frozenset({443}))
    assert cause(postman(address, rules=rules), "https://hooks.example/") == "address_refused"


def test_every_address_of_a_name_counts() -> None:
    mixed = postman("8.8.8.8", "10.0.0.1", rules=OUT_THERE)
    assert cause(mixed, "https://hooks.example/") == "address_refused"


def test_a_name_is_asked_for_once_and_that_address_is_connected_to(tmp_path: Path) -> None:
    """T16. A name that leads elsewhere a moment later leads nowhere else."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    certificate = write_certificate(tmp_path / "tls")
    with talking(lambda line: line.sendall(ANSWER), certificate) as (port, heard):
        trust = ssl.create_default_context(cafile=certificate)
        post = Postman(HERE, rebinding, trust).post
        assert post(f"https://localhost:{port}/a?b=c", {"webhook-id": "evt_1"}, b"{}") == 204
    assert asked == ["localhost"]
    request = b"".join(heard)
    assert request.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert f"\r\nHost: localhost:{port}\r\n".encode() in request


def test_a_certificate_for_another_name_is_not_accepted(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "tls")
    trust = ssl.create_default_context(cafile=certificate)
    rules = Rules(frozenset(range(1 << 16)), this_machine=True)
    with talking(lambda line: line.sendall(ANSWER), certificate) as (port, heard):
        stranger = postman("127.0.0.1", rules=rules, trust=trust)
        assert cause(stranger, f"https://hooks.example:{port}/") == "tls_failed"
        assert cause(postman("127.0.0.1"), f"https://localhost:{port}/") == "tls_failed"
    assert heard == []


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, proxy = Receiver(), Receiver()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert postman("127.0.0.1").post(receiver.url, {}, b"{}") == 204
    assert (len(receiver.got), proxy.got) == (1, [])
    receiver.close()
    proxy.close()


def says(*, first: bytes = b"", then: bytes = b"") -> Callable[[socket.socket], None]:
    """A server that says something at once, and then something else byte by byte, if at all."""

    def behave(line: socket.socket) -> None:
        line.sendall(first)
        while then:
            line.sendall(then)
            threading.Event().wait(0.05)

    return behave


BAD: dict[str, tuple[Callable[[socket.socket], object], str]] = {
    "says nothing": (says(), "timeout"),
    "sends its headers byte by byte": (
        says(first=b"HTTP/1.1 200 OK\r\nX: ", then=b"x"),
        "timeout",
    ),
    "sends its body byte by byte": (
        says(first=b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", then=b"x"),
        "timeout",
    ),
    "hangs up": (lambda line: line.close(), "unreachable"),
    "speaks no HTTP": (says(first=b"220 mail ESMTP\r\n" * 9), "unreachable"),
    "sends endless headers": (
        says(first=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9999),
        "unreachable",
    ),
}


@pytest.mark.parametrize("how", BAD)
def test_a_server_without_manners_is_left_in_time(how: str) -> None:
    """T17."""
    behave, expected = BAD[how]
    with talking(behave) as (port, _):
        hasty = postman("127.0.0.1", lasts=0.5)
        assert cause(hasty, f"http://127.0.0.1:{port}/") == expected


def test_one_that_says_nothing_when_it_should_encrypt_is_left_too(tmp_path: Path) -> None:
    with talking(says()) as (port, _):
        hasty = postman("127.0.0.1", lasts=0.5)
        assert cause(hasty, f"https://127.0.0.1:{port}/") == "timeout"


def test_of_an_endless_answer_little_is_read() -> None:
    """T17."""
    sent = 0

    def endless(line: socket.socket) -> None:
        nonlocal sent
        line.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 999999999\r\n\r\n"
        )
        while True:
            sent += line.send(b"x" * 65536)

    with talking(endless) as (port, _):
        assert postman("127.0.0.1").post(f"http://127.0.0.1:{port}/", {}, b"{}") == 200
    assert sent < 32 * 1024 * 1024


def test_nobody_waits_for_a_name_that_nobody_answers_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "CONNECTS_WITHIN", 0.2)
    done = threading.Event()

    def never(host: str, port: int) -> Sequence[str]:
        done.wait(20)
        return []

    lost = Postman(HERE, never, ssl.create_default_context())
    assert cause(lost, "https://localhost/") == "name_unknown"
    done.set()
    assert cause(postman(), "https://localhost/") == "name_unknown"


def test_where_nobody_listens_nobody_is_reached() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert cause(postman("127.0.0.1"), f"http://127.0.0.1:{port}/") == "unreachable"


@contextmanager
def talking(
    behave: Callable[[socket.socket], object], certificate: Path | None = None
) -> Iterator[tuple[int, list[bytes]]]:
    """A server that does this with whoever calls; its port, and what it has heard."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate:
        context.load_cert_chain(certificate, certificate.with_name("key.pem"))

    def talk(line: socket.socket) -> None:
        try:
            if certificate:
                line = context.wrap_socket(line, server_side=True)
            heard.append(line.recv(65536))
            behave(line)
            line.settimeout(5)
            # A request may come in pieces: the line stays open until the other side hangs up.
            while line.recv(65536):
                pass
        except OSError:
            return
        finally:
            line.close()

    def accept() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=[line], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1], heard
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
