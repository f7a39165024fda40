"""Publishes what came due again, and fires deadlines: one thread of every worker, or a process.

It is a safety net, not the fast path: messages are published right after their commit. Nothing
depends on a particular relay being alive.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final, TypeVar

from onboarding import canaries, crash_points, logs, presence, queries, redelivery, retention
from onboarding.db import reading, transaction
from onboarding.outbox import Publish
from workers import clock, inbound, webhooks
from workers.clock import Swept

log = logs.get(__name__)

Found = TypeVar("Found")

# How many messages, and how many deadlines, one look deals with.
BATCH: Final = 100
# Seconds between two rounds, unless the one before found so much that there may be more.
PAUSE: Final = 0.5
# Seconds to wait after an error: a database that is away is not hammered.
PAUSE_AFTER_ERROR: Final = 2.0
# Seconds between two looks for what hardly ever is there.
UNSEEN_EVERY: Final = 2.0
LEAP_EVERY: Final = 5.0
INBOUND_EVERY: Final = 5.0
FORFEIT_EVERY: Final = 60.0
CLEAN_EVERY: Final = 600.0
HASHES_EVERY: Final = 5.0
CANARY_EVERY: Final = 5.0
WATCH_EVERY: Final = 10.0
# After one of these has failed, unless it is looked for more often anyhow.
RETRY_EVERY: Final = 15.0
# More examples than this help nobody.
NAMED_AT_MOST: Final = 3


def run(
    publish: Publish,
    stop: threading.Event,
    has_room: Callable[[], bool] = lambda: True,
    also: "Sequence[Seldom]" = (),
) -> None:
    """Sweep until told to stop. An error is logged and the next look tries again.

    Nothing is published again while `has_room` says no, or raises: what is due stays due. What is
    looked at `also` comes last in each round.
    """
    deaths = Deaths()
    seldom = [
        Seldom(clock.promise_slices, PAUSE),
        Seldom(webhooks.note_events, PAUSE),
        Seldom(webhooks.promise_deliveries, PAUSE),
        Seldom(inbound.Offers().promise, INBOUND_EVERY),
        Seldom(inbound.put_in_order, INBOUND_EVERY),
        Seldom(clock.leap, LEAP_EVERY),
        Seldom(clock.forfeit, FORFEIT_EVERY),
        Seldom(clock.end_secrets, FORFEIT_EVERY),
        Seldom(clock.expire_secrets, FORFEIT_EVERY),
        # Each by itself: one that fails does not hold up the others.
        *(Seldom(partial(clock.clean, sweeps=[it]), CLEAN_EVERY) for it in retention.SWEEPS),
        Seldom(clock.turn_seal_keys, CLEAN_EVERY),
        Seldom(clock.reseal_tokens, CLEAN_EVERY),
        Seldom(clock.add_hashes, HASHES_EVERY),
        Seldom(clock.ask_about_silence, CLEAN_EVERY),
        Seldom(clock.tell_operators, WATCH_EVERY),
        *also,
    ]

    def look_round() -> float:
        _attempt(deaths.look)
        more = (
            _attempt(lambda: relay_once(publish, has_room=has_room) == BATCH),
            _attempt(lambda: clock.sweep(BATCH).more),
        )
        for each in seldom:
            _attempt(each.look)
        return _pause(more)

    pause = look_round()
    # It reads the whole table, and what was left over by the dead cannot wait for that.
    _attempt(tell_of_strangers)
    while not stop.wait(pause):
        pause = look_round()


def canary() -> "Seldom":
    """What a process that sweeps for good looks at also: is it time to ask whether anybody works?"""
    return Seldom(send_canary, CANARY_EVERY)


def send_canary() -> Swept:
    """Promise one if it is time; most looks find that it is not, and take no lock."""
    with reading() as session:
        if not canaries.is_time(session):
            return Swept(0, more=False)
    with transaction() as session:
        return Swept(int(canaries.send(session)), more=False)


class Seldom:
    """A look that is made at once, and then not again for a number of seconds.

    One that leaves more to do is due again at once; one that fails, after a while, as it may have taken
    all the time that a statement has.
    """

    def __init__(self, look: Callable[[], Swept], every: float) -> None:
        self._look, self._every, self._next = look, every, 0.0

    def look(self) -> int:
        """How many it did; 0 where it is not its time."""
        if time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + min(self._every, RETRY_EVERY)
        done, more = self._look()
        self._next = 0.0 if more else time.monotonic() + self._every
        return done


class Deaths:
    """Notices which processes have died since its last look, and ends their turns."""

    def __init__(self) -> None:
        self._living: set[int] | None = None
        # When the table is asked although the same processes live.
        self._ask_at = 0.0

    def look(self) -> int:
        """Returns how many turns it has ended.

        Most looks find the same processes alive and ask no table; now and then one does, for those
        who were born and died since the look before. Whose turn it is is read before who lives:
        somebody who is born in between is not taken for dead.
        """
        living = presence.living()
        if living == self._living and time.monotonic() < self._ask_at:
            return 0
        with reading() as session:
            owners = redelivery.owners(session)
        dead = owners - presence.living()
        ended = self._end_turns(dead) if dead else 0
        # Last: where anything failed until here, the next look sees the same deaths.
        self._living, self._ask_at = living, time.monotonic() + UNSEEN_EVERY
        return ended

    def _end_turns(self, dead: Collection[int]) -> int:
        with transaction() as session:
            ended = redelivery.take_back(session, dead)
        log.info("turns_of_the_dead_ended", processes=len(dead), messages=ended)
        return ended


def tell_of_strangers() -> int:
    """Say once, at the start, that there are onboardings which only another version can move."""
    with reading() as session:
        found = queries.strangers(session, NAMED_AT_MOST)
    if found:
        advice = "Run the version whose chart has these states; `onboarding doctor` says more."
        log.error("states_unknown", examples=found, advice=advice)
    return len(found)


def relay_once(
    publish: Publish, limit: int = BATCH, *, has_room: Callable[[], bool] = lambda: True
) -> int:
    """Publish messages whose time has come; returns how many.

    The first look takes no lock: most find nothing, and on SQLite a lock holds up every writer.
    """
    with reading() as session:
        if not redelivery.any_due(session):
            return 0
    if not has_room():
        return 0
    with transaction() as session:
        announcements = redelivery.due(session, limit)
        crash_points.reach("sweep.marked")
    crash_points.reach("sweep.committed")
    publish(announcements)
    return len(announcements)


def _pause(more: Sequence[bool | None]) -> float:
    """None stands for a look that failed."""
    if None in more:
        return PAUSE_AFTER_ERROR
    return 0 if any(more) else PAUSE


def _attempt(look: Callable[[], Found]) -> Found | None:
    try:
        return look()
    except Exception as error:
        log.warning("relay_failed", error=type(error).__name__, exc_info=True)
        return None
