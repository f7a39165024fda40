"""The chart is what was agreed, and it leaves nobody in limbo."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

import onboarding
from onboarding import chart
from onboarding.chart import (
    EVENT_TYPES,
    MAY_FIRE,
    NEXT_MOVE,
    NOTICES,
    ON_ENTRY,
    OPEN,
    REVOKES,
    STATES,
    Chart,
)
from tests import expected_moves
from tests.expected_moves import FINAL, MAY, MOVES
from workers.tasks import TASKS

PRODUCT = Path(onboarding.__file__).parent
EVENTS = {str(event.id) for event in Chart.events}  # type: ignore[attr-defined]

# The guards of the agreed page, in the chart's own words.
GUARD_OF = {
    "wants_soap": "legacy_soap",
    "wants_aggregator": "aggregator",
    "wants_credentials": "own_client",
    "delegated": "delegated",
    "!delegated": "not_delegated",
    "contact_verified": "contact_verified",
    "credentials_only": "credentials_only",
    "!credentials_only": "a_connection",
    "": "-",
}

# state → (whose turn, overdue after, reminders, what the clock does, after how long)
D, H, M = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TURNS = {
    "started": ("seller", 7 * D, (7 * D, 27 * D), "expire", 30 * D),
    "checking_aggregator": ("platform", 10 * M, (), None, None),
    "awaiting_aggregator": ("aggregator", 14 * D, (14 * D, 87 * D), "expire", 90 * D),
    "type_chosen": ("seller", 7 * D, (7 * D, 27 * D), "expire", 30 * D),
    "issuing_secret": ("platform", M, (), None, None),
    "secret_ready": ("seller", 15 * M, (20 * H,), "lapse_secret", 24 * H),
    "secret_lapsed": ("seller", 7 * D, (7 * D, 27 * D), "expire", 30 * D),
    "secret_revealed": ("seller", 24 * H, (24 * H, 11 * D), "expire", 14 * D),
    "awaiting_seller": ("seller", 7 * D, (7 * D, 27 * D), "expire", 30 * D),
    "seller_linked": ("seller", 7 * D, (7 * D, 27 * D), "expire", 30 * D),
    "verifying": ("platform", 10 * M, (), None, None),
}


def transitions() -> Iterator[tuple[str, str, str, str]]:
    for state in Chart.states:
        for move in state.transitions:
            guards = " ".join(str(guard) for guard in move.cond)
            yield str(move.event), str(state.id), GUARD_OF[guards], str(move.target.id)


def test_the_moves_are_exactly_the_agreed_ones() -> None:
    assert sorted(transitions()) == sorted((m.event, m.source, m.guard, m.target) for m in MOVES)


def test_the_actors_are_exactly_the_agreed_ones() -> None:
    assert {event: set(actors) for event, actors in MAY_FIRE.items()} == MAY


def test_the_states_are_exactly_the_agreed_ones() -> None:
    assert STATES == expected_moves.STATES
    assert set(STATES) - OPEN == set(FINAL)


def test_the_turns_are_exactly_the_agreed_ones() -> None:
    assert {
        state: (move.whom, move.overdue_after, move.reminders, move.then, move.then_after)
        for state, move in NEXT_MOVE.items()
    } == TURNS


def test_every_event_may_be_fired_by_somebody() -> None:
    assert set(MAY_FIRE) == EVENTS
    assert all(actors for actors in MAY_FIRE.values())


def test_every_open_state_and_no_other_is_somebodys_turn() -> None:
    assert set(NEXT_MOVE) == OPEN


@pytest.mark.parametrize("state", sorted(OPEN))
def test_the_one_whose_turn_it_is_can_move(state: str) -> None:
    whom = {"aggregator": "platform"}.get(NEXT_MOVE[state].whom, NEXT_MOVE[state].whom)
    events = {m.event for m in MOVES if m.source == state} - REVOKES
    assert any(whom in MAY_FIRE[event] for event in events)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_an_open_state_is_moved_by_time_or_by_a_promise(state: str) -> None:
    move = NEXT_MOVE[state]
    if move.whom == "platform":
        assert ON_ENTRY[state], "nobody would ever do it"
        return
    assert move.then is not None
    assert move.then_after is not None
    assert "clock" in MAY_FIRE[move.then]
    assert [m.target for m in MOVES if (m.source, m.event) == (state, move.then)]


@pytest.mark.parametrize("state", sorted(OPEN))
def test_reminders_come_in_order_and_before_the_end(state: str) -> None:
    move = NEXT_MOVE[state]
    instants = [*move.reminders, *([move.then_after] if move.then_after else [])]
    assert instants == sorted(set(instants))
    assert all(instant > timedelta(0) for instant in instants)


def reachable(start: str) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        found = {target for _, source, _, target in transitions() if source == state} - seen
        seen |= found
        waiting += found
    return seen


def test_every_state_is_reachable() -> None:
    assert reachable("started") == set(STATES)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_every_open_state_leads_to_an_end(state: str) -> None:
    assert reachable(state) & {"confirmed", "credentials_issued"}
    assert "cancelled" in reachable(state)


@pytest.mark.parametrize("state", FINAL)
def test_nothing_leaves_an_end(state: str) -> None:
    assert reachable(state) == {state}


def test_the_chart_is_strict() -> None:
    assert Chart.allow_event_without_transition is False
    assert Chart.catch_errors_as_events is False
    assert Chart.atomic_configuration_update is True
    assert Chart.enable_self_transition_entries is False


def test_every_event_has_a_name_for_other_systems() -> None:
    assert set(EVENT_TYPES) == {"start"} | EVENTS
    assert len(set(EVENT_TYPES.values())) == len(EVENT_TYPES)
    assert all(name.startswith("onboarding.") for name in EVENT_TYPES.values())


def test_every_notice_belongs_to_a_move() -> None:
    assert set(NOTICES) <= {(m.event, m.target) for m in MOVES}


def test_revoking_events_are_events() -> None:
    assert {"start_over", "cancel", "expire"} == REVOKES


def test_every_promise_is_a_task() -> None:
    """Wherever the product promises one by name, and wherever a name is computed, from the chart."""
    assert {task for tasks in ON_ENTRY.values() for task in tasks} <= set(TASKS)
    literal = set(_promised_names())
    assert {"send_email", "recheck_parked", "revoke_client"} <= literal
    assert literal <= set(TASKS)


def test_every_task_is_promised_by_somebody() -> None:
    promised = {task for tasks in ON_ENTRY.values() for task in tasks} | set(_promised_names())
    assert set(TASKS) == promised


def test_every_notice_can_be_written() -> None:
    notices = import_module("onboarding.notices")
    wanted = {*NOTICES.values(), "reminder", "contact_code"}
    assert wanted <= set(_names_in(notices)), "a notice that nobody can write"


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_page(state: str) -> None:
    assert (PRODUCT / "web" / "templates" / "wizard" / f"{state}.html").is_file()


def test_the_chart_knows_nothing_of_ours() -> None:
    assert chart.__file__ is not None
    tree = ast.parse(Path(chart.__file__).read_text())
    imported = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    assert imported == {"dataclasses", "datetime", "typing", "statemachine"}


def _promised_names() -> Iterator[str]:
    """The task of every `promise(session, "task", …)` and of every (task, about) that is yielded."""
    for path in chain(PRODUCT.rglob("*.py"), (PRODUCT.parent / "workers").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="promise") | ast.Name(id="promise"),
                    args=[_, ast.Constant(value=str(name)), *_],
                ):
                    yield name
                case ast.Yield(value=ast.Tuple(elts=[ast.Constant(value=str(name)), _])):
                    yield name


def _names_in(module: ModuleType) -> Iterator[str]:
    """Every string that stands in a module or beside it as a template's name."""
    assert module.__file__ is not None
    path = Path(module.__file__)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
    yield from (template.stem for template in path.parent.rglob("*.txt"))
