"""The product's processes on real servers, one of which can be told where to die; a supervisor's hands are here too."""

import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select, update

from onboarding import access, db
from onboarding.db import reading, transaction
from onboarding.models import ApiKey, Base, Onboarding
from onboarding.sealing import Keyring, open_keyring
from onboarding.walking import SCOPES
from tests.faults import checking
from tests.faults.journeys import Journey
from tests.faults.zygote import Zygote, a_zygote
from tests.servers import process
from tests.servers.postgres import Postgres
from tests.servers.smtp import Smtp, smtp_server
from tests.servers.valkey import Valkey
from tests.system import System, a_system

ENDS = {
    "aggregator": "confirmed",
    "plugin": "confirmed",
    "own_development": "confirmed",
    "legacy_soap": "redirected_to_soap",
    "credentials_only": "credentials_issued",
}
# Seconds for anything that must happen; a machine that has much else to do is slow.
PATIENCE = 90.0


# Those whose processes run, for the report of a test that fails meanwhile.
_OPEN: Final[list["Stage"]] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside what failed stands what the processes have said: they write into files of their own."""
    report = yield
    if report.failed:
        report.sections += [("of the processes", stage.last_words()) for stage in _OPEN]
    return report


@dataclass
class Stage:
    """Processes by role, and the journeys that were begun here."""

    system: System
    zygote: Zygote
    smtp: Smtp
    http: httpx.Client
    key: str
    ring: Keyring
    processes: dict[str, int] = field(default_factory=dict)
    journeys: list[Journey] = field(default_factory=list)

    def start(self, *roles: str, crash_at: str = "") -> None:
        """Run these roles; whoever reaches one of the points first dies there.

        What comes after a dash tells apart two processes of one role.
        """
        for role in roles:
            environment = self.system.environment | {"ONBOARDING_CRASH_AT": crash_at}
            log = self.log(role)
            log.unlink(missing_ok=True)
            self.processes[role] = self.zygote.start(role.partition("-")[0], environment, log)

    def stop(self, *roles: str) -> None:
        """Kill -9, as everywhere here."""
        for role in roles:
            if role in self.processes:
                self.zygote.kill(self.processes.pop(role))

    def restart(self, role: str, crash_at: str = "") -> None:
        self.stop(role)
        self.start(role, crash_at=crash_at)

    def log(self, role: str) -> Path:
        return self.system.folder / f"{role}.log"

    def said(self, role: str) -> list[str]:
        """The crash points at which the processes of a role have died since its start."""
        found = self.log(role).read_text() if self.log(role).exists() else ""
        return re.findall(r"^crash point (\S+)$", found, re.MULTILINE)

    def last_words(self) -> str:
        """What each process has said last, and what went wrong last on the newest journey."""
        said = [
            f"{r}: {process.last_words(self.log(r), 20)}"
            for r in self.processes
            if self.log(r).exists()
        ]
        return "\n".join([*said, *(f"{j.number}: {j.trouble!r}" for j in self.journeys[-1:])])

    def await_death(self, role: str, point: str) -> None:
        """Wait until a process of this role has died there. A point that nobody reaches fails."""
        until(lambda: point in self.said(role), f"no {role} has reached {point}")

    def await_answers(self) -> None:
        until(self._is_ready, "the web process does not get ready")

    def journey(self, kind: str = "own_development") -> Journey:
        """The next one, not begun yet."""
        made = Journey(self.http, self.key, len(self.journeys), kind)
        self.journeys.append(made)
        return made

    @contextmanager
    def walking(self, journey: Journey) -> Iterator[Future[str]]:
        """A journey on its way while the block has its processes killed."""
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(journey.walk, PATIENCE)

    def check(self) -> None:
        """Once all is quiet nothing is wrong, and each journey is one onboarding."""
        until(checking.all_is_quiet, "something is left to be done")
        shown = [each for journey in self.journeys for each in journey.seen]
        assert checking.violations(shown, self.ring) == []
        begun = [f"seller-{j.number}@sample.example" for j in self.journeys if j.path]
        with reading() as session:
            addresses = session.scalars(
                select(Onboarding.contact_email).where(Onboarding.contact_email.like("seller-%"))
            )
            assert sorted(map(str, addresses)) == sorted(begun)

    def _is_ready(self) -> bool:
        with suppress(httpx.TransportError):
            return self.http.get("/readyz", timeout=5).is_success
        return False


@contextmanager
def a_stage(
    database_url: str, broker_url: str, folder: Path, *roles: str, **settings: str
) -> Iterator[Stage]:
    """The roles run, and have written what a process writes at its very first start."""
    with (
        a_zygote() as zygote,
        smtp_server(folder, secure=False) as smtp,
        a_system(
            database_url,
            broker_url,
            folder,
            ONBOARDING_SMTP_URL=smtp.url,
            ONBOARDING_LOG_FORMAT="json",
            **settings,
        ) as system,
        httpx.Client(base_url=system.url, trust_env=False) as http,
    ):
        ring = open_keyring(folder / "keys")
        made = Stage(system, zygote, smtp, http, _a_key_that_is_in_use(), ring)
        _OPEN.append(made)
        try:
            made.start(*roles)
            made.await_answers()
            yield made
        finally:
            _OPEN.remove(made)
            made.stop(*list(made.processes))


@pytest.fixture(scope="module")
def stage(
    postgres: Postgres,
    postgres_template: str,
    shared_valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Web, worker and relay on PostgreSQL and a broker, for all tests of a file."""
    shared_valkey.forget()
    name = f"stage_{uuid4().hex}"
    url = postgres.create_database(name, postgres_template)
    folder = tmp_path_factory.mktemp("stage")
    with a_stage(url, shared_valkey.url, folder, "web", "worker", "relay") as made:
        yield made
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def embedded_stage(sqlite_template: Path, servers_folder: Path) -> Iterator[Stage]:
    """Everything in one process, on SQLite and without a broker."""
    folder = Path(mkdtemp(dir=servers_folder))
    shutil.copy(sqlite_template, folder / "onboarding.db")
    with a_stage(f"sqlite:///{folder / 'onboarding.db'}", "", folder, "serve") as made:
        yield made


def until(condition: Callable[[], bool], otherwise: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def count(table: type[Base]) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _a_key_that_is_in_use() -> str:
    """Its use needs no noting for a while, so that a journey's first transaction is its start."""
    with transaction() as session:
        key, text = access.create_api_key(session, "stage", SCOPES)
        session.flush()
        session.execute(
            update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=db.in_seconds(86400))
        )
    return text
