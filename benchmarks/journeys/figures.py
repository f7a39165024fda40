"""What many turns say: the median, how far they are apart, and ratios within a turn.

The machine is not the same from turn to turn, so a ratio is taken between two runs of one turn, and
then the median of the ratios.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.journeys.contest import PEER

Run = Mapping[str, Any]
# One run of each contestant, by its name.
Turn = Mapping[str, Run]
Figure = Callable[[Run], float | None]

# More foreign load than this, in processors, and throughput and times say little.
BUSY: Final = 0.3


@dataclass(frozen=True)
class Spread:
    """Of many turns: the median, the lowest and the highest."""

    median: float
    low: float
    high: float

    @property
    def around(self) -> float:
        """How far the extremes are from the median, as a part of it."""
        if not self.median:
            return 0.0
        return max(self.high - self.median, self.median - self.low) / self.median


def at(*path: str | int) -> Figure:
    """The number at this place of a run, and None where the run has none."""

    def figure(run: Run) -> float | None:
        found: Any = run
        for key in path:
            if found is None or (isinstance(key, str) and key not in found):
                return None
            found = found[key]
        return None if found is None else float(found)

    return figure


def spread(turns: Sequence[Turn], name: str, figure: Figure) -> Spread | None:
    return _spread([figure(turn[name]) for turn in turns if name in turn])


def to_reference(turns: Sequence[Turn], name: str, figure: Figure, reference: str) -> Spread | None:
    """Of each turn, how many times the reference's number."""
    found = [(turn[name], turn[reference]) for turn in turns if {name, reference} <= turn.keys()]
    return _spread([_ratio(figure(one), figure(other)) for one, other in found])


def to_best_peer(
    turns: Sequence[Turn], name: str, figure: Figure, best: Callable[[Sequence[float]], float]
) -> Spread | None:
    """Of each turn, how many times the best number that a peer had in it."""
    return _spread([_to_best(turn, name, figure, best) for turn in turns if name in turn])


def in_digits(number: float) -> str:
    """About as many as can be believed."""
    if number >= 100 or not number:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def busy(turns: Sequence[Turn], name: str) -> bool:
    """Was the machine busy with something else in any of its runs?"""
    return any(turn[name]["foreign"] > BUSY for turn in turns if name in turn)


def _to_best(
    turn: Turn, name: str, figure: Figure, best: Callable[[Sequence[float]], float]
) -> float | None:
    found = [figure(run) for run in turn.values() if run["kind"] == PEER]
    peers = [number for number in found if number is not None]
    return _ratio(figure(turn[name]), best(peers)) if peers else None


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def _spread(found: Sequence[float | None]) -> Spread | None:
    numbers = [number for number in found if number is not None]
    if not numbers:
        return None
    return Spread(statistics.median(numbers), min(numbers), max(numbers))
