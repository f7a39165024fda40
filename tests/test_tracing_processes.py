"""Web and worker as processes: joined by links where traces are on, and free of them where they are off."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.builders import promised
from tests.served import environment
from tests.servers.valkey import Valkey
from tests.system import System, a_system, named
from tests.test_relay import until
from tests.test_tracing import CANARY, EMAIL, only, place
from tests.tracing import Collector, Told, a_collector

OF_TRACES = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "opentelemetry.proto")
OURS = {"onboarding.request", "onboarding.transition", "outbox.publish"}
WITHOUT_THE_EXTRA = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter")):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from workers.cli import main
main()
"""


def begin(system: System) -> httpx.Response:
    """An onboarding that a worker has something to do for."""
    made = httpx.Client(
        base_url=system.url, headers={"authorization": f"Bearer {system.create_api_key()}"}
    )
    with made as http:
        contact = {"email": EMAIL}
        started = http.post(
            "/v1/onboardings", json={"locale": "en", "contact": contact}, headers=named()
        ).json()
        about = {
            "connection_type": "aggregator",
            "aggregator": "Feedwise",
            "credential_mode": "full",
        }
        sent = {"event": "choose_type", "data": about}
        return http.post(started["links"]["events"], json=sent, headers=named() | {"If-Match": "*"})


def task(collector: Collector) -> list[Told]:
    return [each for each in collector.all() if each.name == "task.check_aggregator"]


def test_spans_of_several_processes_are_joined_by_links(
    postgres_database: str, valkey: Valkey, tmp_path: Path
) -> None:
    """Bar O1. FastAPI is told to send its own spans, and does not: they hold addresses."""
    with a_collector() as collector:
        more = {
            "ONBOARDING_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
        }
        with a_system(postgres_database, valkey.url, tmp_path, **more) as system:
            system.start("web", "worker")
            system.wait_until_ready()
            httpx.get(f"{system.url}/{CANARY}?code={CANARY}")
            assert begin(system).status_code == 200
            until(lambda: bool(task(collector)), 60)
        spans = collector.all()
    (did,) = task(collector)
    asked = only([s for s in spans if s.attributes.get("onboarding.event") == "choose_type"])
    published = only([s for s in spans if s.name == "outbox.publish" and s.links == did.links])
    assert did.links == (place(asked),)
    services = (asked.service, published.service, did.service)
    assert services == ("onboarding-web", "onboarding-web", "onboarding-worker")
    assert len({asked.trace, published.trace, did.trace}) == 3
    assert {s.name for s in spans if not s.name.startswith("task.")} == OURS
    assert collector.paths == {"/v1/traces"}
    assert not any(CANARY.encode() in body for body in collector.bodies)


def test_where_traces_are_off_nothing_of_them_is_loaded(
    postgres_database: str, valkey: Valkey, tmp_path: Path
) -> None:
    """FastAPI loads the bare interface, and redis-py the part for metrics; both do nothing with it."""
    said = {"PYTHONPROFILEIMPORTTIME": "1"}
    with a_system(postgres_database, valkey.url, tmp_path, **said) as system:
        system.start("web", "worker")
        system.wait_until_ready()
        assert begin(system).status_code == 200
        until(lambda: not promised("check_aggregator"), 60)
    for role in ("web", "worker"):
        modules = loaded(tmp_path / f"{role}.log")
        assert "onboarding.tracing" in modules
        assert not [each for each in modules if each.startswith(OF_TRACES)]


def loaded(log: Path) -> set[str]:
    lines = log.read_text().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


@pytest.mark.parametrize("command", ["web", "serve", "worker"])
def test_without_the_extra_a_start_says_what_to_install(tmp_path: Path, command: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_EXTRA, command],
        check=False,
        cwd=tmp_path,
        env=environment(ONBOARDING_OTLP_ENDPOINT="http://127.0.0.1:4318"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 2, refused.stderr
    assert "ONBOARDING_OTLP_ENDPOINT" in refused.stderr
    assert "pip install 'onboarding[traces]'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_collector_that_is_away_keeps_nobody_from_working_or_ending(
    postgres_database: str, valkey: Valkey, tmp_path: Path
) -> None:
    away = {"ONBOARDING_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with a_system(postgres_database, valkey.url, tmp_path, **away) as system:
        system.start("web", "worker")
        system.wait_until_ready()
        assert begin(system).status_code == 200
        until(lambda: not promised("check_aggregator"), 60)
        ended = list(system.running.values())
        system.stop()
    assert [process.returncode for process in ended] == [0, 0]
