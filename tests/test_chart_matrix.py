"""Every state, event, actor and guard: the one legal move, or a refusal that writes nothing.

What is legal stands in `expected_moves`, written by hand; nothing here is derived from the chart.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session
from statemachine.exceptions import TransitionNotAllowed

from onboarding import deciding, lifecycle
from onboarding.access import Actor
from onboarding.chart import CONNECTION_TYPES, CREDENTIAL_MODES, Chart, Facts
from onboarding.db import transaction
from onboarding.errors import EventNotAllowed, EventNotYours, EventUnknown, Refusal
from onboarding.ids import new_id
from onboarding.models import Onboarding, Transition
from tests.expected_moves import ACTORS, MAY, OPEN, STATES, Case, expected_target

UNKNOWN = ("start", "revealed", "", "choose_type ", "send", "configuration", "states")
CASES = [
    Case(*facts)
    for facts in product((None, *CONNECTION_TYPES), (None, *CREDENTIAL_MODES), (False, True))
]
# An aggregator has a mode and nothing else has one: the other combinations cannot be stored.
STORED = [c for c in CASES if (c.connection_type == "aggregator") == bool(c.credential_mode)]


def expected_events(state: str, case: Case) -> set[str]:
    """What would move it now; before a connection type is chosen, choosing brings one."""
    if case.connection_type is None:
        case = replace(case, connection_type="plugin")
    return {event for event in MAY if expected_target(state, event, case)}


def facts(state: str, case: Case) -> Facts:
    return Facts(state, case.connection_type, case.credential_mode, case.contact_verified)


def decided(facts: Facts, event: str) -> str | None:
    try:
        return deciding.decide(facts, event)
    except EventNotAllowed:
        return None


def decided_anew(facts: Facts, event: str) -> str | None:
    """What a chart says that was built for this one question."""
    chart = Chart(facts, start_value=facts.state)
    try:
        chart.send(event)
    except TransitionNotAllowed:
        return None
    return facts.state


@pytest.mark.parametrize("state", STATES)
def test_the_chart_decides_as_agreed(state: str) -> None:
    """T64."""
    for case, event in product(CASES, MAY):
        expected = expected_target(state, event, case)
        assert decided(facts(state, case), event) == expected, (state, event, case)


@pytest.mark.parametrize("state", STATES)
def test_the_living_chart_answers_as_one_built_anew(state: str) -> None:
    for case, event in product(STORED, MAY):
        asked = facts(state, case)
        assert decided(asked, event) == decided_anew(asked, event), (state, event, case)


@pytest.mark.parametrize("state", STATES)
def test_what_is_allowed_is_what_would_move(state: str) -> None:
    for case in CASES:
        expected = expected_events(state, case)
        assert set(deciding.allowed(facts(state, case))) == expected, (state, case)
        for kind in ACTORS:
            mine = {event for event in expected if kind in MAY[event]}
            assert set(deciding.allowed(facts(state, case), kind)) == mine, (state, case, kind)


@pytest.mark.parametrize("state", STATES)
def test_a_refusal_says_what_is_allowed_instead(state: str) -> None:
    for case, event in product(CASES, MAY):
        if expected_target(state, event, case) is None:
            with pytest.raises(EventNotAllowed) as refused:
                deciding.decide(facts(state, case), event)
            assert set(refused.value.allowed) == expected_events(state, case)
            only_guard = (state, event) == ("type_chosen", "issue_id")
            assert refused.value.unmet == ("contact_verified" if only_guard else None)


questions = st.lists(
    st.tuples(st.sampled_from(STATES), st.sampled_from(CASES), st.sampled_from(sorted(MAY))),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(questions)
def test_what_was_asked_before_changes_no_answer(asked: list[tuple[str, Case, str]]) -> None:
    """The chart of a thread lives on: after ends, refusals and questions it answers as if new."""
    for state, case, event in asked:
        assert decided(facts(state, case), event) == expected_target(state, event, case)
        assert set(deciding.allowed(facts(state, case))) == expected_events(state, case)


def test_threads_do_not_disturb_each_other() -> None:
    everything = list(product(STATES, STORED, MAY))

    def ask(shift: int) -> list[str]:
        asked = everything[shift:] + everything[:shift]
        return [
            f"{state} {event} {case}"
            for state, case, event in asked
            if decided(facts(state, case), event) != expected_target(state, event, case)
        ]

    with ThreadPoolExecutor(4) as pool:
        wrong = list(pool.map(ask, range(0, len(everything), len(everything) // 4)))
    assert not any(wrong), wrong


def test_every_pair_moves_or_is_refused_without_a_write(
    sqlite: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """T29. On a database: `total_changes` counts every row that SQLite has written."""
    began, fired, moved = time.perf_counter(), 0, 0
    rows = list(stored_rows())
    with transaction() as session:
        session.execute(insert(Onboarding), [row for _, _, row in rows])
    for state, case, row in rows:
        with transaction() as session:
            for event, kind in product((*MAY, *UNKNOWN), (*ACTORS, "nobody")):
                moved += check_one(session, row["id"], state, case, event, kind)
                fired += 1
            session.rollback()
    took = time.perf_counter() - began
    with capsys.disabled():
        said = f"{fired:,} events, {moved:,} moves, {fired - moved:,} refusals, {took:.1f} s"
        print(f"\n  {said}")  # noqa: T201 - the figures
    assert moved > 1000


def check_one(
    session: Session, onboarding_id: UUID, state: str, case: Case, event: str, kind: str
) -> bool:
    """One event; True if it moved, and then it is taken back."""
    expected = expected_target(state, event, case) if kind in MAY.get(event, ()) else None
    why = f"{event} by {kind} in {state} with {case}"
    before = written(session)
    if expected is None:
        with pytest.raises(refusal(event, kind)):
            lifecycle.fire(session, onboarding_id, event, Actor(kind, "tests"))
        assert [*session.dirty, *session.new, *session.deleted] == [], why
        assert written(session) == before, why
        return False
    with session.begin_nested() as point:
        after = lifecycle.fire(session, onboarding_id, event, Actor(kind, "tests"))
        assert (after.state, after.sequence) == (expected, 2), why
        assert session.get_one(Transition, (onboarding_id, 2)).target == expected, why
        assert written(session) > before, why
        point.rollback()
    return True


def refusal(event: str, kind: str) -> type[Refusal]:
    if event not in MAY:
        return EventUnknown
    return EventNotAllowed if kind in MAY[event] else EventNotYours


def written(session: Session) -> int:
    raw = session.connection().connection.driver_connection
    assert raw is not None
    changes: int = raw.total_changes
    return changes


def stored_rows() -> Iterator[tuple[str, Case, dict[str, Any]]]:
    """An onboarding in every state with every set of facts that the database lets in."""
    for state, case in product(STATES, STORED):
        if case.connection_type is None and state not in ("started", "cancelled", "expired"):
            continue
        now = datetime.now(UTC)
        yield (
            state,
            case,
            {
                "id": (onboarding_id := new_id()),
                "reference": f"T-{onboarding_id.hex[-12:]}",
                "state": state,
                "sequence": 1,
                "rule_set": "tests",
                "locale": "en",
                "connection_type": case.connection_type,
                "credential_mode": case.credential_mode,
                "contact_verified_at": now if case.contact_verified else None,
                "answers": {},
                "reminders": 0,
                "wakes_at": now if state in OPEN else None,
                "entered_at": now,
            },
        )
