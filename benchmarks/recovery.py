"""How soon work goes on after kill -9: `python -m benchmarks.recovery [--parked N] [--unfinished N]`.

50,000 onboardings are parked and 5,000 messages unfinished. A system is started, killed as a crash
would in the middle of that work, with tasks in hand, and started again. Measured from the restart,
that is from exec, by the database's clock: the first task done, the last of those that were in the
middle done again, everything done. Once with a Celery worker on PostgreSQL, once embedded on SQLite.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from onboarding import db
from onboarding.db import new_id
from onboarding.migrations import upgrade
from onboarding.models import Client, Message, Onboarding, Transition
from onboarding.sealing import open_keyring
from tests.servers.folders import server_folder
from tests.servers.postgres import Postgres
from tests.servers.valkey import free_port, valkey_server

ONBOARDING = Path(sys.executable).with_name("onboarding")
BATCH = 5_000


@dataclass(frozen=True)
class Installation:
    """A database, and the command that works on it."""

    system: str
    command: tuple[str, ...]
    environment: dict[str, str]


def main() -> None:
    """Print one JSON line for each installation."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--parked", type=int, default=50_000)
    asked.add_argument("--unfinished", type=int, default=5_000)
    numbers = asked.parse_args()
    for installation in installations():
        seed(numbers.parked, numbers.unfinished)
        print(json.dumps(measure(installation)), flush=True)


def installations() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory() as name, server_folder() as servers:
        folder = Path(name)
        open_keyring(folder / "keys")
        settings = {
            "ONBOARDING_KEYS_DIR": str(folder / "keys"),
            "ONBOARDING_MAIL_DIR": str(folder / "mail"),
            "ONBOARDING_LOG_FORMAT": "json",
            "ONBOARDING_PORT": str(free_port()),
        }
        with Postgres.start(servers) as postgres, valkey_server(servers) as valkey:
            url = postgres.create_database("recovery")
            given = {"ONBOARDING_DATABASE_URL": url, "ONBOARDING_BROKER_URL": valkey.url}
            upgrade(db.connect(url))
            yield Installation("celery worker, PostgreSQL", ("worker",), settings | given)
            db.engine().dispose()
        url = f"sqlite:///{folder / 'onboarding.db'}"
        upgrade(db.connect(url))
        given = {"ONBOARDING_DATABASE_URL": url}
        yield Installation("serve, SQLite", ("serve",), settings | given)


def seed(parked: int, unfinished: int) -> None:
    """Onboardings that wait for their seller, and others whose secret is promised."""
    for state, count in (("awaiting_seller", parked), ("issuing_secret", unfinished)):
        for first in range(0, count, BATCH):
            with db.transaction() as session:
                now = db.clock(session)
                ids = [new_id() for _ in range(min(BATCH, count - first))]
                session.execute(insert(Onboarding), [onboarding(one, state, now) for one in ids])
                session.execute(insert(Transition), [step(one, state, now) for one in ids])
                session.execute(insert(Client), [client(one) for one in ids])
                if state == "issuing_secret":
                    session.execute(insert(Message), [message(one, now) for one in ids])


def measure(installation: Installation) -> dict[str, Any]:
    """Kill it with tasks in hand, start it again, and see when what is done."""
    with running(installation) as first:
        until(lambda: done() > 100 and in_hand() > 0)
        first.kill()
        left, held = waiting(), claimed()
        killed_at = clock()
    restarted_at = clock()
    with running(installation):
        until(lambda: waiting() == 0)
    after = [at for at in finished_at() if at > restarted_at]
    again = [finished_at(one) for one in held]
    return {
        "system": installation.system,
        "parked": count_of("awaiting_seller"),
        "unfinished_at_the_kill": left,
        "in_the_middle": len(held),
        "killed_to_restarted_s": seconds(killed_at, restarted_at),
        "first_task_s": seconds(restarted_at, min(after)),
        "last_of_the_middle_s": max(
            (seconds(restarted_at, max(ends)) for ends in again if ends), default=None
        ),
        "everything_s": seconds(restarted_at, max(after)),
    }


@dataclass
class Running:
    """A started system, in a process group of its own."""

    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(installation: Installation) -> Iterator[Running]:
    started = subprocess.Popen(
        [ONBOARDING, *installation.command],
        env=os.environ | installation.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Running(started)
    finally:
        if started.poll() is None:
            started.terminate()
            started.wait(30)


def until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it never came to that")
        time.sleep(0.01)


def onboarding(one: Any, state: str, now: datetime) -> dict[str, Any]:
    return {
        "id": one,
        "reference": f"ONB-{one.hex[-10:-5].upper()}-{one.hex[-5:].upper()}",
        "state": state,
        "sequence": 1,
        "rule_set": "benchmark",
        "connection_type": "plugin",
        "answers": {},
        "locale": "en",
        "created_at": now,
        "entered_at": now,
        "wakes_at": now + timedelta(days=7) if state == "awaiting_seller" else None,
        "reminders": 0,
    }


def step(one: Any, state: str, now: datetime) -> dict[str, Any]:
    return {
        "onboarding_id": one,
        "sequence": 1,
        "event": "start",
        "source": None,
        "target": state,
        "actor_kind": "api",
        "actor_id": "benchmark",
        "at": now,
        "rule_set": "benchmark",
        "details": {},
    }


def client(one: Any) -> dict[str, Any]:
    return {"id": f"cid_{one.hex[-22:]}", "onboarding_id": one}


def message(one: Any, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "onboarding_id": one,
        "sequence": 1,
        "task": "generate_secret",
        "about": {},
        "created_at": now,
        "due_at": now,
        "max_attempts": 8,
    }


def clock() -> datetime:
    with db.reading() as session:
        return db.clock(session)


def done() -> int:
    with db.reading() as session:
        generated = Transition.event == "secret_generated"
        return session.scalar(select(func.count()).select_from(Transition).where(generated)) or 0


def waiting() -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def in_hand() -> int:
    with db.reading() as session:
        taken = Message.claimed_by.is_not(None)
        return session.scalar(select(func.count()).select_from(Message).where(taken)) or 0


def claimed() -> list[Any]:
    with db.reading() as session:
        taken = Message.claimed_by.is_not(None)
        return list(session.scalars(select(Message.onboarding_id).where(taken)))


def finished_at(onboarding_id: Any = None) -> list[datetime]:
    query = select(Transition.at).where(Transition.event == "secret_generated")
    if onboarding_id is not None:
        query = query.where(Transition.onboarding_id == onboarding_id)
    with db.reading() as session:
        return list(session.scalars(query))


def count_of(state: str) -> int:
    with db.reading() as session:
        there = Onboarding.state == state
        return session.scalar(select(func.count()).select_from(Onboarding).where(there)) or 0


def seconds(since: datetime, until: datetime) -> float:
    return round((until - since).total_seconds(), 3)


if __name__ == "__main__":
    main()
