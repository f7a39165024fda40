"""The standard library's client of mail servers, with an end to its patience.

By itself it waits anew for each answer, and for each byte of one: a server that is slow on purpose
or by accident would hold a letter for longer than a worker's turn lasts.
"""

import smtplib
import socket
import time
from ssl import SSLContext
from typing import Any


def connect(
    host: str, port: int, context: SSLContext | None, *, patience: float, in_all: float
) -> smtplib.SMTP:
    """A server that has said hello, in TLS if there is a context.

    It has `patience` seconds for each answer, and so many `in_all`. Raises OSError.
    """
    ends_at = time.monotonic() + in_all
    if context:
        return _Encrypted(host, port, ends_at=ends_at, timeout=patience, context=context)
    return _Plain(host, port, ends_at=ends_at, timeout=patience)


class _Plain(smtplib.SMTP):
    """What is sent, and each byte that comes, gets the time that is left."""

    def __init__(self, *args: Any, ends_at: float, **more: Any) -> None:
        self._ends_at = ends_at
        super().__init__(*args, **more)

    def send(self, s: Any) -> None:
        if self.sock:
            self.sock.settimeout(_left(self._ends_at, self.timeout))
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock:
            self.file = _Lines(self.sock, self._ends_at, self.timeout)
        return super().getreply()


class _Encrypted(_Plain, smtplib.SMTP_SSL):
    """The same, in TLS from the first byte."""


class _Lines:
    """A server's answers: each must come whole within `patience` seconds, and before the end."""

    def __init__(self, sock: socket.socket, ends_at: float, patience: float) -> None:
        self._sock, self._ends_at, self._patience = sock, ends_at, patience
        self._rest = b""

    def readline(self, limit: int) -> bytes:
        """Up to the end of a line, or `limit` bytes; empty at the end of the conversation."""
        ends_at = min(self._ends_at, time.monotonic() + self._patience)
        while b"\n" not in self._rest and len(self._rest) < limit:
            self._sock.settimeout(_left(ends_at, self._patience))
            received = self._sock.recv(4096)
            if not received:
                break
            self._rest += received
        end = min(limit, self._rest.find(b"\n") + 1 or len(self._rest))
        line, self._rest = self._rest[:end], self._rest[end:]
        return line

    def close(self) -> None:
        """The socket is closed by who opened it."""


def _left(ends_at: float, at_most: float) -> float:
    """Seconds until then. Raises TimeoutError: nought would mean not to wait at all."""
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the mail server takes too long")
    return min(left, at_most)
