"""Everything dies all the time, for thousands of kills; then there is quiet, and all must be well.

    python -m tests.faults.chaos --database postgresql --kills 5000

A parent forks web, workers and relays, each of which may kill itself at every crash point; others are
killed from outside, the broker forgets everything, the mail folder goes away and PostgreSQL restarts
without a shutdown. Once there were enough kills, what was under way has `--patience` seconds to come
to its end. It prints its figures as JSON, and ends with 1 if anything is wrong.
"""

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from onboarding import db, redelivery
from onboarding.crash_points import POINTS
from onboarding.db import transaction
from onboarding.errors import Unavailable
from onboarding.models import Message
from onboarding.settings import settings
from tests.faults import arriving, checking
from tests.faults.nursery import Nursery
from tests.faults.place import Place, a_place
from tests.faults.roles import ROLES, rehearse
from tests.faults.visitors import Visitor
from tests.servers.postgres import Postgres

CHILDREN = {
    "postgresql": [
        ("web", 0),
        ("web", 1),
        ("worker", 0),
        ("worker", 1),
        ("worker", 2),
        ("relay", 0),
        ("relay", 1),
    ],
    "sqlite": [("everything", 0), ("everything", 1)],
}
# Who has another authorization server has no tokens of ours: `test_authorization_server` has those.
# No keys get old meanwhile: `test_crash_points` has those.
ELSEWHERE = {"server.told", "server.revoked", "keyring.made", "keyring.destroyed"}
# One message stands for all that an endpoint is to be told, so few workers come by, and nobody waits for
# one to: `test_crash_points` and `test_crash_points_embedded` kill there as often as they are asked to.
FEW_COME_BY = {"delivery.sent", "delivery.noted"}
# Without a broker nothing is sent to one.
ABSENT = {"postgresql": ELSEWHERE, "sqlite": ELSEWHERE | {"publish.begun", "publish.sent"}}
# How likely a process dies where it comes by often, by now and then, and seldom.
OFTEN, SOMETIMES, SELDOM = 1.0, 3.0, 5.0
WEIGHTS = {
    "start.recorded": SOMETIMES,
    "secret.hashed": SOMETIMES,
    "secret.sealed": SOMETIMES,
    "reveal.claimed": SOMETIMES,
    "reveal.opened": SOMETIMES,
    "reveal.committed": SOMETIMES,
    "message.failed": 4 * SELDOM,
    "sweep.marked": SOMETIMES,
    "sweep.committed": SOMETIMES,
    "clock.locked": 4 * SELDOM,
    "inbound.applied": SOMETIMES,
    "delivery.sent": 2 * SELDOM,
    "delivery.noted": 4 * SELDOM,
}
# There, several messages are taken by one statement, and only one that comes alone passes the point.
WEIGHTS_OF = {"postgresql": WEIGHTS | {"message.claimed": 4 * SELDOM}, "sqlite": WEIGHTS}
# After how many deaths somebody is killed from outside, the broker loses everything, the mail
# folder goes away, and PostgreSQL restarts: a slow machine has as many faults for as much work.
KILL_EVERY, FLUSH_EVERY, MAIL_EVERY, RESTART_EVERY = 8, 20, 15, 120
# And an operator looks after what has killed eight workers in a row.
RETRY_EVERY = 10
MAIL_AWAY = 0.4


class Chaos:
    """One run: its children, the servers that it disturbs, and what it has counted."""

    def __init__(
        self, options: argparse.Namespace, place: Place, postgres: Postgres | None
    ) -> None:
        self.options, self.place, self.postgres = options, place, postgres
        self.draw = random.Random(options.seed)
        self.points = sorted(set(POINTS) - ABSENT[options.database])
        weights = WEIGHTS_OF[options.database]
        chances = {p: min(options.chance * weights.get(p, OFTEN), 0.9) for p in self.points}
        self.nursery = Nursery(self._live, chances, place.folder / "log")
        self.flushes = self.restarts = self.mail_losses = self.retried = 0

    def run(self) -> dict[str, Any]:
        """Faults, then quiet; returns the figures, violations included."""
        began = time.monotonic()
        for role, slot in CHILDREN[self.options.database]:
            self.nursery.add(role, slot)
        self._faults(began + self.options.at_most)
        faults = time.monotonic() - began
        arrived, under_way = self._arrived(), self._under_way()
        self.nursery.calm_down()
        self.place.closed.touch()
        quiet = self._until(self._is_quiet, self.options.patience)
        # Of events that nobody could be told of meanwhile there may be thousands.
        told = self._until(checking.all_is_quiet, 4 * self.options.patience)
        self.nursery.end()
        return self._figures(faults, quiet, told, arrived, under_way)

    def _faults(self, deadline: float) -> None:
        """Until every point has killed often enough, and all together have."""
        kinds = {
            self._kill: KILL_EVERY,
            self._lose_mail: MAIL_EVERY,
            self._retry: RETRY_EVERY,
        }
        if self.postgres:
            kinds |= {self._flush: FLUSH_EVERY, self._restart: RESTART_EVERY}
        due = {fault: every * self.draw.uniform(0.5, 1) for fault, every in kinds.items()}
        while not self._enough() and time.monotonic() < deadline:
            for _ in range(20):
                self.nursery.look()
                time.sleep(0.002)
            for fault, at in due.items():
                if self.nursery.died >= at:
                    fault()
                    due[fault] += kinds[fault] * self.draw.uniform(0.7, 1.3)

    def _enough(self) -> bool:
        deaths = self.nursery.deaths()
        kills = deaths.total() + self.nursery.killed_from_outside
        return kills >= self.options.kills and not self._rare(deaths)

    def _rare(self, deaths: dict[str, int]) -> list[str]:
        """Points that have not killed often enough."""
        often = [point for point in self.points if point not in FEW_COME_BY]
        return [point for point in often if deaths.get(point, 0) < self.options.each]

    def _until(self, all_is_well: Callable[[], bool], patience: float) -> float | None:
        """How many seconds it takes; None: longer than it may."""
        began = time.monotonic()
        while time.monotonic() < began + patience:
            self.nursery.look()
            self._retry()
            with suppress(DBAPIError):
                if all_is_well():
                    return time.monotonic() - began
            time.sleep(0.05)
        return None

    def _is_quiet(self) -> bool:
        """No journey is under way, and nothing waits that one of them has promised."""
        return not self._under_way() and not arriving.waiting()

    def _retry(self) -> None:
        """As an operator would: what has killed eight workers in a row was not to blame."""
        with suppress(DBAPIError, Unavailable), transaction() as session:
            died = Message.cause == "worker_died"
            for message_id in session.scalars(select(Message.id).where(died)).all():
                self.retried += redelivery.retry(session, message_id)

    def _kill(self) -> None:
        self.nursery.kill_one(self.draw)

    def _flush(self) -> None:
        with redis.Redis.from_url(self.place.celery.conf.broker_url) as client:
            client.flushall()
        self.flushes += 1

    def _lose_mail(self) -> None:
        """Where the folder was is a file, for a moment."""
        folder = settings().mail_dir
        aside = folder.with_name("mail-aside")
        folder.mkdir(exist_ok=True)
        folder.rename(aside)
        with suppress(FileExistsError):
            folder.touch(exist_ok=False)
        until = time.monotonic() + MAIL_AWAY
        while time.monotonic() < until:
            self.nursery.look()
            time.sleep(0.002)
        if folder.is_file():
            folder.unlink()
        for letter in aside.iterdir():
            folder.mkdir(exist_ok=True)
            letter.rename(folder / letter.name)
        aside.rmdir()
        self.mail_losses += 1

    def _restart(self) -> None:
        """What PostgreSQL calls an immediate shutdown: no process says good-bye."""
        assert self.postgres is not None
        self.postgres.cluster.stop(signal.SIGQUIT)
        self.postgres.cluster.launch()
        self.restarts += 1

    def _live(self, role: str, slot: int) -> None:
        ROLES[role](self.place, slot)

    def _arrived(self) -> int:
        return sum(1 for _ in self.place.arrived.iterdir())

    def _under_way(self) -> int:
        return sum(1 for _ in self.place.under_way.iterdir())

    def _figures(
        self,
        faults: float,
        quiet: float | None,
        told: float | None,
        arrived: int,
        under_way: int,
    ) -> dict[str, Any]:
        deaths = self.nursery.deaths()
        return {
            "database": self.options.database,
            "kills": deaths.total() + self.nursery.killed_from_outside,
            "kills_at_points": dict(sorted(deaths.items())),
            "kills_from_outside": self.nursery.killed_from_outside,
            "flushes": self.flushes,
            "postgresql_restarts": self.restarts,
            "mail_losses": self.mail_losses,
            "seconds_of_faults": round(faults, 1),
            "onboardings": arrived + under_way,
            "ended_under_faults": arrived,
            "incidents_retried": self.retried,
            "seconds_to_quiet": None if quiet is None else round(quiet, 1),
            "seconds_until_all_is_told": None if told is None else round(told, 1),
            "violations": self._violations(deaths, quiet, told, arrived),
        }

    def _violations(
        self, deaths: dict[str, int], quiet: float | None, told: float | None, arrived: int
    ) -> list[str]:
        # Who does nothing does nothing wrong.
        found = [f"{it} has killed {deaths.get(it, 0)} times" for it in self._rare(deaths)]
        found += self.nursery.wrong_ends
        if quiet is None:
            found += [f"no quiet after {self.options.patience} s", *arriving.held_up()]
        if told is None:
            found += ["endpoints were not told of everything", *arriving.held_up()]
        if arrived < self.options.kills / 20:
            found += [f"only {arrived} journeys ended while there were faults"]
        visitors = [*self._visitors()]
        found += arriving.wrong(visitors, self.place)
        shown = [(v.id, *each) for v in visitors for each in v.shown if v.id]
        return found + checking.violations(shown, self.place.ring)

    def _visitors(self) -> Iterator[Visitor]:
        for folder in (self.place.under_way, self.place.arrived):
            for file in folder.iterdir():
                yield Visitor(file, self.place.key, self.place.ring)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=CHILDREN, default="postgresql")
    parser.add_argument("--kills", type=int, default=600)
    parser.add_argument("--each", type=int, help="kills at each point; default: one in 160")
    parser.add_argument("--chance", type=float, default=0.03, help="of a death at a point")
    parser.add_argument("--patience", type=float, default=30, help="seconds to quiet")
    parser.add_argument("--at-most", type=float, default=1800, help="seconds of faults")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--log-level", default="error")
    parser.add_argument("--keep-log", type=Path, help="where the children's log goes in the end")
    options = parser.parse_args(arguments)
    options.each = options.each if options.each is not None else max(1, options.kills // 160)
    return options


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    with a_place(options.database, options.log_level) as (place, postgres):
        rehearse(place)
        db.engine().dispose()
        chaos = Chaos(options, place, postgres)
        try:
            figures = chaos.run()
        finally:
            chaos.nursery.end()
            if options.keep_log:
                options.keep_log.write_bytes(chaos.nursery.log.read_bytes())
    print(json.dumps(figures, indent=1))  # noqa: T201 - that is what it is run for
    return int(bool(figures["violations"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
