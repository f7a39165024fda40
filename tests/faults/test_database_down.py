"""PostgreSQL stopped, killed, restarted, or a standby by mistake (F22, F27): said honestly, and over without a restart of ours."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url, select

from onboarding import db
from onboarding.commands import records
from onboarding.ids import new_id
from onboarding.migrations import upgrade
from onboarding.models import Message
from tests.faults.journeys import ENDS, Journey
from tests.servers.folders import server_folder
from tests.servers.postgres import Postgres, conninfo
from tests.servers.valkey import Valkey
from tests.system import System, a_system, named
from workers.tasks import TASKS

ROLES = ("web", "worker", "relay")
HERE = "/fr/onboardings/01910000-0000-7000-8000-000000000000"
PAGES = ("/en", "/fr/", "/en/connections", HERE, "/metrics")
CALLS = ("/v1/onboardings", "/v1/aggregators", "/v1/onboardings/0191-x/history")
SECONDS = 60


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL of this file's own, to be stopped."""
    with server_folder() as folder, Postgres.start(folder) as running:
        yield running


@pytest.fixture(scope="module")
def system(
    server: Postgres, shared_valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """One system for all of this file: what it survives, the next test goes on with."""
    url = server.create_database("down")
    upgrade(db.connect(url))
    with a_system(url, shared_valkey.url, tmp_path_factory.mktemp("system")) as made:
        made.start(*ROLES)
        made.wait_until_ready(SECONDS)
        yield made


@pytest.fixture(scope="module")
def key(system: System) -> str:
    return system.create_api_key()


@pytest.fixture
def http(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.url, timeout=10, trust_env=False) as client:
        yield client


def wait_until(http: httpx.Client, status: int) -> None:
    """Wait until it says of itself that it is ready, or that it is not."""
    deadline = time.monotonic() + SECONDS
    while http.get("/readyz").status_code != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_everybody_hears_that_the_database_is_away_and_then_it_goes_on(
    server: Postgres, system: System, http: httpx.Client, key: str
) -> None:
    before = Journey(http, key, 1, "own_development")
    assert before.walk(SECONDS) == "confirmed"
    server.kill()
    check_outage(http, key)
    server.restart()
    wait_until(http, 200)
    after = Journey(http, key, 2, "own_development")
    assert after.walk(SECONDS) == "confirmed", "web, worker and relay have all come back"
    assert all(role.poll() is None for role in system.running.values()), "none had to be restarted"


def check_outage(http: httpx.Client, key: str) -> None:
    assert http.get("/livez").status_code == 200
    ready = http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"] == "the database does not answer"
    for path in CALLS:
        answer = http.get(path, headers={"Authorization": f"Bearer {key}"})
        assert (path, answer.status_code, answer.json()["code"]) == (path, 503, "unavailable")
        assert answer.headers["retry-after"]
    headers = {"Authorization": f"Bearer {key}"} | named()
    sent = http.post("/v1/onboardings", json={"locale": "en"}, headers=headers)
    assert sent.status_code == 503
    visitor = {"Cookie": "onboarding=x"}
    for path in PAGES:
        answer = http.get(path, headers=visitor)
        assert (path, answer.status_code) == (path, 503)
        assert answer.headers["retry-after"]
    assert "ne répond pas" in http.get("/fr/connections").text
    form = http.post(
        f"/fr/onboardings/{new_id()}/cancel", headers=visitor | {"Sec-Fetch-Site": "same-origin"}
    )
    assert form.status_code == 503


def test_a_standby_by_mistake_is_read_only_until_it_is_promoted(
    server: Postgres, http: httpx.Client, key: str
) -> None:
    """F27: the server that the URL names has become a standby, as after a failover gone wrong."""
    headers = {"Authorization": f"Bearer {key}"} | named()
    assert http.get("/v1/onboardings", headers=headers).status_code == 200
    server.kill()
    (server.cluster.data / "standby.signal").touch()
    server.restart()
    ready = http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (
        503,
        "the database is read-only",
    )
    sent = http.post("/v1/onboardings", json={"locale": "en"}, headers=headers)
    assert (sent.status_code, sent.json()["code"]) == (503, "read_only")
    looked = http.get("/v1/onboardings", headers=headers)
    assert looked.status_code == 200, looked.text
    with psycopg.connect(conninfo(make_url(server.url("postgres"))), autocommit=True) as operator:
        operator.execute("SELECT pg_promote()")
    wait_until(http, 200)
    assert http.post("/v1/onboardings", json={"locale": "en"}, headers=headers).status_code == 201


def test_restarts_under_load_lose_nothing(server: Postgres, http: httpx.Client, key: str) -> None:
    """F22: immediate shutdowns in the middle of journeys."""
    types = ["own_development", "aggregator", "credentials_only", "plugin"] * 4
    journeys = [Journey(http, key, 100 + number, kind) for number, kind in enumerate(types)]
    with ThreadPoolExecutor(8) as pool:
        walks = [pool.submit(journey.walk, 2 * SECONDS) for journey in journeys]
        restarts = 0
        while restarts < 4 and not all(walk.done() for walk in walks):
            server.kill()
            server.restart()
            restarts += 1
            time.sleep(1)
        states = [walk.result() for walk in walks]
    assert restarts > 1
    assert set(states) <= ENDS
    shown = [(j.path, version) for j in journeys for version, _ in j.shown]
    assert len(shown) == len(set(shown)), "no version of a secret was shown twice"
    wait_for_the_last_messages()
    with db.reading() as session:
        findings = [check for check in records.checks(session, TASKS) if check.do]
    assert findings == []


def wait_for_the_last_messages() -> None:
    deadline = time.monotonic() + SECONDS
    left = True
    while left:
        with db.reading() as session:
            left = session.scalars(select(Message.id)).first() is not None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_logs_hold_no_crash(system: System, tmp_path: Path) -> None:
    """An outage is told as what it is: no 500, no trace of a request."""
    assert "crashed" not in (system.folder / "web.log").read_text()
