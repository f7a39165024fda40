"""The canary: secrets through real services that say all they know while each step fails once; then everything is searched."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
import pytest

from onboarding import db
from tests.faults.breaking import failing, run
from tests.faults.stage import ENDS, Stage, a_stage
from tests.faults.test_crash_points import an_endpoint
from tests.receiving import Receiver
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey
from tests.threats import sinks
from tests.tracing import Collector, a_collector

# Where a process dies with the secret in its hands, or just before and after.
WEB: Final = ("reveal.claimed", "reveal.opened", "transaction.done:4", "reveal.committed")
WORKER: Final = ("secret.hashed", "secret.sealed", "transaction.done:2", "message.failed")
# Tables, and which write to one fails: when it is made, when it is shown, when that is noted.
BROKEN: Final = (("sealed_secrets", 0), ("sealed_secrets", 1), ("secrets", 1), ("transitions", 3))


@dataclass
class Watched:
    """A stage, and all that was seen of it from outside."""

    stage: Stage
    postgres: Postgres
    database: str
    receiver: Receiver
    collector: Collector
    answers: list[bytes] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)
    logs: list[bytes] = field(default_factory=list)

    def restart(self, role: str, crash_at: str = "") -> None:
        """The log of the one before is kept: the next begins a new one."""
        self.logs.append(self.stage.log(role).read_bytes())
        self.stage.restart(role, crash_at)

    def places(self) -> sinks.Contents:
        """Everything that there is, by where it is."""
        run(db.engine(), "CHECKPOINT")
        cluster, folder = self.postgres.cluster, self.stage.system.folder
        metrics = httpx.get(f"{self.stage.system.url}/metrics").content
        return {
            "database files": list(sinks.files(cluster.data)),
            "database log": [cluster.log.read_bytes()],
            "dump": [sinks.dumped(cluster, self.database)],
            "broker": self.commands,
            "logs": [*self.logs, *sinks.files(folder)],
            "mail": [sinks.letter(each) for each in self.stage.smtp.messages],
            "webhooks": [repr(each.headers).encode() + each.body for each in self.receiver.got],
            "metrics": [metrics],
            "traces": self.collector.bodies,
            "processes": list(sinks.processes(*self.stage.processes.values())),
            "answers": self.answers,
        }


@pytest.fixture
def watched(
    postgres: Postgres, postgres_template: str, valkey: Valkey, tmp_path: Path
) -> Iterator[Watched]:
    """Web, worker and relay at debug level; PostgreSQL logs every statement with its values."""
    name = f"canary_{uuid4().hex}"
    url = postgres.create_database(name, postgres_template)
    with a_collector() as collector, closing(Receiver()) as receiver:
        more = {
            "ONBOARDING_LOG_LEVEL": "debug",
            "ONBOARDING_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        roles = ("web", "worker", "relay")
        with a_stage(url, valkey.url, tmp_path, *roles, **more) as stage:
            run(db.engine(), f"ALTER DATABASE {name} SET log_statement = 'all'")
            made = Watched(stage, postgres, name, receiver, collector)
            for role in roles:
                made.restart(role)
            stage.await_answers()
            stage.http.event_hooks = {"response": [lambda got: made.answers.append(got.read())]}
            with listening(valkey, made.commands):
                yield made
    postgres.drop_database(name)


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


def walk_through_everything(watched: Watched) -> list[str]:
    """Journeys on which each step fails once; the secrets that their client was shown."""
    stage = watched.stage
    shown = []
    for role, points in (("web", WEB), ("worker", WORKER)):
        for point in points:
            journey = stage.journey()
            if point == "message.failed":
                stage.smtp.refuse(f"seller-{journey.number}@sample.example", 451)
            watched.restart(role, point)
            with stage.walking(journey) as walk:
                stage.await_death(role, point.partition(":")[0])
                watched.restart(role)
                assert walk.result() == ENDS[journey.type]
            shown += [secret for _, secret in journey.shown]
    for table, after in BROKEN:
        journey = stage.journey()
        with failing(db.engine(), table, times=1, after=after), stage.walking(journey) as walk:
            assert walk.result() == ENDS[journey.type]
        shown += [secret for _, secret in journey.shown]
    return shown


def use_it_well_and_badly(watched: Watched, secret: str) -> None:
    """At the token endpoint: right, in the URL, for another client, cut off, and in a body of the API."""
    http, path = watched.stage.http, watched.stage.journeys[-1].path
    headers = watched.stage.journeys[-1].headers
    client_id = http.get(str(path), headers=headers).json()["client_id"]
    grant = {"grant_type": "client_credentials"}
    for name, value in ((client_id, secret), ("cid_nobody", secret), (client_id, secret[:-1])):
        http.post("/oauth2/token", data=grant, auth=(name, value))
    http.post(f"/oauth2/token?client_secret={secret}", data=grant)
    http.get(f"/v1/onboardings?client_secret={secret}", headers=headers)
    http.post("/oauth2/introspect", data={"token": secret}, auth=(client_id, secret))
    body = {"event": "acknowledge_secret", "data": {"version": secret, "ending": secret}}
    named = headers | {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
    http.post(f"{path}/events", json=body, headers=named)
    http.post("/v1/disclosures", json={"candidates": [{"token": secret}]})


def settled(watched: Watched) -> None:
    """Until all that was promised is done, and what is sent late has been sent."""
    watched.stage.check()
    deadline = time.monotonic() + 30
    while not watched.receiver.got or not watched.collector.bodies:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_t32_a_secret_is_in_the_one_answer_that_shows_it_and_nowhere_else(watched: Watched) -> None:
    an_endpoint(watched.stage, watched.receiver.url)
    secrets = walk_through_everything(watched)
    assert len(secrets) >= len(WEB) + len(WORKER) + len(BROKEN)
    settled(watched)
    use_it_well_and_badly(watched, secrets[-1])
    places = watched.places()
    assert [hits(places, each) for each in secrets] == [{"answers": 1}] * len(secrets)
    # The search has eyes in each place: what must be there is found by the same means.
    journey = watched.stage.journeys[-1]
    onboarding, address = str(journey.path)[-36:], f"seller-{journey.number}@sample.example"
    there = {
        address: {"database files", "database log", "dump", "mail"},
        onboarding: {"webhooks", "answers", "logs"},
        "onboarding": {"broker", "metrics", "traces"},
        "zygote": {"processes"},
    }
    assert set().union(*there.values()) == set(places)
    assert {word: found & {*sinks.hits(places, word)} for word, found in there.items()} == there


def hits(places: sinks.Contents, secret: str) -> dict[str, int]:
    """Of its 43 characters without prefix and checksum: those are known."""
    return sinks.hits(places, secret.rpartition("_")[2][:-6])


@pytest.mark.parametrize(
    "spelling", list(sinks.spellings("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"))
)
@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_the_search_knows_every_spelling(spelling: bytes, before: bytes) -> None:
    secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
    assert sinks.hits({"a log": [before + spelling + b"\n"]}, secret) == {"a log": 1}
