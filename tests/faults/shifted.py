"""`shifted.py SHIFTS DATABASE_URL KEYS`: a worker whose clock is wrong, until its stdin ends.

SHIFTS are seconds, separated by commas; with several, the clock jumps from one to the next ten
times a second. It starts five onboardings, sweeps like any worker, and prints what it did.
"""
# ruff: noqa: E402 - the clock must be wrong before anybody takes it

import datetime as dt
import itertools
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

shifts = [float(shift) for shift in sys.argv[1].split(",")]
real_time, monotonic = time.time, time.monotonic
real_datetime = dt.datetime


def shifted_time() -> float:
    return real_time() + shifts[int(monotonic() * 10) % len(shifts)]


class _AnyDatetime(type):
    """What C code makes is of the real class."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, real_datetime)


class ShiftedDatetime(real_datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "ShiftedDatetime":
        return cls.fromtimestamp(shifted_time(), tz)


# Before anybody has taken them under a name of their own.
time.time = shifted_time
time.time_ns = lambda: int(shifted_time() * 1e9)
dt.datetime = ShiftedDatetime  # type: ignore[misc]

sys.path.insert(0, str(Path(__file__).parents[2]))

from onboarding import db, lifecycle
from onboarding.access import Actor
from onboarding.db import transaction
from onboarding.outbox import Announcement
from workers import clock, relay, turns

STARTS = 5


def main() -> None:
    db.connect(sys.argv[2])
    wrong_by = dt.datetime.now(dt.UTC).timestamp() - real_time()
    ended = threading.Event()
    threading.Thread(target=wait_for_the_end, args=(ended,), daemon=True).start()
    ran: list[str] = []

    def run(announcements: Sequence[Announcement]) -> None:
        for announcement in announcements:
            ran.append(str(announcement.id))
            turns.run(str(announcement.id))

    started = [start() for _ in range(STARTS)]
    print("ready", flush=True)  # noqa: T201 - for whoever reads this
    swept = 0
    for number in itertools.count():
        swept += clock.sweep().done
        relay.relay_once(run)
        if ended.wait(0.02) and number > STARTS:
            break
    told = {"started": started, "ran": ran, "swept": swept, "wrong_by": wrong_by}
    print(json.dumps(told), flush=True)  # noqa: T201 - the same


def wait_for_the_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def start() -> str:
    with transaction() as session:
        actor = Actor("seller", "shifted")
        return str(lifecycle.start(session, actor, locale="en", rule_set="tests").id)


if __name__ == "__main__":
    main()
