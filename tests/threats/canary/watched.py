"""A stage whose every word is kept, and what there is to be searched in the end."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from onboarding import db
from tests.faults.stage import Stage, until
from tests.receiving import Receiver
from tests.servers.valkey import Valkey
from tests.threats.canary import sinks
from tests.tracing import Collector

# What makes processes say all they know.
LOUD = {"ONBOARDING_LOG_LEVEL": "debug", "OTEL_BSP_SCHEDULE_DELAY": "100"}


@dataclass
class Watched:
    """A stage, and all that was seen of it from outside."""

    stage: Stage
    receiver: Receiver
    collector: Collector
    # Of the database, and of whatever else this stage runs on.
    of_its_servers: Callable[[], Mapping[str, Iterable[bytes]]]
    answers: list[bytes] = field(default_factory=list)
    terminal: list[bytes] = field(default_factory=list)
    processes: list[bytes] = field(default_factory=list)
    logs: list[bytes] = field(default_factory=list)

    def restart(self, role: str, crash_at: str = "") -> None:
        self.stop(role)
        self.stage.start(role, crash_at=crash_at)

    def stop(self, *roles: str) -> None:
        """What they have said is kept: whoever is started next begins a new log."""
        self.stage.stop(*roles)
        for role in roles:
            # One that is not there is of a process that had no time to say anything.
            if self.stage.log(role).exists():
                self.logs.append(self.stage.log(role).read_bytes())

    def client(self, **more: object) -> httpx.Client:
        """Somebody whose answers are kept."""
        made = httpx.Client(base_url=self.stage.system.url, trust_env=False, timeout=30, **more)  # type: ignore[arg-type]
        return self.listens_to(made)

    def listens_to(self, client: httpx.Client) -> httpx.Client:
        client.event_hooks = {"response": [lambda got: self.answers.append(got.read())]}
        return client

    def settled(self) -> None:
        """Wait until all that was promised is done, and what is sent late has been sent."""
        self.stage.check()
        until(lambda: bool(self.receiver.got), "no webhook was sent")
        until(lambda: bool(self.collector.bodies), "no trace was sent")

    def places(self) -> dict[str, list[bytes]]:
        """Everything that there is, by where it is.

        A process that closes a file gives up its locks on it, SQLite's too: nobody here has it open.
        """
        db.engine().dispose()
        stage = self.stage
        folder = stage.system.folder
        here = {
            "logs": [*self.logs, *(path.read_bytes() for path in folder.glob("*.log"))],
            "folder": sinks.files(folder),
            "mail": [sinks.letter(each) for each in stage.smtp.messages],
            "webhooks": [repr(each.headers).encode() + each.body for each in self.receiver.got],
            "metrics": [httpx.get(f"{stage.system.url}/metrics").content],
            "traces": self.collector.bodies,
            "processes": [*self.processes, *sinks.processes(*stage.processes.values())],
            "terminal": self.terminal,
            "answers": self.answers,
        }
        return {name: [*pieces] for name, pieces in {**here, **self.of_its_servers()}.items()}


@contextmanager
def listening(valkey: Valkey, heard: list[bytes]) -> Iterator[None]:
    """Every command that the broker is given meanwhile."""
    over = threading.Event()
    with valkey.client() as client, client.monitor() as monitor:

        def listen() -> None:
            while not over.is_set():
                if monitor.connection.can_read(timeout=0.1):
                    heard.append(monitor.connection.read_response(disable_decoding=True))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def hits(places: sinks.Contents, secret: str) -> dict[str, int]:
    """Of its 43 characters without prefix and checksum: those are known."""
    return sinks.hits(places, secret.rpartition("_")[2][:-6])
