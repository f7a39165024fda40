"""How a run is carried out: each item once, whoever dies, resting where something is wrong."""

import pytest
from sqlalchemy import Engine

from onboarding import finding, queries, running, runs
from onboarding.db import reading, transaction
from onboarding.errors import (
    NotEligible,
    Refusal,
)
from onboarding.filters import Filter
from onboarding.runs import Plan
from onboarding.sealing import Keyring
from tests import builders
from tests.acting import a_lead, findings, trail
from tests.at_runs import begin, fail_for_good, look, outcomes, slices, some, steer, the_run, work
from tests.commands.incidents import an_incident
from tests.racing import race
from workers import clock


def test_a_run_does_it_to_each_once_and_says_what_came_of_it(
    database: Engine, ring: Keyring
) -> None:
    some(3)
    some(1, "secret_ready")
    who = a_lead()
    number = begin(ring, who, look(who, "recheck_aggregator"))
    work()
    run = the_run(number)
    assert (run.status, run.next_at) == ("done", None)
    assert outcomes(number) == {"done": 3, "not_eligible": 1}
    rechecked = [entry for entry in trail() if entry.action == "recheck_aggregator"]
    assert [entry.details["run"] for entry in rechecked] == [number] * 3
    assert {entry.actor for entry in rechecked} == {who.id}
    assert (trail()[-1].action, trail()[-1].details["items"]) == (
        "run.begin",
        {"waiting": 3, "not_eligible": 1},
    )
    assert findings() == []


def test_what_moves_on_while_it_waits_is_left_alone_and_written_down(
    database: Engine, ring: Keyring
) -> None:
    moved, *_ = some(2)
    who = a_lead()
    number = begin(ring, who, look(who, "recheck_aggregator"))
    builders.fire(moved, "cancel")
    work()
    assert outcomes(number) == {"done": 1, "refused": 1}
    assert [e.outcome for e in trail() if e.onboarding_id == moved] == ["refused"]


def test_the_first_ones_are_carried_out_and_then_it_waits(database: Engine, ring: Keyring) -> None:
    some(4)
    who = a_lead()
    number = begin(ring, who, look(who, "recheck_aggregator"), Plan(first=2, pace=6000))
    work()
    assert (the_run(number).status, the_run(number).why) == ("paused", "first")
    assert outcomes(number) == {"done": 2, "waiting": 2}
    assert steer(ring, who, "resume", number) == "running"
    work()
    assert (the_run(number).status, outcomes(number)) == ("done", {"done": 4})


def test_it_rests_where_too_many_fail_and_only_those_are_tried_again(
    database: Engine, ring: Keyring
) -> None:
    for _ in range(8):
        an_incident()
    who = a_lead()
    plan = Plan(first=0, pace=180, stop_above=50)
    number = begin(ring, who, look(who, "retry", failing="yes"), plan)
    slices()
    fail_for_good("generate_secret")
    slices()
    run = the_run(number)
    assert (run.status, run.why) == ("paused", "failures")
    assert outcomes(number)["failed"] >= 5
    failed = outcomes(number)["failed"]
    again = begin(ring, who, look(who, "retry", run=str(number), failing="yes"))
    with reading() as session:
        assert finding.count(session, Filter(run=str(number), failing="yes")) == 8
    work()
    assert outcomes(again)["done"] >= failed
    assert steer(ring, who, "abort", number) == "aborted"


def test_a_run_that_rests_or_was_ended_does_nothing_more(database: Engine, ring: Keyring) -> None:
    for step in ("pause", "abort"):
        waiting = some(2)
        who = a_lead()
        number = begin(ring, who, look(who, "recheck_aggregator", state="awaiting_aggregator"))
        clock.promise_slices()
        steer(ring, who, step, number)
        builders.work()
        assert outcomes(number)["waiting"] >= 2
        assert {builders.state_of(each) for each in waiting} == {"awaiting_aggregator"}
        with pytest.raises(NotEligible):
            steer(ring, who, "agree", number)


def test_workers_that_are_at_the_same_run_share_its_items(
    postgresql: Engine, ring: Keyring
) -> None:
    some(12)
    who = a_lead()
    number = begin(ring, who, look(who, "recheck_aggregator"))
    run_id = the_run(number).id
    positions = range(1, 13)

    def carry_out() -> int:
        done = 0
        for position in positions:
            try:
                with transaction() as session:
                    running.carry_out(session, ring, run_id, position)
            except Refusal:
                continue
            done += 1
        return done

    race(*[carry_out] * 4)
    assert [e.action for e in trail(50)].count("recheck_aggregator") == 12
    with reading() as session:
        for item in runs.items(session, run_id, 99):
            steps = queries.history(session, item.onboarding_id)
            assert [step.actor_kind for step in steps].count("operator") == 1


def test_a_run_goes_on_where_a_worker_has_died(database: Engine, ring: Keyring) -> None:
    some(3)
    who = a_lead()
    number = begin(ring, who, look(who, "recheck_aggregator"))
    clock.promise_slices()
    with transaction() as session:
        running.carry_out(session, ring, the_run(number).id, 1)
    builders.work()
    work()
    assert outcomes(number) == {"done": 3}
    assert [e.action for e in trail(50)].count("recheck_aggregator") == 3


def test_what_nobody_has_foreseen_is_a_failure_of_one(database: Engine, ring: Keyring) -> None:
    some(2)
    who = a_lead()
    number = begin(ring, who, look(who, "recheck_aggregator"))
    with transaction() as session:
        running.break_off(session, the_run(number).id, 1)
    work()
    assert (the_run(number).status, outcomes(number)) == ("done", {"failed": 1, "done": 1})
