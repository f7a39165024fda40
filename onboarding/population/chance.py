"""Chance for samples: the same seed draws the same picture."""

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

Thing = TypeVar("Thing")


class Chance:
    """Draws from one seed. What must not be guessed, IDs and secrets, is never drawn here."""

    def __init__(self, seed: int) -> None:
        self._drawn = random.Random(seed)  # noqa: S311 - a picture, not a secret

    def happens(self, share: float) -> bool:
        """True as often as this share of 1 says."""
        return self._drawn.random() < share

    def one_of(self, things: Sequence[Thing]) -> Thing:
        """Any of these, all alike."""
        return self._drawn.choice(things)

    def by_weight(self, weights: Mapping[Thing, float]) -> Thing:
        """One of these, a heavier one more often."""
        return self._drawn.choices([*weights], [*weights.values()])[0]

    def number(self, least: int, most: int) -> int:
        """A whole number, the ends included."""
        return self._drawn.randint(least, most)

    def between(self, least: timedelta, most: timedelta) -> timedelta:
        """Any length of time between two, whole milliseconds."""
        span = self._drawn.uniform(least.total_seconds(), most.total_seconds())
        return timedelta(milliseconds=round(span * 1000))

    def mostly_short(self, least: timedelta, most: timedelta) -> timedelta:
        """A length of time as people take it: each tenfold is as likely as the one before."""
        span = least.total_seconds() * (most / least) ** self._drawn.random()
        return timedelta(milliseconds=round(span * 1000))
