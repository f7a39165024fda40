"""Posts to somebody else's server without trusting where it is, its speed or its manners.

Its name is resolved once, every address that it stands for is checked, and one of those very
addresses is connected to: a name that leads elsewhere a moment later leads nowhere. Redirects are
not followed, no proxy of the environment is asked, and nothing of an answer is kept but its status.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from queue import Empty, SimpleQueue
from typing import Final

from onboarding import endpoints
from onboarding.endpoints import Rules, Target, Unfit

# Seconds: until it is connected, and for all of it; and bytes of an answer that are read at most.
CONNECTS_WITHIN: Final = 3.0
LASTS: Final = 10.0
READS: Final = 64 * 1024

Resolve = Callable[[str, int], Sequence[str]]


class Failed(Exception):
    """Nobody has answered; `cause` is a stable code."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Postman:
    """How to post: to whom it may be, how names are resolved, and whose certificates count."""

    rules: Rules
    resolve: Resolve
    trust: ssl.SSLContext
    lasts: float = LASTS

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer. Raises Failed."""
        deadline = time.monotonic() + self.lasts
        with _told(), _connected(self, url, deadline) as (target, connection):
            connection.putrequest("POST", target.path, skip_accept_encoding=True)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            # A server that is cut off while it still talks would take it for a failure of ours.
            answer.read(READS)
            if time.monotonic() > deadline:
                raise Failed("timeout")
            return answer.status


def postman(rules: Rules) -> Postman:
    """One for the world as it is."""
    return Postman(rules, resolved, _trust())


def resolved(host: str, port: int) -> list[str]:
    """Every IP address that a name stands for. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@contextmanager
def _told() -> Iterator[None]:
    """Whatever goes wrong has a code, and no text: that may hold what the other side has said."""
    try:
        yield
    except Unfit:
        raise Failed("address_refused") from None
    except TimeoutError:
        raise Failed("timeout") from None
    except ssl.SSLError:
        raise Failed("tls_failed") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise Failed("unreachable") from None


@contextmanager
def _connected(
    postman: Postman, url: str, deadline: float
) -> Iterator[tuple[Target, http.client.HTTPConnection]]:
    target = endpoints.target(url, postman.rules)
    with _dialled(postman, target, deadline) as raw, _cut_off(raw, deadline):
        raw.settimeout(max(deadline - time.monotonic(), 0.01))
        stream = postman.trust.wrap_socket(raw, server_hostname=target.host) if target.tls else raw
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.default_port = 443 if target.tls else 80
        connection.sock = stream
        try:
            yield target, connection
        finally:
            # An answer that could not be read holds on to it; it is closed all the same.
            if (line := stream.detach()) >= 0:
                socket.close(line)


def _dialled(postman: Postman, target: Target, deadline: float) -> socket.socket:
    """Connected to one of those addresses that a name stands for, if all of them may be reached."""
    addresses = _in_time(lambda: postman.resolve(target.host, target.port))
    if not addresses:
        raise Failed("name_unknown")
    if not all(endpoints.may_be_reached(each, postman.rules) for each in addresses):
        raise Unfit("inside")
    until = min(time.monotonic() + CONNECTS_WITHIN, deadline)
    for address in addresses:
        with suppress(OSError):
            waits = max(until - time.monotonic(), 0.01)
            return socket.create_connection((address, target.port), waits)
    raise Failed("unreachable")


def _in_time(resolve: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Nobody can end a look-up; whoever waits for it can."""
    answer: SimpleQueue[Sequence[str]] = SimpleQueue()

    def look_up() -> None:
        found: Sequence[str] = ()
        with suppress(OSError, UnicodeError):
            found = resolve()
        answer.put(found)

    threading.Thread(target=look_up, daemon=True, name="look-up").start()
    try:
        return answer.get(timeout=CONNECTS_WITHIN)
    except Empty:
        raise Failed("name_unknown") from None


@contextmanager
def _cut_off(raw: socket.socket, deadline: float) -> Iterator[None]:
    """A server that sends a byte now and then is never late: so somebody else watches the clock."""
    late = threading.Event()
    # Encryption takes the socket for itself; this is another end of the same line.
    line = raw.dup()

    def hang_up() -> None:
        late.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(deadline - time.monotonic(), 0), hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if late.is_set():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        line.close()


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
