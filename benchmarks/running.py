"""A run over 10,000 onboardings, carried out: `python -m benchmarks.running [--onboardings 10000]`.

On PostgreSQL, with a broker and two workers as processes. All get more time, at the greatest pace that
there is, with a rest in the middle that somebody asks for; then so many incidents as a fifth of them
are tried again. Told: how long looking took and how many rows it wrote; how long the run took, how
many items had begun when the rest was asked for and how many followed; what a worker does in a second
within a slice; that each item has its outcome and its row in the trail; what the checker finds.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, func, insert, select

from benchmarks.console import rows_written
from benchmarks.recovery import BATCH, ONBOARDING, client, message, onboarding, step
from onboarding import db, invariants, runs
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.migrations import upgrade
from onboarding.models import AuditEntry, Client, Message, Onboarding, Run, RunItem, Transition
from onboarding.operators import Who
from onboarding.previews import Preview
from onboarding.sealing import Keyring, open_keyring
from tests.acting import a_lead
from tests.at_runs import AT_ONCE, begin, look, outcomes, steer, the_run
from tests.servers.folders import server_folder
from tests.servers.postgres import postgres_server
from tests.servers.valkey import valkey_server

SLICE = 200
LONG = 900


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--onboardings", type=int, default=runs.AT_MOST)
    count = asked.parse_args().onboardings
    with tempfile.TemporaryDirectory() as name, server_folder() as servers:
        folder = Path(name)
        ring = open_keyring(folder / "keys")
        with postgres_server(servers) as postgres, valkey_server(servers) as valkey:
            url = postgres.create_database("running")
            engine = db.connect(url)
            upgrade(engine)
            given = {
                "ONBOARDING_DATABASE_URL": url,
                "ONBOARDING_BROKER_URL": valkey.url,
                "ONBOARDING_KEYS_DIR": str(folder / "keys"),
                "ONBOARDING_MAIL_DIR": str(folder / "mail"),
            }
            fill(count)
            print(json.dumps({"onboardings": count, **measured(engine, ring, given, count)}))


def fill(count: int) -> None:
    """Those who are at the start, and a fifth as many whose secret could not be made."""
    for first in range(0, count, BATCH):
        with transaction() as session:
            now = db.clock(session)
            ids = [new_id() for _ in range(min(BATCH, count - first))]
            session.execute(insert(Onboarding), [_at_the_start(one, now) for one in ids])
            session.execute(insert(Transition), [step(one, "started", now) for one in ids])
    with transaction() as session:
        now = db.clock(session)
        ids = [new_id() for _ in range(count // 5)]
        waiting = [
            onboarding(one, "issuing_secret", now)
            | {"sequence": 3, "contact_email": "ada@shop.example", "contact_verified_at": now}
            for one in ids
        ]
        session.execute(insert(Onboarding), waiting)
        session.execute(
            insert(Transition), [each for one in ids for each in _to_its_client(one, now)]
        )
        session.execute(insert(Client), [client(one) for one in ids])
        failed = {"sequence": 3, "failed_at": now, "cause": "task_failed", "attempts": 8}
        session.execute(insert(Message), [message(one, now) | failed for one in ids])


def measured(engine: Engine, ring: Keyring, given: dict[str, str], count: int) -> dict[str, Any]:
    who = a_lead()
    found_before = len(list(invariants.violations()))
    with rows_written(engine) as written:
        began = time.perf_counter()
        chosen = look(who, "extend", "7", state="started")
        looking = time.perf_counter() - began
    with two_workers(given):
        extended = _extended(ring, who, chosen, count)
        retried = _retried(ring, who)
    found = [str(each) for each in invariants.violations()]
    return {
        "preview_s": round(looking, 2),
        "rows_written_by_preview": written[1] - written[0],
        "extend": extended,
        "retry": retried,
        "checker_before": found_before,
        "checker_after": len(found),
        "first_found": found[:3],
    }


def _extended(ring: Keyring, who: Who, chosen: Preview, count: int) -> dict[str, Any]:
    began = time.perf_counter()
    number = begin(ring, who, chosen, AT_ONCE)
    beginning = time.perf_counter() - began
    until(lambda: _tried(number) >= count // 4)
    asked = time.perf_counter()
    steer(ring, who, "pause", number)
    pausing = time.perf_counter() - asked
    at_the_pause = _tried(number)
    # Longer than three slices take at this pace.
    time.sleep(8)
    after = _tried(number)
    rested = time.perf_counter() - asked
    steer(ring, who, "resume", number)
    until(lambda: the_run(number).ended_at is not None)
    took = time.perf_counter() - began - rested
    return {
        "begin_s": round(beginning, 2),
        "pause_s": round(pausing, 3),
        "begun_at_the_pause": at_the_pause,
        "begun_after_it": after - at_the_pause,
        **_told(number, took),
    }


def _retried(ring: Keyring, who: Who) -> dict[str, Any]:
    began = time.perf_counter()
    number = begin(ring, who, look(who, "retry", failing="yes"), AT_ONCE)
    until(lambda: the_run(number).ended_at is not None)
    return _told(number, time.perf_counter() - began)


def _told(number: int, took: float) -> dict[str, Any]:
    run = the_run(number)
    counts = outcomes(number)
    in_trail = select(func.count()).where(
        AuditEntry.action == run.action,
        AuditEntry.outcome == "done",
        AuditEntry.onboarding_id.is_not(None),
    )
    with reading() as session:
        rows = session.scalar(in_trail)
    return {
        "status": run.status,
        "seconds": round(took, 1),
        "items_per_s": round(sum(counts.values()) / took, 1),
        "within_a_slice_per_s": round(_rate(run)),
        "outcomes": counts,
        "rows_in_the_trail": rows,
    }


def _rate(run: Run) -> float:
    """Items a second while a worker is at a slice; between two of them the pace has it rest."""
    item = select(RunItem.at).where(RunItem.run_id == run.id, RunItem.at.is_not(None))
    with reading() as session:
        times = [at for at in session.scalars(item.order_by(RunItem.position)) if at]
    parts = [times[n : n + SLICE] for n in range(0, len(times) - SLICE + 1, SLICE)]
    return median((len(one) - 1) / (max(one) - min(one)).total_seconds() for one in parts)


def until(condition: Callable[[], bool]) -> None:
    """Asked seldom: whoever looks takes the time of those who work."""
    deadline = time.monotonic() + LONG
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it never came to that")
        time.sleep(0.5)


def _tried(number: int) -> int:
    counts = outcomes(number)
    return sum(counts.values()) - counts.get("waiting", 0)


@contextmanager
def two_workers(given: dict[str, str]) -> Iterator[None]:
    command = [ONBOARDING, "worker"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen(command, env=os.environ | given, **quiet) for _ in range(2)]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for each in started:
            each.terminate()
        for each in started:
            each.wait()


def _at_the_start(one: Any, now: Any) -> dict[str, Any]:
    made = onboarding(one, "started", now)
    return made | {"connection_type": None, "wakes_at": now + timedelta(days=7)}


def _to_its_client(one: Any, now: Any) -> list[dict[str, Any]]:
    return [
        step(one, "started", now),
        step(one, "type_chosen", now)
        | {"sequence": 2, "event": "choose_type", "source": "started"},
        step(one, "issuing_secret", now)
        | {"sequence": 3, "event": "issue_id", "source": "type_chosen"}
        | {"details": {"client_id": client(one)["id"]}},
    ]


if __name__ == "__main__":
    main()
