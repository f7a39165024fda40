"""Whether the broker answers: for those who report it. Whoever serves a request never asks."""

import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Final
from urllib.parse import urlsplit

# Seconds that it has for an answer.
ANSWERS_IN: Final = 2.0


def ping(url: str) -> None:
    """Redis is asked for an answer; of another broker, only whether it listens. Raises what is wrong."""
    parts = urlsplit(url)
    if parts.scheme.startswith("redis"):
        # Celery brings this client; only this look needs it here.
        from redis import Redis  # noqa: PLC0415

        with Redis.from_url(
            url, socket_connect_timeout=ANSWERS_IN, socket_timeout=ANSWERS_IN
        ) as client:
            client.ping()
        return
    default = 5671 if parts.scheme == "amqps" else 5672
    address = (parts.hostname or "127.0.0.1", parts.port or default)
    socket.create_connection(address, timeout=ANSWERS_IN).close()


class Glance:
    """Looks at a broker without waiting for it: whoever is in a hurry takes what is known by then."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._looks = ThreadPoolExecutor(1, thread_name_prefix="broker")
        self._choosing = threading.Lock()
        self._look: Future[bool] | None = None

    def answers(self, patience: float) -> bool:
        """Whether it has answered within so many seconds; of those who ask at once, one looks."""
        with self._choosing:
            if self._look is None or self._look.done():
                self._look = self._looks.submit(self._answers)
            look = self._look
        try:
            return look.result(patience)
        except NotYet:
            return False

    def _answers(self) -> bool:
        try:
            ping(self._url)
        except Exception:  # noqa: BLE001 - whatever it is, the broker cannot be used
            return False
        return True
