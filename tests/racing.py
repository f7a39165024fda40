"""Several at once: calls from threads that a barrier lets go together, round after round."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import text

from onboarding import db
from onboarding.errors import Refusal

PATIENCE = 60.0


def race(*racers: Callable[[], object]) -> list[object]:
    """What each racer returned, or the exception that it raised, in the racers' order."""
    return rounds(1, len(racers), lambda _round, racer: racers[racer]())[0]


def rounds(count: int, racers: int, attempt: Callable[[int, int], object]) -> list[list[object]]:
    """`attempt(round, racer)` for every racer at once, that many times; outcomes by round."""
    barrier = Barrier(racers)

    def run(racer: int) -> list[object]:
        outcomes: list[object] = []
        for number in range(count):
            barrier.wait(PATIENCE)
            try:
                outcomes.append(attempt(number, racer))
            except Exception as error:  # noqa: BLE001 - an outcome like any other
                outcomes.append(error)
        return outcomes

    with ThreadPoolExecutor(racers) as pool:
        return [list(one) for one in zip(*pool.map(run, range(racers)), strict=True)]


def winners(outcomes: Sequence[object]) -> list[object]:
    """Those that got through; every other one must have been refused in our words."""
    lost = [o for o in outcomes if isinstance(o, Exception)]
    assert all(isinstance(o, Refusal) for o in lost), lost
    return [o for o in outcomes if not isinstance(o, Exception)]


def until_somebody_waits() -> None:
    """For what this transaction holds; on SQLite whoever writes does so anyway."""
    late = time.monotonic() + PATIENCE
    while db.engine().dialect.name == "postgresql" and not _somebody_waits():
        assert time.monotonic() < late, "nobody waits"
        time.sleep(0.01)


def _somebody_waits() -> bool:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with db.engine().connect() as connection:
        return bool(connection.scalar(waiting))
