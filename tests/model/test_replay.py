"""The model is the product: what it says of a step is what the product's verbs do, step after step."""

import random
from collections import Counter
from collections.abc import Iterator
from time import perf_counter

import pytest
from sqlalchemy import Engine

from onboarding.chart import OPEN
from onboarding.errors import Refusal
from tests.model import events
from tests.model.held import of_model
from tests.model.replay import Replay
from tests.model.steps import Step, acknowledge, following, reveal
from tests.model.world import Rules, Scope, World, first

RULES = Rules()
TYPES = (
    ("plugin", None),
    ("credentials_only", None),
    ("legacy_soap", None),
    ("aggregator", "delegated"),
    ("aggregator", "full"),
)
SCOPE = Scope(TYPES, tabs=2, workers=2, messages=3, operator=True, registry=True)
TRACES, LONGEST, ORDINARY = 200, 24, 0.75


def test_model_and_product_agree_after_every_step(sqlite: Engine) -> None:
    """Walks with a fixed seed that prefer what was done least, in the state where it was done least."""
    chance, taken = random.Random(2), Counter[str]()
    began, steps = perf_counter(), 0
    for number in range(TRACES):
        replay, told = Replay(SCOPE, number), list[str]()
        for step, before, after in walk(chance, taken):
            told.append(step.words)
            check_refusal(replay, before, chance)
            replay.take(step, before, after)
            assert replay.held() == of_model(after), "\n".join(told)
            steps += 1
    took = perf_counter() - began
    print(f"\n{TRACES} walks, {steps:,} steps, {len(taken)} kinds of step, {took:.1f} s")  # noqa: T201
    assert len(OPEN - {name.split()[-1] for name in taken}) <= 1, "it hardly gets anywhere"


def walk(chance: random.Random, taken: Counter[str]) -> Iterator[tuple[Step, World, World]]:
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
    """A kind of step: by whom does not matter, where does."""
    return f"{step.verb} {step.about} {step.choice} {world.db.state}"


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
