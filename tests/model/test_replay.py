"""The model is the product: what it says of a step is what the product's verbs do, step after step."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from time import perf_counter

import pytest
from sqlalchemy import Engine

from onboarding.chart import OPEN
from onboarding.errors import Refusal
from tests.model import events, work
from tests.model.held import of_model
from tests.model.replay import Replay
from tests.model.search import Search, explore
from tests.model.steps import Step, acknowledge, following, reveal
from tests.model.world import Rules, Scope, World, first

# A step, the world before it and the one after it.
Taken = tuple[Step, World, World]

RULES = Rules()
TYPES = (
    ("plugin", None),
    ("credentials_only", None),
    ("legacy_soap", None),
    ("aggregator", "delegated"),
    ("aggregator", "full"),
)
SCOPE = Scope(TYPES, tabs=2, workers=2, messages=3, operator=True, registry=True)
OVERTAKEN = Scope(
    (("aggregator", "full"),),
    workers=2,
    messages=1,
    without=frozenset({"start_over", "cancel", "expire", "lapse_secret", "reissue_secret"}),
)
WALKS, LONGEST, ORDINARY = 150, 24, 0.75


def test_model_and_product_agree_after_every_step(sqlite: Engine) -> None:
    """Walks with a fixed seed that prefer what was done least, in the state where it was done least."""
    chance, taken = random.Random(2), Counter[str]()
    began = perf_counter()
    steps = sum(follow(number, SCOPE, walk(chance, taken), chance) for number in range(WALKS))
    took = perf_counter() - began
    print(f"\n{WALKS} walks, {steps:,} steps, {len(taken)} kinds of step, {took:.1f} s")  # noqa: T201
    assert len(OPEN - {name.split()[-1] for name in taken}) <= 1, "it hardly gets anywhere"


def test_model_and_product_agree_on_who_comes_too_late(sqlite: Engine) -> None:
    """By chance a worker is seldom overtaken: these are the shortest ways to it, for each task."""
    search, ways = explore(RULES, OVERTAKEN, to_ends=False), dict[str, list[Taken]]()
    for place, before in enumerate(search.worlds):
        for step, after in following(before, RULES, OVERTAKEN):
            if " late " in name(step, before) and name(step, before) not in ways:
                ways[name(step, before)] = [*way_through(search, place), (step, before, after)]
    for number, way in enumerate(ways.values()):
        follow(number, OVERTAKEN, way, random.Random(3))
    tasks = {"check_aggregator", "generate_secret", "verify_connection"}
    assert {kind.split()[1] for kind in ways if kind.startswith("finish")} == tasks


def follow(number: int, scope: Scope, way: Iterable[Taken], chance: random.Random) -> int:
    """Lead the product the same way and compare after each step."""
    replay, told = Replay(scope, number), list[str]()
    for step, before, after in way:
        told.append(step.words)
        check_refusal(replay, before, chance)
        replay.take(step, before, after)
        assert replay.held() == of_model(after), "\n".join(told)
    return len(told)


def way_through(search: Search, place: int) -> list[Taken]:
    """The steps from the first world to this one, with the worlds between them."""
    taken = list[Taken]()
    while (came := search.came_by[place]) is not None:
        parent, step = came
        taken.append((step, search.worlds[parent], search.worlds[place]))
        place = parent
    return taken[::-1]


def walk(chance: random.Random, taken: Counter[str]) -> Iterator[Taken]:
    """From a fresh onboarding to where nothing is left to do. Most steps are ordinary, so it gets far."""
    world = first(SCOPE)
    for _ in range(LONGEST):
        possible = list(following(world, RULES, SCOPE))
        if world.db.state not in OPEN and not world.db.messages:
            return
        ordinary = [(s, w) for s, w in possible if s.kind in ("person", "platform")]
        open_to_us = ordinary if ordinary and chance.random() < ORDINARY else possible
        rarest = min(taken[name(step, world)] for step, _ in open_to_us)
        step, after = chance.choice(
            [(s, w) for s, w in open_to_us if taken[name(s, world)] == rarest]
        )
        taken[name(step, world)] += 1
        yield step, world, after
        world = after


def name(step: Step, world: World) -> str:
    """A kind of step: by whom does not matter, where does, and whether it comes too late."""
    turn = world.workers[step.who] if step.verb in ("finish", "task_fails") else None
    late = "late" if turn and work.is_late(world.db, turn) else ""
    return f"{step.verb} {step.about} {step.choice} {late} {world.db.state}"


def check_refusal(replay: Replay, world: World, chance: random.Random) -> None:
    """One event that the model refuses, by its chart or because a tab has not seen the latest.

    Had it left anything behind, the comparison after the step that follows would say so.
    """
    tab = chance.choice(world.tabs)
    event = chance.choice(sorted(events.SELLERS))
    lets: object
    if event == "reveal_secret":
        lets = reveal(world.db, RULES, SCOPE, world.epoch, tab.seen)
    elif event == "acknowledge_secret":
        lets = acknowledge(world.db, RULES, SCOPE, tab)
    else:
        lets = events.fire(world.db, SCOPE, event, expected=tab.seen)
    if not lets:
        with pytest.raises(Refusal):
            replay.refuse(event, tab)
