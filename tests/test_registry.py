"""Aggregators: what the registry says, and that a change of it reaches everybody who waits."""

from collections import Counter
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from onboarding import lifecycle, registry
from onboarding.access import PLATFORM
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.ids import new_id
from onboarding.models import Aggregator, Onboarding, Transition
from tests import builders
from tests.acting import findings
from tests.builders import OPERATOR, an_onboarding, fire, handle, promised, state_of, the
from tests.test_offers import a_step_that_nobody_took
from workers import turns

ON_REST = {"status": "registered", "uses_rest": True, "asks_for": "delegated"}


def record(name: str, aggregator_id: str | None = None, **facts: object) -> str:
    """What the marketplace knows; returns the aggregator's ID."""
    with transaction() as session:
        known = ON_REST | facts
        return registry.upsert(session, name=name, aggregator_id=aggregator_id, **known).id  # type: ignore[arg-type]


def choose(aggregator: str) -> UUID:
    """An onboarding that has named its aggregator and has been checked."""
    onboarding_id = an_onboarding()
    handle(
        onboarding_id,
        "choose_type",
        connection_type="aggregator",
        credential_mode="delegated",
        aggregator=aggregator,
    )
    builders.work(onboarding_id)
    return onboarding_id


@pytest.mark.parametrize(
    ("facts", "state", "cause"),
    [
        ({}, "awaiting_seller", None),
        ({"uses_rest": False}, "awaiting_aggregator", "aggregator_soap_only"),
        ({"status": "suspended"}, "awaiting_aggregator", "aggregator_suspended"),
        ({"status": "unregistered"}, "awaiting_aggregator", "aggregator_not_registered"),
        (None, "awaiting_aggregator", "aggregator_not_registered"),
    ],
)
def test_an_aggregator_is_checked(
    database: Engine, facts: dict[str, object] | None, state: str, cause: str | None
) -> None:
    if facts is not None:
        record("Feed Émile", **facts)  # type: ignore[arg-type]
    onboarding_id = choose("feed émile")
    assert state_of(onboarding_id) == state
    with transaction() as session:
        last = session.get_one(Transition, (onboarding_id, the(onboarding_id).sequence))
    assert last.details == ({"cause": cause} if cause else {})


@pytest.mark.parametrize(
    "spelling", ["Feed Émile", "FEED EMILE", " feed-émile ", "feed_emile", "feed-emile"]
)
def test_an_aggregator_is_found_however_it_is_spelled(database: Engine, spelling: str) -> None:
    known = record("Feed Émile")
    row = the(choose(spelling))
    assert (row.aggregator_id, row.aggregator_name) == (known, "Feed Émile")


@pytest.mark.parametrize("similar", ["Feed Emil", "Feed Emile 2", "Feedemile", "Emile Feed", "%"])
def test_a_similar_name_is_another_aggregator(database: Engine, similar: str) -> None:
    record("Feed Émile")
    assert the(choose(similar)).aggregator_id is None


@given(st.text(max_size=100))
def test_a_folded_name_stays_as_it_is(name: str) -> None:
    folded = registry.fold(name)
    assert registry.fold(folded) == folded
    assert folded == folded.strip()


@given(st.text(max_size=60), st.sampled_from(" -_.,'"))
def test_folding_sees_neither_case_nor_punctuation(name: str, mark: str) -> None:
    assert registry.fold(f"{mark}{name}{mark} ") == registry.fold(name)
    assert registry.fold(name.casefold()) == registry.fold(name)


def test_a_change_of_the_registry_moves_everybody_who_waits(database: Engine) -> None:
    """250 of them, in batches; those who wait for somebody else stay where they are."""
    known = record("Feedwise", status="unregistered")
    builders.work()
    waiting = park(125, known, "Feedwise", None) + park(125, None, "FEEDWISE!", "feedwise")
    others = park(5, None, "Another", "another")
    record("Feedwise")
    builders.work()
    assert states_of(waiting) == {"awaiting_seller": 250}
    assert states_of(others) == {"awaiting_aggregator": 5}
    assert promised() == []


def test_a_change_that_changes_nothing_leaves_everybody_waiting(database: Engine) -> None:
    known = record("Feedwise", uses_rest=False)
    builders.work()
    waiting = park(registry.BATCH + 20, known, "Feedwise", None)
    record("Feedwise", uses_rest=False)
    builders.work()
    assert states_of(waiting) == {"awaiting_aggregator": registry.BATCH + 20}


def test_whoever_left_while_the_registry_changed_stays_where_he_went(database: Engine) -> None:
    gone, here = (an_onboarding("awaiting_aggregator") for _ in range(2))
    record("Catalogue Express")
    fire(gone, "cancel")
    builders.work()
    assert state_of(gone) == "cancelled"
    assert state_of(here) != "awaiting_aggregator"


def test_one_who_cannot_be_rechecked_keeps_nobody_else_waiting(database: Engine) -> None:
    """It is tried again by itself, until it is an incident of its own."""
    record("Catalogue Express", uses_rest=False)
    builders.work()
    broken, *others = (an_onboarding("awaiting_aggregator") for _ in range(3))
    a_step_that_nobody_took(broken)
    record("Catalogue Express")
    for _ in range(4):
        for message in promised():
            builders.end_the_rest_of(message.id)
            turns.run(str(message.id))
    assert states_of(others) == {"type_chosen": 2}
    assert state_of(broken) == "awaiting_aggregator"
    (left,) = promised("recheck_parked")
    assert (left.onboarding_id, left.cause) == (broken, "task_failed")
    assert [each for each in findings() if "recheck_parked" in each] == []


def test_a_recheck_that_runs_twice_moves_once(database: Engine) -> None:
    onboarding_id = an_onboarding("awaiting_aggregator")
    for _ in range(2):
        record("Catalogue Express", uses_rest=False)
    for message in promised("recheck_parked"):
        turns.run(str(message.id))
    assert len(promised("check_aggregator")) == 1
    assert state_of(onboarding_id) == "checking_aggregator"


def test_who_is_parked_while_the_registry_changes_is_not_forgotten(postgresql: Engine) -> None:
    """The check has looked, the change is made, and only then the check commits its refusal."""
    known = record("Feedwise", status="suspended")
    onboarding_id = an_onboarding("checking_aggregator", aggregator="Feedwise")
    record("Feedwise", status="suspended")
    builders.work(but_not=onboarding_id)
    changed = Event()

    def change() -> None:
        record("Feedwise")
        builders.work(but_not=onboarding_id)
        changed.set()

    changing = Thread(target=change)
    with transaction() as session:
        onboarding = lifecycle.lock(session, onboarding_id)
        assert not registry.check(session, onboarding).approved
        changing.start()
        changed.wait(1)
        lifecycle.fire(session, onboarding_id, "refuse_aggregator", PLATFORM)
    changing.join(20)
    builders.work()
    assert known == the(onboarding_id).aggregator_id
    assert state_of(onboarding_id) == "type_chosen"


def test_recording_again_changes_the_same_aggregator(database: Engine) -> None:
    first = record("Feedwise")
    assert record("FEEDWISE", status="suspended") == first
    assert record("Feedwise Group", aggregator_id=first) == first
    with transaction() as session:
        (row,) = registry.known(session)
    assert (row.name, row.folded_name, row.status) == (
        "Feedwise Group",
        "feedwise group",
        "registered",
    )


def test_two_aggregators_never_share_a_name(database: Engine) -> None:
    record("Feedwise")
    other = record("Channel Harbour")
    with pytest.raises(Invalid):
        record("feedwise", aggregator_id=other)


def test_a_name_that_became_free_may_be_taken(database: Engine) -> None:
    first = record("Feedwise")
    record("Feedwise Group", aggregator_id=first)
    assert (first, record("Feedwise")) == ("feedwise", "feedwise-2")


def test_two_long_names_that_begin_alike_are_two_aggregators(database: Engine) -> None:
    first, second = record("a" * 70 + " one"), record("a" * 70 + " two")
    assert first != second


@pytest.mark.parametrize(
    "wrong", [{"status": "gone"}, {"asks_for": "everything"}, {"name": "!?"}, {"name": ""}]
)
def test_what_no_aggregator_can_be_is_refused(database: Engine, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        record(**({"name": "Feedwise"} | wrong))
    with transaction() as session:
        assert session.scalars(select(Aggregator)).all() == []
    assert promised() == []


def test_samples_are_added_once_and_never_over_what_is_known(database: Engine) -> None:
    record("Feedwise", status="suspended")
    for _ in range(2):
        with transaction() as session:
            registry.add_samples(session)
    with transaction() as session:
        assert len(registry.known(session)) == len(registry.SAMPLES)
        feedwise = registry.find(session, "feedwise")
    assert feedwise is not None
    assert feedwise.status == "suspended"


def test_an_operator_may_overrule_the_registry(database: Engine) -> None:
    onboarding_id = an_onboarding("checking_aggregator", aggregator="Unknown Feeds")
    assert fire(onboarding_id, "approve_aggregator", OPERATOR).state == "type_chosen"


def states_of(ids: list[UUID]) -> Counter[str]:
    with reading() as session:
        return Counter(session.scalars(select(Onboarding.state).where(Onboarding.id.in_(ids))))


def park(count: int, aggregator_id: str | None, name: str, folded: str | None) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    rows: list[dict[str, Any]] = [
        {
            "id": one,
            "reference": f"P-{one.hex[-14:]}",
            "state": "awaiting_aggregator",
            "sequence": 1,
            "rule_set": "tests",
            "locale": "en",
            "connection_type": "aggregator",
            "credential_mode": "delegated",
            "aggregator_id": aggregator_id,
            "aggregator_name": name,
            "aggregator_folded_name": folded,
            "answers": {},
            "reminders": 0,
        }
        for one in ids
    ]
    with transaction() as session:
        session.execute(insert(Onboarding), rows)
    return ids


@pytest.mark.parametrize("name", ["New\nTool", "!!!", "New\u202eTool"])
def test_one_from_before_names_were_checked_keeps_its_own_and_gets_no_other_such(
    database: Engine, name: str
) -> None:
    said: dict[str, Any] = {"uses_rest": True, "asks_for": "full", "aggregator_id": "tool"}
    with transaction() as session:
        registry.upsert(session, name="Tool", status="registered", **said).name = name
    with transaction() as session:
        kept = registry.upsert(session, name=name, status="suspended", **said)
        assert (kept.name, kept.status) == (name, "suspended")
        with pytest.raises(Invalid):
            registry.upsert(session, name=f"{name} ", status="suspended", **said)
