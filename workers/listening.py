"""The socket of the web server, and a sentence for every reason why there is none."""

import errno
import socket
import time
from typing import Final

from onboarding.commands.exits import USAGE, Failure

# Connections that wait to be accepted.
BACKLOG: Final = 2048
# Seconds that a port may still be taken: a predecessor that was just killed lets go a moment later.
PATIENCE: Final = 1.0


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens already. Raises Failure for a port that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm only where the protocol is named: 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        _bind(listener, (host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from None
    return listener


def _bind(listener: socket.socket, address: tuple[str, int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return listener.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _cannot_listen(host: str, port: int, error: OSError) -> Failure:
    advice = "Set ONBOARDING_PORT to another one, or stop what listens there."
    if error.errno == errno.EADDRINUSE:
        return Failure(f"Port {port} is taken.", advice)
    if error.errno == errno.EACCES:
        return Failure(f"Port {port} may not be used by this user.", advice)
    return Failure(
        f"ONBOARDING_HOST holds {host!r}, where this machine cannot listen: {error.strerror}.",
        "Use 127.0.0.1 for this machine only, or 0.0.0.0 for everybody.",
        USAGE,
    )
