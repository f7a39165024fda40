"""Kill -9 of web, worker and relay in the middle of 200 journeys."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
from sqlalchemy import func, select

from onboarding import db
from onboarding.models import Message, Onboarding
from onboarding.sealing import open_keyring
from tests.faults import checking
from tests.faults.journeys import Journey
from tests.faults.stage import ENDS
from tests.system import System

ROLES = ("web", "worker", "relay")
JOURNEYS = 200
KILLS = 15


def test_two_hundred_journeys_end_where_they_should_whatever_is_killed(
    system: System,
) -> None:
    system.start(*ROLES)
    system.wait_until_ready()
    key = system.create_api_key()
    with httpx.Client(base_url=system.url) as http:
        types = itertools.islice(itertools.cycle(ENDS), JOURNEYS)
        journeys = [Journey(http, key, number, kind) for number, kind in enumerate(types)]
        with ThreadPoolExecutor(16) as pool:
            walks = [pool.submit(journey.walk, 180) for journey in journeys]
            kills = _kill_while(system, lambda: not all(walk.done() for walk in walks))
            states = [walk.result() for walk in walks]

    assert states == [ENDS[journey.type] for journey in journeys]
    assert kills >= KILLS // 2, "it must not pass because nothing was killed"
    _wait_for_the_last_messages()
    shown = [each for journey in journeys for each in journey.seen]
    assert checking.violations(shown, open_keyring(system.folder / "keys")) == []
    with db.reading() as session:
        begun = session.scalar(select(func.count()).select_from(Onboarding))
    assert begun == JOURNEYS, "a journey begun twice is one onboarding"
    print(  # noqa: T201 - the figures, for whoever runs pytest -s
        f"{JOURNEYS} journeys, {kills} kills, {dict(Counter(states))}"
    )


def _kill_while(system: System, busy: Callable[[], bool]) -> int:
    """End a role at random and start it again, as a supervisor would; then let everything rest."""
    chance = random.Random(20261123)
    kills = 0
    while busy() and kills < KILLS:
        time.sleep(chance.uniform(0.3, 1.2))
        role = chance.choice(ROLES)
        system.kill(role)
        kills += 1
        system.start(role)
    while busy():
        time.sleep(0.1)
    return kills


def _wait_for_the_last_messages(seconds: float = 60) -> None:
    """What was promised is done once the kills are over, and nothing has failed for good."""
    deadline = time.monotonic() + seconds
    left: list[tuple[str, int, str | None]] = [("?", 0, None)]
    while left and time.monotonic() < deadline:
        with db.reading() as session:
            rows = session.execute(select(Message.task, Message.attempts, Message.cause))
            left = [(task, attempts, cause) for task, attempts, cause in rows]
        time.sleep(0.1)
    assert left == []
