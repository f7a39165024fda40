"""The standard library's client of mail servers, with an end to its patience.

By itself it waits anew for each answer, and for each byte of one: a server that is slow on purpose
or by accident would hold a letter for longer than a worker's turn lasts.
"""

import smtplib
import socket
import time
from ssl import SSLContext
from typing import Any


class Server(smtplib.SMTP):
    """What is sent, and each byte that comes, gets the time that is left."""

    def __init__(self, *args: Any, until: float, **more: Any) -> None:
        # When all must be said, on the monotonic clock; it may be put off for another letter.
        self.until = until
        super().__init__(*args, **more)

    def send(self, s: Any) -> None:
        if self.sock:
            self.sock.settimeout(_left(self.until, self.timeout))
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock:
            self.file = _Lines(self.sock, self)
        return super().getreply()


def connect(
    host: str, port: int, context: SSLContext | None, *, patience: float, until: float
) -> Server:
    """A server that has said hello, in TLS if there is a context.

    It has `patience` seconds for each answer, and `until` then for all of them. Raises OSError.
    """
    if context:
        return _Encrypted(host, port, until=until, timeout=patience, context=context)
    return Server(host, port, until=until, timeout=patience)


class _Encrypted(Server, smtplib.SMTP_SSL):
    """The same, in TLS from the first byte."""


class _Lines:
    """A server's answers: each must come whole within its patience, and before the end."""

    def __init__(self, sock: socket.socket, server: Server) -> None:
        self._sock, self._server = sock, server
        self._rest = b""

    def readline(self, limit: int) -> bytes:
        """Up to the end of a line, or `limit` bytes; empty at the end of the conversation."""
        patience = self._server.timeout
        until = min(self._server.until, time.monotonic() + patience)
        while b"\n" not in self._rest and len(self._rest) < limit:
            self._sock.settimeout(_left(until, patience))
            received = self._sock.recv(4096)
            if not received:
                break
            self._rest += received
        end = min(limit, self._rest.find(b"\n") + 1 or len(self._rest))
        line, self._rest = self._rest[:end], self._rest[end:]
        return line

    def close(self) -> None:
        """The socket is closed by who opened it."""


def _left(until: float, at_most: float) -> float:
    """Seconds until then. Raises TimeoutError: nought would mean not to wait at all."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the mail server takes too long")
    return min(left, at_most)
