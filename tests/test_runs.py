"""Runs: looked at without a trace, begun on a frozen set, and steered by those who may."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from onboarding import actions, archiving, runs
from onboarding.actions import ACTIONS
from onboarding.db import reading
from onboarding.errors import (
    Invalid,
    NotEligible,
    PreviewUsed,
    RoleNeeded,
    SecondPersonNeeded,
)
from onboarding.filters import Filter
from onboarding.models import Run
from onboarding.operators import Who
from onboarding.runs import Plan
from onboarding.sealing import Keyring
from onboarding.setting_values import RISKY
from onboarding.settings import Settings
from tests import builders
from tests.acting import WHY, a_lead, trail
from tests.at_runs import (
    begin,
    look,
    outcomes,
    some,
    steer,
    the_run,
    work,
)
from tests.dumping import dump


def test_what_is_risky_is_what_a_lead_decides() -> None:
    decided = {name for name, action in ACTIONS.items() if action.permission == "decide"}
    assert set(RISKY) == decided | {"bulk"}


def test_a_view_is_looked_at_one_by_one_and_nothing_is_written(database: Engine) -> None:
    able = some(2)
    some(1, "secret_ready")
    who = a_lead()
    before = dump(database)
    with reading() as session:
        seen = runs.look(session, who, "recheck_aggregator", "", Filter())
    assert {each.id for each in seen if each.why_not is None} == set(able)
    assert [each.why_not for each in seen if each.why_not] == [
        "It is not possible where this stands now"
    ]
    assert dump(database) == before


def test_where_all_were_archived_meanwhile_nothing_is_begun(
    database: Engine, ring: Keyring, tmp_path: Path
) -> None:
    over, who = builders.an_onboarding("cancelled"), a_lead()
    builders.work(over)
    builders.age(over, timedelta(days=40))
    chosen = look(who, "note", state="cancelled")
    assert [each.count for each in archiving.archive(30, tmp_path / "archive")] == [1]
    before = dump(database)
    with pytest.raises(NotEligible, match="none that it can be done to"):
        begin(ring, who, chosen)
    assert dump(database) == before


def test_a_set_is_frozen_when_it_is_looked_at(database: Engine, ring: Keyring) -> None:
    moved, *_ = some(2)
    who = a_lead()
    chosen = look(who, "recheck_aggregator", state="awaiting_aggregator")
    some(1)
    builders.fire(moved, "start_over")
    number = begin(ring, who, chosen)
    work()
    assert outcomes(number) == {"done": 1, "refused": 1}
    with reading() as session:
        (left,) = runs.items(session, the_run(number).id, 9, outcome="refused")
    assert (left.onboarding_id, left.why) == (moved, "moved_on")


def test_what_takes_something_back_takes_two(database: Engine, ring: Keyring) -> None:
    """T36."""
    waiting = some(2)
    mara, li = a_lead("Mara"), a_lead("Li")
    number = begin(ring, mara, look(mara, "cancel"), proposed=True)
    work()
    assert {builders.state_of(each) for each in waiting} == {"awaiting_aggregator"}
    with pytest.raises(SecondPersonNeeded):
        steer(ring, mara, "agree", number)
    with pytest.raises(RoleNeeded):
        steer(ring, Who("operator:x", "X", "operator"), "agree", number)
    assert steer(ring, li, "agree", number) == "running"
    work()
    assert {builders.state_of(each) for each in waiting} == {"cancelled"}
    assert {e.actor for e in trail() if e.action == "cancel"} == {mara.id}
    assert the_run(number).agreed_by == li.id


def test_a_proposal_is_declined_or_taken_back(database: Engine, ring: Keyring) -> None:
    some(1)
    mara, li = a_lead("Mara"), a_lead("Li")
    for who in (mara, li):
        number = begin(ring, mara, look(mara, "cancel"), proposed=True)
        assert steer(ring, who, "decline", number) == "declined"
        with pytest.raises(NotEligible):
            steer(ring, li, "agree", number)


@pytest.mark.parametrize(
    ("four_eyes", "action", "many", "needed"),
    [
        ("approve_aggregator,bulk", "approve_aggregator", False, True),
        ("approve_aggregator,bulk", "cancel", False, False),
        ("approve_aggregator,bulk", "cancel", True, True),
        ("approve_aggregator,bulk", "retry", True, False),
        ("", "cancel", True, False),
        ("cancel", "cancel", False, True),
    ],
)
def test_the_settings_say_what_takes_two(
    four_eyes: str,
    action: str,
    many: bool,  # noqa: FBT001
    needed: bool,  # noqa: FBT001
) -> None:
    assert runs.needs_another(Settings(four_eyes=four_eyes), action, many=many) == needed


def test_a_preview_begins_one_run(database: Engine, ring: Keyring) -> None:
    some(1)
    who = a_lead()
    chosen = look(who, "recheck_aggregator")
    begin(ring, who, chosen)
    with pytest.raises(PreviewUsed):
        begin(ring, who, chosen)
    with reading() as session:
        assert len(runs.latest(session, 9)) == 1


def test_what_was_searched_for_is_kept_masked(database: Engine, ring: Keyring) -> None:
    builders.an_onboarding("awaiting_seller", email="ada@shop.example")
    who = a_lead()
    number = begin(ring, who, look(who, "note", q="ada@shop.example"))
    assert the_run(number).query == "q=ad%2A%2A%2A"
    assert trail()[0].details["view"] == "q=ad%2A%2A%2A"


def test_where_there_is_nothing_to_do_nothing_begins(database: Engine) -> None:
    some(1)
    with pytest.raises(NotEligible):
        look(a_lead(), "retry")


@pytest.mark.parametrize("plan", [{"first": -1}, {"pace": 0}, {"pace": 6001}, {"stop_above": 101}])
def test_a_plan_has_bounds(plan: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        Plan(**plan)


def test_a_choice_is_kept_with_the_run(database: Engine, ring: Keyring) -> None:
    one = builders.an_onboarding("awaiting_seller")
    who = a_lead()
    number = begin(ring, who, look(who, "extend", "14"))
    work()
    assert builders.the(one).extra_days == 14
    assert the_run(number).choice == "14"
    with reading() as session, pytest.raises(Invalid):
        runs.look(session, who, "extend", "15", Filter())
    assert actions.of("extend").options is not None


def test_every_run_has_been_told(database: Engine, ring: Keyring) -> None:
    some(1)
    who = a_lead()
    number = begin(ring, who, look(who, "recheck_aggregator"))
    for step in ("pause", "resume", "abort"):
        steer(ring, who, step, number)
    said = [(e.action, e.reason, e.details["run"]) for e in reversed(trail())]
    assert said == [(f"run.{s}", WHY, number) for s in ("begin", "pause", "resume", "abort")]
    with reading() as session:
        assert session.scalar(select(Run.status)) == "aborted"
