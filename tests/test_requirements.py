"""What is due: in every state, from whom, until when, and the same as the history says."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from onboarding import conditions, db, queries, requirements
from onboarding.access import PLATFORM
from onboarding.chart import NEXT_MOVE, STATES
from onboarding.db import reading, transaction
from onboarding.models import Message
from onboarding.requirements import Requirements
from tests import builders

LINK = ("link_seller", "confirm", "verification_passed")
SECRET = ("secret_generated", "reveal_secret", "acknowledge_secret")


def of(onboarding_id: object) -> Requirements:
    with reading() as session:
        found = queries.by_id(session, onboarding_id)  # type: ignore[arg-type]
        return requirements.of(session, found)


def codes(found: Requirements) -> tuple[list[str], list[str], list[str]]:
    lists = (found.currently_due, found.pending_verification, found.eventually_due)
    now, ours, later = ([due.code for due in each] for each in lists)
    return now, ours, later


@pytest.mark.parametrize("state", sorted(NEXT_MOVE))
@pytest.mark.parametrize("delegated", [False, True])
def test_what_is_due_is_what_the_history_lacks(
    sqlite: Engine, state: str, *, delegated: bool
) -> None:
    if delegated and state not in builders.DELEGATED_ROADS and "aggregator" not in state:
        delegated = False
    walked = builders.an_onboarding(state, delegated=delegated)
    with reading() as session:
        onboarding = queries.by_id(session, walked)
        history = queries.history(session, walked)
        lacks = [c.code for c in conditions.conditions(onboarding, history) if c.met_at is None]
    now, ours, later = codes(of(walked))
    if state == "secret_lapsed":
        lacks = ["reissue_secret", *lacks]
    assert [*now, *ours, *later] == lacks
    assert bool(ours) == (NEXT_MOVE[state].whom == "platform")


@pytest.mark.parametrize("state", [s for s in STATES if s not in NEXT_MOVE])
def test_an_end_asks_for_nothing(sqlite: Engine, state: str) -> None:
    assert of(builders.an_onboarding(state)) == Requirements()


def test_a_proof_is_due_before_a_client_id(database: Engine) -> None:
    walked = builders.an_onboarding("type_chosen", connection_type="plugin")
    assert codes(of(walked)) == (["verified"], [], ["issue_id", *SECRET, *LINK])
    builders.vouch(builders.Walk(walked, {}))
    assert codes(of(walked)) == (["issue_id"], [], [*SECRET, *LINK])


def test_it_says_since_when_until_when_and_when_time_ends_it(database: Engine) -> None:
    walked = builders.an_onboarding("awaiting_seller")
    entered = builders.the(walked).entered_at
    (due,) = of(walked).currently_due
    assert (due.waiting_on, due.since) == ("seller", entered)
    assert due.due_at == entered + timedelta(days=7)
    assert of(walked).deadline == entered + timedelta(days=30)
    assert of(walked).past_due == ()
    builders.age(walked, timedelta(days=8))
    assert of(walked).past_due == of(walked).currently_due


def test_what_waits_for_us_is_late_too(database: Engine) -> None:
    walked = builders.an_onboarding("verifying")
    builders.age(walked, timedelta(minutes=11))
    assert of(walked).past_due == of(walked).pending_verification != ()


def test_whoever_waits_for_an_aggregator_is_told_why_and_what_else_there_is(
    database: Engine,
) -> None:
    walked = builders.an_onboarding("awaiting_aggregator")
    found = of(walked)
    assert (found.currently_due[0].waiting_on, found.blocked_reason) == (
        "aggregator",
        "aggregator_soap_only",
    )
    others = {each.event: each for each in found.alternatives}
    assert list(others) == ["choose_type", "recheck_aggregator", "start_over", "cancel"]
    assert set(others["choose_type"].leads_to) == {
        "redirected_to_soap",
        "checking_aggregator",
        "type_chosen",
    }
    assert others["cancel"].who == ("api", "operator", "seller")


def test_an_incident_is_what_blocks(database: Engine) -> None:
    walked = builders.an_onboarding("issuing_secret")
    assert of(walked).blocked_reason is None
    (message,) = builders.promised("generate_secret", walked)
    with transaction() as session:
        stuck = session.get_one(Message, message.id)
        stuck.cause, stuck.failed_at = "task_hangs", db.clock(session)
    assert of(walked).blocked_reason == "task_hangs"


def test_many_are_told_as_one_is(database: Engine) -> None:
    walked = [builders.an_onboarding(state) for state in ("started", "verifying", "cancelled")]
    with reading() as session:
        rows = [queries.by_id(session, each) for each in walked]
        assert requirements.of_many(session, rows) == {each: of(each) for each in walked}


def test_a_failed_verification_says_why(database: Engine) -> None:
    walked = builders.an_onboarding("verifying")
    cause = {"cause": "client_missing"}
    builders.fire(walked, "verification_failed", PLATFORM, details=cause)
    assert of(walked).blocked_reason == "client_missing"
    with reading() as session:
        assert db.clock(session) < of(walked).currently_due[0].due_at  # type: ignore[operator]
