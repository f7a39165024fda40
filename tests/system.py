"""The product as it runs in production: PostgreSQL, a broker, and web, worker and relay as processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from onboarding import access, db, registry
from onboarding.sealing import open_keyring
from onboarding.walking import SCOPES
from tests.servers import process
from tests.servers.ports import free_port
from tests.servers.valkey import Valkey

ONBOARDING = Path(sys.executable).with_name("onboarding")


class System:
    """Its processes by role. The test's own process has its database open too."""

    def __init__(self, folder: Path, database_url: str, broker_url: str, **settings: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "ONBOARDING_DATABASE_URL": database_url,
            "ONBOARDING_BROKER_URL": broker_url,
            "ONBOARDING_PORT": str(self.port),
            "ONBOARDING_KEYS_DIR": str(folder / "keys"),
            "ONBOARDING_MAIL_DIR": str(folder / "mail"),
        } | settings
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *roles: str) -> None:
        """Run each role as the command of that name, in a process group of its own."""
        for role in roles:
            log = self.folder / f"{role}.log"
            with environment(self.environment):
                self.running[role] = process.start([ONBOARDING, role], log)

    def wait_until_ready(self, seconds: float = 30) -> None:
        """Wait for the web process. Raises ServerFailed with its last words."""
        deadline = time.monotonic() + seconds
        if not process.answers(self.running["web"], self._is_ready, deadline):
            raise process.failure("The web process", self.folder / "web.log")

    def kill(self, role: str) -> None:
        """End a role with all its children as a crash would: kill -9."""
        victim = self.running.pop(role)
        with suppress(ProcessLookupError):
            os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()

    def stop(self) -> None:
        """End every role in order."""
        for role in list(self.running):
            process.stop(self.running.pop(role), seconds=15)

    def last_words(self) -> str:
        """Who has ended, and what each said last: for the message of an assertion."""
        return "\n".join(
            f"== {role}, ended with {running.poll()}:\n{process.last_words(self.folder / f'{role}.log', 40)}"
            for role, running in self.running.items()
        )

    def create_api_key(self) -> str:
        """The text of a key that may walk every journey."""
        with db.transaction() as session:
            return access.create_api_key(session, "test", SCOPES)[1]

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).is_success
        except httpx.TransportError:
            return False


def named() -> dict[str, str]:
    """The header that a POST needs: a name of its own."""
    return {"Idempotency-Key": str(uuid4())}


@contextmanager
def a_system(database_url: str, broker_url: str, folder: Path, **settings: str) -> Iterator[System]:
    """Everything but the processes: whoever asks starts the roles that they need."""
    (folder / "keys").mkdir(mode=0o700)
    open_keyring(folder / "keys")
    made = System(folder, database_url, broker_url, **settings)
    engine = db.connect(database_url)
    try:
        with db.transaction() as session:
            registry.add_samples(session)
        yield made
    finally:
        made.stop()
        engine.dispose()


@pytest.fixture
def system(postgres_database: str, valkey: Valkey, tmp_path: Path) -> Iterator[System]:
    """A system of this test's own."""
    with a_system(postgres_database, valkey.url, tmp_path) as made:
        yield made


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Processes inherit these; the test's own settings stay as they were."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
