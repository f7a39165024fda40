"""How soon work goes on after kill -9: `python -m benchmarks.recovery [--parked N] [--unfinished N]`.

50,000 onboardings are parked and 5,000 messages unfinished. A system is started and killed as a crash
would in the middle of that work, with tasks in hand. Once its supervisor is left, which replaces the
rest; once nothing is, and it is started again, from an interpreter that has loaded nothing. Measured
by the database's clock from the kill, or from the new start: the first task done, the last of those
that were in the middle done again, everything done. With a Celery worker on PostgreSQL, and embedded
on SQLite. What the interpreter takes to load the database's libraries stands beside it.
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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from onboarding import db
from onboarding.ids import new_id
from onboarding.migrations import upgrade
from onboarding.models import Client, Message, Onboarding, Transition
from onboarding.sealing import open_keyring
from tests.servers.folders import server_folder
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.valkey import valkey_server

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
        for measure in (replaced, restarted):
            print(json.dumps(measure(installation)), flush=True)
            seed(0, numbers.unfinished)
    print(json.dumps({"import_sqlalchemy_and_driver_s": loading()}), flush=True)


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


def replaced(installation: Installation) -> dict[str, Any]:
    """All that its supervisor watches is killed with tasks in hand."""
    with running(installation) as system:
        until(under_way)
        held_before = claimed()
        killed_at = clock()
        system.kill_all_but_the_supervisor()
        return report(installation, "replaced", killed_at, held_before)


def restarted(installation: Installation) -> dict[str, Any]:
    """Everything is killed with tasks in hand, and it is started again."""
    with running(installation) as first:
        until(under_way)
        first.kill()
        held = claimed()
    restarted_at = clock()
    with running(installation):
        return report(installation, "started again", restarted_at, held)


def report(
    installation: Installation, how: str, since: datetime, held: list[Any]
) -> dict[str, Any]:
    """Wait until everything is done, and say when what was."""
    left = waiting()
    until(lambda: waiting() == 0)
    after = [at for at in finished_at() if at > since]
    again = [finished_at(one) for one in held]
    ends = [max(at) for at in again if at and max(at) > since]
    return {
        "system": installation.system,
        "how": how,
        "parked": count_of("awaiting_seller"),
        "unfinished_at_the_kill": left,
        "in_the_middle": len(ends),
        "first_task_s": seconds(since, min(after)),
        "last_of_the_middle_s": max((seconds(since, end) for end in ends), default=None),
        "everything_s": seconds(since, max(after)),
    }


def loading() -> float:
    """Seconds that a bare interpreter takes for what every peer on this database has to load."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import sqlalchemy, psycopg"], check=True)
    return round(time.monotonic() - began, 3)


@dataclass
class Running:
    """A started system, in a process group of its own."""

    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def kill_all_but_the_supervisor(self) -> None:
        """The children first: a pool's parent would start new ones."""
        for process in reversed(descendants(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def descendants(process: int) -> list[int]:
    """The processes that come from this one, parents before children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [each for child in map(int, children) for each in (child, *descendants(child))]


@contextmanager
def running(installation: Installation) -> Iterator[Running]:
    started = subprocess.Popen(
        [ONBOARDING, *installation.command],
        env=os.environ | installation.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    system = Running(started)
    try:
        yield system
    finally:
        system.kill()


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


def under_way() -> bool:
    """Some are done, some are in hand."""
    with db.reading() as session:
        generated = Transition.event == "secret_generated"
        recent = Transition.at > db.in_seconds(-1)
        found = session.scalars(select(Transition.at).where(generated, recent).limit(50)).all()
    return len(found) == 50 and in_hand() > 0


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
