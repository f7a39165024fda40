"""The broker stopped, slow, half-open, resetting, full or forgetful (F17, F18, F19): nobody waits for it, and all that waits is done once it is back."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine

from onboarding import outbox
from onboarding.sealing import Keyring
from tests.faults.journeys import ENDS, Journey
from tests.faults.write_paths import REQUESTS
from tests.servers.fault_proxy import FaultProxy, fault_proxy
from tests.servers.folders import server_folder
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey
from tests.system import ONBOARDING, System, a_system, named
from tests.web.answering import furnished
from workers.app import build
from workers.publisher import CeleryPublisher

# Liveness bounds. What waits at a line that is half open lets go of it within eleven seconds; that
# no request waits for the broker at all is shown by the last test of this file.
SECONDS = 30
PATIENCE = 10
AWAY = "the broker does not answer: tasks wait until it does"


@dataclass
class Broken:
    """A broker and the proxy before it; the product knows the proxy only."""

    valkey: Valkey
    proxy: FaultProxy

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.proxy.port}/0"

    def stop(self) -> None:
        self.valkey.kill()
        self.proxy.hang_up()

    def heal(self) -> None:
        self.proxy.heal()
        if self.valkey.process.poll() is not None:
            self.valkey.launch()
        self._limit("0", "noeviction")

    def fill(self, policy: str) -> None:
        """No memory left: it refuses what comes, or throws away what it holds."""
        self._limit("1", policy)

    def _limit(self, memory: str, policy: str) -> None:
        with self.valkey.client() as client:
            client.config_set("maxmemory-policy", policy)
            client.config_set("maxmemory", memory)


FAULTS: dict[str, Callable[[Broken], object]] = {
    "stopped": Broken.stop,
    "slow": lambda broken: broken.proxy.delay(2),
    "half-open": lambda broken: broken.proxy.swallow(),
    "resets": lambda broken: broken.proxy.reset(),
    "full": lambda broken: broken.fill("noeviction"),
    "evicts": lambda broken: broken.fill("allkeys-random"),
}


@pytest.fixture(scope="module")
def broken() -> Iterator[Broken]:
    """A broker of this file's own."""
    with server_folder() as folder, Valkey.start(folder) as valkey:
        port = urlsplit(valkey.url).port
        assert port
        with fault_proxy(port) as proxy:
            yield Broken(valkey, proxy)


@pytest.fixture(scope="module")
def system(
    broken: Broken,
    postgres: Postgres,
    postgres_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    name = f"broker_{uuid4().hex}"
    url = postgres.create_database(name, postgres_template)
    with a_system(url, broken.url, tmp_path_factory.mktemp("system")) as made:
        made.start("web", "worker")
        made.wait_until_ready(SECONDS)
        yield made
    postgres.drop_database(name)


@pytest.fixture
def http(system: System, broken: Broken) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.url, timeout=PATIENCE, trust_env=False) as client:
        yield client
    broken.heal()


@pytest.mark.parametrize("fault", FAULTS)
def test_requests_are_answered_and_all_journeys_end(
    system: System, broken: Broken, http: httpx.Client, fault: str
) -> None:
    key = system.create_api_key()
    kinds = ("own_development", "aggregator")
    journeys = [Journey(http, key, hash(fault) + n, kind) for n, kind in enumerate(kinds)]
    FAULTS[fault](broken)
    waiting = [_waits_for_a_task(http, key, kind) for kind in kinds]
    ready = http.get("/readyz", timeout=10)
    assert ready.status_code == 200, "no load balancer takes it away"
    if fault in {"stopped", "slow", "half-open", "resets"}:
        assert ready.json()["status"] == "degraded"
        assert ready.json()["checks"]["broker"] == AWAY
    broken.heal()
    with ThreadPoolExecutor(2) as pool:
        states = [*pool.map(lambda journey: journey.walk(SECONDS), journeys)]
    assert set(states) <= ENDS, system.last_words()
    _wait_until_they_have_moved(system, http, key, waiting)


def _waits_for_a_task(http: httpx.Client, key: str, kind: str) -> str:
    """An onboarding that has promised a task; each of the calls is answered in time."""
    headers = {"Authorization": f"Bearer {key}", "If-Match": "*"}
    body = {"locale": "en", "contact": {"email": "a@sample.example"}}
    made = http.post("/v1/onboardings", json=body, headers=headers | named())
    assert made.status_code == 201
    path = str(made.json()["links"]["self"])
    aggregator = {"aggregator": "Feedwise", "credential_mode": "full"}
    data = {"connection_type": kind} | (aggregator if kind == "aggregator" else {})
    for event, told in (("choose_type", data), ("issue_id", {})):
        answer = http.post(
            f"{path}/events", json={"event": event, "data": told}, headers=headers | named()
        )
        assert answer.status_code in {200, 409}
    return path


def _wait_until_they_have_moved(
    system: System, http: httpx.Client, key: str, paths: list[str]
) -> None:
    """What was promised meanwhile is done by the sweep, with nobody's help."""
    headers = {"Authorization": f"Bearer {key}"}
    deadline = time.monotonic() + SECONDS
    ours = {"issuing_secret", "checking_aggregator"}
    while ours & {http.get(path, headers=headers).json().get("state") for path in paths}:
        assert time.monotonic() < deadline, system.last_words()
        time.sleep(0.1)


def test_doctor_names_a_broker_that_is_away(system: System, broken: Broken) -> None:
    broken.stop()
    try:
        said = subprocess.run(
            [ONBOARDING, "doctor", "--json"],
            env={"PATH": str(ONBOARDING.parent)} | system.environment,
            cwd=system.folder,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        broken.heal()
    checks = {check["name"]: check for check in map(json.loads, said.stdout.splitlines())}
    assert checks["broker"]["ok"] is False
    assert "tasks wait, nothing is lost" in checks["broker"]["found"]
    assert checks["database"]["ok"] is True


def test_no_thread_of_a_request_ever_speaks_to_the_broker(
    postgresql: Engine, ring: Keyring, valkey: Valkey
) -> None:
    """Whoever connects is told by Python itself: only the publisher's own thread does."""
    port = urlsplit(valkey.url).port
    callers: set[str] = set()

    def note(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "socket.connect" and arguments[1][1:2] == (port,):
            callers.add(threading.current_thread().name)

    sys.addaudithook(note)
    site = furnished(ring)
    celery = build(valkey.url)
    publisher = CeleryPublisher(celery)
    attempts = [REQUESTS[path](site) for path in ("start", "issue_id", "page client ID")]
    outbox.publish_with(publisher.publish)
    assert {attempt.try_it() for attempt in attempts} <= {200, 201, 303}
    outbox.publish_with(None)
    publisher.close()
    celery.close()
    assert callers == {"publisher"}
