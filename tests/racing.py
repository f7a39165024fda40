"""Several at once: calls from threads that a barrier lets go together, round after round."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

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
