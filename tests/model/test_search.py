"""No order of clicks, crashes, lost answers and deadlines breaks a promise; every known mistake does."""

import time
from dataclasses import dataclass
from functools import cache

import pytest

from onboarding.chart import CONNECTION_TYPES, CREDENTIAL_MODES
from tests.expected_moves import MOVES
from tests.model import promises
from tests.model.promises import Promise
from tests.model.search import Search, explore
from tests.model.world import Rules, Scope

# The chart treats own developments as plugins.
OWN = sorted(set(CONNECTION_TYPES) - {"aggregator", "own_development"})
TYPES = (*((kind, None) for kind in OWN), *(("aggregator", mode) for mode in CREDENTIAL_MODES))
ENDS = frozenset({"cancel", "expire"})
GIVING_UP = ENDS | {"start_over"}
PARKED = Scope(
    (("aggregator", "delegated"),),
    workers=2,
    attempts=1,
    registry=True,
    failures=False,
    without=GIVING_UP,
)

SEARCHES = {
    "two tabs and a secret": Scope(tabs=2, attempts=1, without=ENDS),
    "two workers and dead ones": Scope(workers=2, messages=1),
    # An operator may refuse whom the registry approves; then nobody looks again by himself.
    "every type, and an operator": Scope(
        TYPES, messages=1, attempts=1, operator=True, without=frozenset({"refuse_aggregator"})
    ),
    "every type, and a registry that changes": Scope(
        TYPES, tabs=2, messages=1, attempts=1, registry=True, failures=False
    ),
    "a registry that changes, and two workers": PARKED,
    "giving up at any time": Scope(attempts=1),
    "letters": Scope(
        (("plugin", None),),
        attempts=1,
        notices=frozenset({"secret_ready"}),
        without=GIVING_UP | {"lapse_secret"},
    ),
    "a failover that loses a commit": Scope(
        tabs=2, messages=1, failover=True, without=ENDS | {"lapse_secret"}
    ),
}


@cache
def searched(scope: Scope) -> Search:
    return explore(Rules(), scope)


@pytest.mark.parametrize("name", SEARCHES)
def test_no_reachable_world_breaks_a_promise_or_is_stuck(name: str) -> None:
    began = time.perf_counter()
    search = searched(SEARCHES[name])
    took = time.perf_counter() - began
    say(f"{name}: {len(search.worlds):,} worlds, {search.steps:,} steps, {took:.1f} s")
    assert search.broken is None, search.story
    assert any(map(promises.is_settled, search.worlds))


def test_every_move_of_the_chart_is_made_in_some_world() -> None:
    made = {move for scope in SEARCHES.values() for move in searched(scope).moves}
    wanted = {(move.event, move.source, move.target) for move in MOVES}
    assert {(move.event, move.source, move.target) for move in made if move.source} == wanted


@dataclass(frozen=True)
class Mistake:
    """A product that is built wrong in one way, and the last steps to where that shows."""

    rules: Rules
    scope: Scope
    promise: str
    last_steps: tuple[str, ...]
    checked: tuple[Promise, ...] = promises.ALL


MISTAKES = {
    "reveal reads, then writes": Mistake(
        Rules(reveal="read then write"),
        Scope(tabs=2, without=GIVING_UP),
        "I2",
        (
            "tab 1 asks for the secret: read, nothing written yet",
            "tab 2 is reloaded",
            "tab 2 asks for the secret: read, nothing written yet",
            "the reveal of tab 1 is written and committed, not yet sent",
            "the answer with the secret leaves for tab 1 and is lost on the way",
            "the reveal of tab 2 is written and committed, not yet sent",
            "the answer with the secret leaves for tab 2 and is lost on the way",
        ),
        (promises.sent_once,),
    ),
    "acknowledging names no secret": Mistake(
        Rules(acknowledge="nothing"),
        Scope(tabs=2, without=GIVING_UP),
        "I15",
        (
            "the answer with the secret reaches tab 1",
            "tab 1 fires reissue_secret, and hears that it is done",
            "the broker delivers generate_secret; a worker claims it, if it is nobody's turn",
            "worker 1 finishes generate_secret",
            "tab 2 is reloaded",
            "tab 2 asks for the secret: taken out and committed, not yet sent",
            "tab 1 is reloaded",
            "tab 1 says that the secret in its hands is saved",
        ),
    ),
    # Starting over begins a new client, whose versions count from 1 again.
    "acknowledging names a version and no ending": Mistake(
        Rules(acknowledge="version"),
        Scope(tabs=2, messages=1, without=ENDS),
        "I15",
        (
            "tab 1 fires start_over, and hears that it is done",
            "tab 1 chooses credentials_only",
            "the broker delivers revoke_client; a worker claims it, if it is nobody's turn",
            "worker 1 finishes revoke_client",
            "tab 1 fires issue_id, and hears that it is done",
            "the broker delivers generate_secret; a worker claims it, if it is nobody's turn",
            "worker 1 finishes generate_secret",
            "tab 2 is reloaded",
            "tab 2 asks for the secret: taken out and committed, not yet sent",
            "tab 1 is reloaded",
            "tab 1 says that the secret in its hands is saved",
        ),
    ),
    "published once and forgotten": Mistake(
        Rules(sweep=False),
        Scope(without=GIVING_UP),
        "nobody is stuck",
        (
            "tab 1 fires issue_id, and hears that it is done",
            "the broker loses generate_secret",
        ),
    ),
    "one column for lease and next publishing": Mistake(
        Rules(columns=1),
        Scope(without=GIVING_UP),
        "nobody is stuck",
        (
            "tab 1 fires issue_id, and hears that it is done",
            "the broker loses generate_secret",
        ),
    ),
    "finishing without a fence": Mistake(
        Rules(fenced_finish=False),
        Scope(workers=2, without=GIVING_UP),
        "I8",
        (
            "the broker delivers generate_secret to a worker and keeps a copy",
            "the lease on generate_secret ends",
            "the broker delivers generate_secret; a worker claims it, if it is nobody's turn",
            "worker 1 finishes generate_secret",
        ),
    ),
    "a sealed secret opens after a failover": Mistake(
        Rules(fenced_seal=False),
        Scope(failover=True, without=GIVING_UP),
        "I2",
        (
            "tab 1 asks for the secret: taken out and committed, not yet sent",
            "the answer with the secret leaves for tab 1 and is lost on the way",
            "the server is lost with its latest commit, and a standby takes over",
            "tab 1 is reloaded",
            "tab 1 asks for the secret: taken out and committed, not yet sent",
            "the answer with the secret leaves for tab 1 and is lost on the way",
        ),
    ),
    "the registry is asked before the verdict is written": Mistake(
        Rules(check_at_once=False),
        PARKED,
        "I5",
        (
            "worker 1 does its part of check_aggregator outside of the database",
            "worker 2 finishes recheck_parked",
            "the registry changes its mind about the aggregator",
            "the broker delivers recheck_parked; a worker claims it, if it is nobody's turn",
            "worker 2 finishes recheck_parked",
            "worker 1 finishes check_aggregator",
        ),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_known_mistake_is_found_with_the_way_to_it(name: str) -> None:
    mistake = MISTAKES[name]
    search = explore(mistake.rules, mistake.scope, mistake.checked)
    say(f"{name}, after {len(search.worlds):,} worlds\n{search.story}")
    assert mistake.promise in (search.broken or "")
    assert tuple(search.trace[-len(mistake.last_steps) :]) == mistake.last_steps


@pytest.mark.parametrize("name", MISTAKES)
def test_without_the_mistake_the_same_worlds_are_sound(name: str) -> None:
    search = searched(MISTAKES[name].scope)
    assert search.broken is None, search.story


def say(text: str) -> None:
    """Figures and ways, for whoever runs this with -s."""
    print(f"\n{text}")  # noqa: T201
