"""Ports for servers that are told where to listen, and that may be killed and started anew."""

import random
import socket
from contextlib import suppress
from typing import Final

from tests.servers.process import ServerFailed

# Bound and deaf. Nobody else is given these while a server that was is down.
_RESERVED: Final[list[socket.socket]] = []


def free_port() -> int:
    """A port of 127.0.0.1 that is the caller's until this process ends, whoever else of the tests asks.

    It is below those that the kernel hands out. A server may listen there, and again after its end:
    each of ours sets SO_REUSEADDR, which lets it in beside a socket that has set it, too, and does not
    listen. Whoever tries for a free port has not set it.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        probe = socket.socket()
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _RESERVED.append(probe)
            return port
        probe.close()
    raise ServerFailed("No free port was found.")
