"""Credentials under load: `python -m benchmarks.rotation [--minutes 10] [--clients 60] [--webs 2]`.

First, how many tokens the token endpoint gives a second. Then clients ask for tokens and call `whoami`
all the time, while the secret of each is replaced again and again: a new one is made, taken over by the
calls, and the old one ended. Printed: calls, those that were refused although their secret was valid, and
how long each process still took a secret that was ended. Anything refused makes the exit code 1.
"""

import argparse
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final
from uuid import uuid4

import httpx

from benchmarks.journeys.__main__ import POSTGRES, disk
from benchmarks.journeys.clients import quantile
from benchmarks.journeys.measuring import processor_time
from benchmarks.through_http import PATIENCE, a_key, prepared, started
from onboarding.client import Client, Problem
from tests.servers.postgres import Postgres
from tests.servers.valkey import valkey_server

RATE_SECONDS: Final = 10.0
# Who calls all the time; and how often the secret of one client may be replaced in a day.
CALLERS: Final = 8
A_DAY: Final = 2
NO_LIMITS: Final = {"ONBOARDING_TOKENS_PER_MINUTE": "1000000"}


@dataclass
class Credentials:
    """Of one client: the secret that its calls use, and how many use which of its secrets right now."""

    onboarding_id: str
    client_id: str
    secret: str
    version: int = 1
    in_flight: Counter[str] = field(default_factory=Counter)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def used(self) -> Iterator[str]:
        with self.changed:
            secret = self.secret
            self.in_flight[secret] += 1
        try:
            yield secret
        finally:
            with self.changed:
                self.in_flight[secret] -= 1
                self.changed.notify_all()

    def take_over(self, secret: str) -> str:
        """Calls use this one from now on; the one before, once none of them does."""
        with self.changed:
            old, self.secret = self.secret, secret
            self.version += 1
            self.changed.wait_for(lambda: not self.in_flight[old], PATIENCE)
        return old


@dataclass
class Told:
    """What came of it."""

    calls: int = 0
    rotations: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    taken_for: list[float] = field(default_factory=list)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=10.0)
    asked.add_argument("--clients", type=int, default=60)
    asked.add_argument("--webs", type=int, default=2)
    given = asked.parse_args()
    with (
        disk() as folder,
        Postgres.start(folder, **POSTGRES) as postgres,
        valkey_server(folder) as valkey,
    ):
        environment = prepared(folder, postgres.create_database("rotation"), valkey.url)
        key = a_key()
        with started(given.webs, environment | NO_LIMITS) as (processes, urls):
            all_of = [issued(urls[0], key) for _ in range(given.clients)]
            pids = [each.pid for each in processes[1:]]
            print(json.dumps(rate(urls, all_of, pids)), flush=True)
            told = rotated(urls, key, all_of, given.minutes * 60)
    print(json.dumps(summary(told)))
    sys.exit(bool(told.refused))


def issued(url: str, key: str) -> Credentials:
    """An onboarding for credentials only, to its end."""
    with Client(url, key) as client:
        seen = client.start(email="seller@shop.example")
        seen = client.fire(seen, "choose_type", {"connection_type": "credentials_only"})
        seen = client.fire(seen, "issue_id")
        while seen.state == "issuing_secret":
            seen = client.wait(seen)
        secret = client.reveal_secret(seen)
        client.acknowledge(seen.id, secret)
    return Credentials(seen.id, secret.client_id, secret.client_secret)


def rate(urls: list[str], all_of: list[Credentials], pids: list[int]) -> dict[str, Any]:
    """Tokens a second, each after the secret was verified, and ms of the web's processor time for one."""
    until, spread = time.monotonic() + RATE_SECONDS, cycle(urls)
    before, began = processor_time(pids), time.perf_counter()

    def ask(url: str, whose: Credentials) -> int:
        with httpx.Client(base_url=url) as line:
            count = 0
            while time.monotonic() < until:
                _token(line, whose.client_id, whose.secret).raise_for_status()
                count += 1
        return count

    with ThreadPoolExecutor(CALLERS) as pool:
        tokens = sum(pool.map(ask, [next(spread) for _ in range(CALLERS)], all_of))
    took, used = time.perf_counter() - began, processor_time(pids) - before
    return {"tokens_per_s": round(tokens / took, 1), "web_cpu_ms": round(1000 * used / tokens, 2)}


def rotated(urls: list[str], key: str, all_of: list[Credentials], seconds: float) -> Told:
    """Each as often as one may be replaced in a day, spread over the time."""
    told, until = Told(), time.monotonic() + seconds
    due = iter([each for _ in range(A_DAY) for each in all_of])
    rest = seconds / (A_DAY * len(all_of))
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        under_way = [
            pool.submit(_call, urls, all_of[number::CALLERS], told, until)
            for number in range(CALLERS)
        ]
        under_way.append(pool.submit(_rotate, urls, key, due, rest, told, until))
        for each in under_way:
            each.result()
    return told


def summary(told: Told) -> dict[str, Any]:
    late = sorted(told.taken_for)
    return {
        "calls": told.calls,
        "rotations": told.rotations,
        "refused_although_valid": dict(told.refused),
        "ended_secret_taken_for_ms": {
            "p50": round(1000 * quantile(late, 0.5), 1),
            "max": round(1000 * late[-1], 1),
        },
    }


def _call(urls: list[str], all_of: list[Credentials], told: Told, until: float) -> None:
    """A token, and a call with it, of one client after the other, at one process after the other."""
    lines, clients = cycle([httpx.Client(base_url=url) for url in urls]), cycle(all_of)
    while time.monotonic() < until:
        line, whose = next(lines), next(clients)
        with whose.used() as secret:
            answer = _token(line, whose.client_id, secret)
            if answer.is_success:
                token = {"authorization": f"Bearer {answer.json()['access_token']}"}
                answer = line.get("/v1/whoami", headers=token)
        told.calls += 1
        if not answer.is_success:
            told.refused[f"{answer.status_code} {answer.text[:200]}"] += 1


def _rotate(
    urls: list[str], key: str, due: Iterator[Credentials], rest: float, told: Told, until: float
) -> None:
    lines = [httpx.Client(base_url=url, timeout=PATIENCE) for url in urls]
    for whose in due:
        if time.monotonic() > until:
            return
        began = time.monotonic()
        _replace(lines, urls[0], key, whose, told)
        time.sleep(max(0.0, min(began + rest, until) - time.monotonic()))


def _replace(lines: list[httpx.Client], url: str, key: str, whose: Credentials, told: Told) -> None:
    path = f"/v1/onboardings/{whose.onboarding_id}/client/secrets"
    signed = {"authorization": f"Bearer {key}"}
    once = signed | {"idempotency-key": str(uuid4())}
    lines[0].post(path, json={"overlap_days": 7}, headers=once).raise_for_status()
    ended = whose.version
    old = whose.take_over(_revealed(url, key, whose.onboarding_id))
    # The new one has to have been used before the old one can be ended.
    _token(lines[0], whose.client_id, whose.secret).raise_for_status()
    lines[-1].delete(f"{path}/{ended}", headers=signed).raise_for_status()
    over = time.perf_counter()
    for line in lines:
        while _token(line, whose.client_id, old).is_success:
            pass
        told.taken_for.append(time.perf_counter() - over)
    told.rotations += 1


def _revealed(url: str, key: str, onboarding_id: str) -> str:
    """The new secret, as soon as a worker has made it."""
    with Client(url, key) as client:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return client.reveal_secret(client.show(onboarding_id)).client_secret
            except Problem as problem:
                if problem.code != "event_not_allowed" or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def _token(line: httpx.Client, client_id: str, secret: str) -> httpx.Response:
    return line.post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)
    )


if __name__ == "__main__":
    main()
