"""In a healthy database the checker finds nothing, whatever state it is in and whatever is running."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from sqlalchemy import Engine, update

from onboarding import credentials, fences, invariants, outbox, redelivery, registry
from onboarding.chart import NEXT_MOVE, STATES
from onboarding.db import transaction
from onboarding.models import Onboarding
from tests import builders
from tests.builders import DELEGATED_ROADS, OPERATOR, ROADS
from workers import clock
from workers.publisher import EmbeddedPublisher

EMAIL = "seller@shop.example"


def wrong(stretch: int = 5000) -> list[str]:
    return [str(finding) for finding in invariants.violations(stretch=stretch)]


def test_an_empty_database_is_well(database: Engine) -> None:
    assert wrong() == []


def test_every_state_is_well_before_and_after_the_work_is_done(database: Engine) -> None:
    for state in ROADS:
        builders.an_onboarding(state, email=EMAIL)
    for state in DELEGATED_ROADS:
        builders.an_onboarding(state, delegated=True)
    assert set(ROADS) == set(STATES)
    assert wrong() == []
    builders.work()
    assert wrong(stretch=7) == []


def test_every_detour_is_well(database: Engine) -> None:
    """Secrets made again, accounts unlinked, all begun anew: and letters that nobody sends any more."""
    walk = builders.a_walk("secret_revealed", email=EMAIL)
    for again in ("reissue_secret", "start_over"):
        builders.fire(walk.id, again, OPERATOR)
    builders.work(walk.id)
    for step in ["choose", "issue", "work", "reveal", "acknowledge", "link"]:
        builders.STEPS[step](walk)
    builders.fire(walk.id, "unlink_seller")
    assert wrong() == []
    reminded = builders.an_onboarding("type_chosen", email=EMAIL)
    builders.age(reminded, NEXT_MOVE["type_chosen"].reminders[0])
    assert clock.sweep().done == 1
    # Overtaken: the reminder is not sent.
    builders.fire(reminded, "cancel")
    builders.work()
    assert wrong() == []


def test_an_address_that_came_later_calls_for_no_letter_of_before(database: Engine) -> None:
    onboarding_id = builders.an_onboarding("secret_revealed")
    with transaction() as session:
        here = update(Onboarding).where(Onboarding.id == onboarding_id)
        session.execute(here.values(contact_email=EMAIL))
    builders.fire(onboarding_id, "cancel")
    builders.work()
    assert wrong() == []


def test_incidents_and_their_retry_are_well(database: Engine) -> None:
    onboarding_id = builders.an_onboarding("issuing_secret")
    (message,) = builders.promised("generate_secret", onboarding_id)
    for _ in range(outbox.MAX_ATTEMPTS):
        with transaction() as session:
            claim = outbox.claim(session, message.id)
            assert claim is not None
            outbox.fail(session, claim, "task_failed", "it broke")
        assert wrong() == []
        builders.end_the_rest_of(message.id)
    with transaction() as session:
        assert redelivery.retry(session, message.id)
    assert wrong() == []
    # Nobody waits for it any more; until a worker has seen that, it is there.
    builders.fire(onboarding_id, "cancel")
    assert wrong() == []


def test_a_secret_of_another_history_that_was_destroyed_early_is_well(database: Engine) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    with transaction() as session:
        assert fences.forfeit(session, onboarding_id)
    assert wrong() == []


def test_a_registry_that_changes_twice_before_anybody_looks_is_well(database: Engine) -> None:
    builders.an_onboarding("awaiting_aggregator")
    for uses_rest in (True, False):
        with transaction() as session:
            registry.upsert(
                session,
                name="Catalogue Express",
                status="registered",
                uses_rest=uses_rest,
                asks_for="full",
            )
    assert wrong() == []


def test_who_waits_for_an_aggregator_is_well_when_it_comes(database: Engine) -> None:
    waits = [builders.an_onboarding("awaiting_aggregator") for _ in range(2)]
    builders.work()
    with transaction() as session:
        registry.upsert(
            session,
            name="Catalogue Express",
            status="registered",
            uses_rest=True,
            asks_for="full",
        )
    assert wrong() == []
    builders.work()
    assert [builders.state_of(each) for each in waits] == ["type_chosen"] * 2
    assert wrong() == []


def test_what_looks_like_a_secret_and_is_none_is_well(database: Engine) -> None:
    onboarding_id = builders.an_onboarding("started")
    example = credentials.new_secret("mkt", live=True)[:-1] + "?"
    with transaction() as session:
        here = update(Onboarding).where(Onboarding.id == onboarding_id)
        session.execute(here.values(answers={"note": f"such as {example} or shop_live_1"}))
    assert wrong() == []


def test_journeys_that_go_on_meanwhile_are_well(database: Engine) -> None:
    """Every look is at one instant: half of a transaction is never seen."""
    # The first look prepares the selects, which takes longer than a journey.
    assert wrong(stretch=2) == []
    with closing(EmbeddedPublisher(2)) as publisher, ThreadPoolExecutor(3) as pool:
        outbox.publish_with(publisher.publish)
        walks = [pool.submit(builders.an_onboarding, "confirmed", email=EMAIL) for _ in range(9)]
        looks = 0
        while not all(walk.done() for walk in walks):
            assert wrong(stretch=2) == []
            looks += 1
        for walk in walks:
            walk.result()
    assert looks
    builders.work()
    assert wrong() == []
