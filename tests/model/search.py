"""Every world that can be reached, breadth first; the shortest way to one that breaks a promise."""

import gc
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.model import promises
from tests.model.promises import Promise
from tests.model.steps import Step, following
from tests.model.world import Key, Moved, Rules, Scope, World, first, key

# Far above what the searches need: a model that grows without end is a mistake.
TOO_MANY = 400_000


@dataclass
class Search:
    """What has been reached, and by which step from where."""

    rules: Rules
    scope: Scope
    worlds: list[World] = field(default_factory=list)
    came_by: list[tuple[int, Step] | None] = field(default_factory=list)
    # For each world, those from which an ordinary step leads here.
    ordinary: list[list[int]] = field(default_factory=list)
    moves: set[Moved] = field(default_factory=set)
    steps: int = 0
    broken: str | None = None
    trace: Sequence[str] = ()

    @property
    def story(self) -> str:
        """The shortest way to the first broken promise, in plain words."""
        lines = (f"  {number}. {words}" for number, words in enumerate(self.trace, start=1))
        return "\n".join([f"broken: {self.broken}", *lines])


def explore(
    rules: Rules, scope: Scope, checked: tuple[Promise, ...] = promises.ALL, *, to_ends: bool = True
) -> Search:
    """Search until a promise is broken or everything is known; then look for worlds that are stuck."""
    search = Search(rules, scope)
    with _nothing_to_collect():
        stuck = None if _spread(search, checked) or not to_ends else _stuck(search)
    return search if stuck is None else _told(search, "I3, I5: nobody is stuck.", stuck)


def way_to(search: Search, place: int) -> list[Step]:
    """The steps from the first world to this one."""
    steps = []
    while (came := search.came_by[place]) is not None:
        place, step = came
        steps.append(step)
    return steps[::-1]


def _spread(search: Search, checked: tuple[Promise, ...]) -> bool:
    """True: a promise is broken, and the search has ended there."""
    rules, scope = search.rules, search.scope
    places: dict[Key, int] = {}
    waiting = deque([_reach(search, places, first(scope), None)])
    while waiting:
        place = waiting.popleft()
        found = list(following(search.worlds[place], rules, scope))
        busy = any(step.kind == "platform" for step, _ in found)
        search.steps += len(found)
        for step, world in found:
            known = len(search.worlds)
            reached = _reach(search, places, world, (place, step))
            search.moves.add(world.db.history[-1])
            if _is_ordinary(step, busy=busy):
                search.ordinary[reached].append(place)
            if reached < known:
                continue
            waiting.append(reached)
            if promise := promises.broken(world, checked):
                _told(search, promise.__doc__ or "", reached)
                return True
    return False


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """A search only ever adds: looking through it for garbage again and again takes half its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _reach(
    search: Search, places: dict[Key, int], world: World, by: tuple[int, Step] | None
) -> int:
    place = places.setdefault(key(world, search.rules), len(search.worlds))
    if place == len(search.worlds):
        assert place < TOO_MANY, "the model has no end"
        search.worlds.append(world)
        search.came_by.append(by)
        search.ordinary.append([])
    return place


def _is_ordinary(step: Step, *, busy: bool) -> bool:
    """What happens once nothing goes wrong any more: time passes only where nobody is at work."""
    return step.kind in ("person", "platform") or (step.kind == "time" and not busy)


def _stuck(search: Search) -> int | None:
    """The first world from which no ordinary steps lead to an end: searched from the ends back."""
    good = [p for p, world in enumerate(search.worlds) if promises.is_settled(world)]
    known = set(good)
    while good:
        for before in search.ordinary[good.pop()]:
            if before not in known:
                known.add(before)
                good.append(before)
    return next((p for p in range(len(search.worlds)) if p not in known), None)


def _told(search: Search, promise: str, place: int) -> Search:
    search.broken = promise
    search.trace = [step.words for step in way_to(search, place)]
    return search
