"""An event that comes alone takes one round trip, and has the same outcome as one within a transaction."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text, update

from onboarding import alone, lifecycle, queries, ways
from onboarding.access import PLATFORM, Actor
from onboarding.chart import MAY_FIRE, REVOKES
from onboarding.consequences import CONSEQUENCES
from onboarding.db import now, reading, transaction
from onboarding.errors import EventNotAllowed, EventNotYours, EventUnknown, MovedOn, NotFound
from onboarding.ids import new_id
from onboarding.models import Onboarding
from onboarding.outbox import Announcement
from tests.builders import SELLER, an_onboarding, fire, promised, state_of, the, work
from tests.dumping import dump
from tests.racing import race, winners
from tests.test_relay import until

PLUGIN = {"connection_type": "plugin"}
AGGREGATOR = {
    "connection_type": "aggregator",
    "credential_mode": "delegated",
    "aggregator_id": None,
    "aggregator_name": "Feedwise",
}


def start(**given: str) -> UUID:
    return alone.start(SELLER, locale="en", rule_set="tests", **given)


def test_a_journey_leaves_the_rows_that_transactions_leave(database: Engine) -> None:
    ours = start(contact_email="seller@shop.example")
    theirs = an_onboarding("started", email="seller@shop.example")
    assert told(ours) == told(theirs)
    for sequence, choices in enumerate((PLUGIN, AGGREGATOR), start=2):
        given: dict[str, Any] = {"choices": choices, "details": {"why": "asked for three values"}}
        assert alone.fire(ours, "choose_type", SELLER, **given) == sequence
        fire(theirs, "choose_type", **given)
        assert told(ours) == told(theirs)
    assert [m.task for m in promised(onboarding_id=ours)] == ["check_aggregator"]


@pytest.mark.parametrize("event", sorted({*MAY_FIRE} - REVOKES - {*CONSEQUENCES}))
def test_every_way_leads_where_the_chart_leads(postgresql: Engine, event: str) -> None:
    """With the same history and the same promises, from every state that the event leads out of."""
    actor = Actor(min(MAY_FIRE[event]), "somebody")
    choices = AGGREGATOR if event == "choose_type" else None
    possible = ways.of(event, ("aggregator", "delegated") if choices else None)
    for state in sorted({each.split()[0] for each in possible.standings}):
        ours, theirs = (an_onboarding(state, email="seller@shop.example") for _ in range(2))
        with transaction() as session:
            session.execute(update(Onboarding).values(contact_verified_at=now()))
        alone.fire(ours, event, actor, choices=choices)
        with transaction() as session:
            lifecycle.fire(session, theirs, event, actor, choices=choices)
        *rows, steps = zip(told(ours), told(theirs), strict=True)
        assert all(one == other for one, other in rows)
        # Client IDs stand in the steps before.
        assert steps[0][-1] == steps[1][-1]
        assert promises_of(ours) == promises_of(theirs)


def promises_of(onboarding_id: UUID) -> list[tuple[object, ...]]:
    made = promised(onboarding_id=onboarding_id)
    return sorted((m.task, str(m.about), m.sequence, m.attempts, m.max_attempts) for m in made)


def told(onboarding_id: UUID) -> tuple[Any, ...]:
    """All that is not an ID or an instant."""
    row = the(onboarding_id)
    with reading() as session:
        steps = [
            (s.sequence, s.event, s.source, s.target, s.actor_kind, s.actor_id, s.details)
            for s in queries.history(session, onboarding_id)
        ]
    chosen = (row.connection_type, row.credential_mode, row.aggregator_name)
    wakes_after = row.wakes_at and row.wakes_at - row.entered_at
    contact = (row.contact_email, row.contact_hash)
    return row.state, row.sequence, wakes_after, contact, row.answers, chosen, steps


def test_workers_are_told_once_it_is_durable(
    database: Engine, published: list[Announcement]
) -> None:
    onboarding_id = start()
    alone.fire(onboarding_id, "choose_type", SELLER, choices=AGGREGATOR)
    assert [(each.task, each.id) for each in published] == [("check_aggregator", promised()[0].id)]
    work(onboarding_id)
    assert state_of(onboarding_id) == "awaiting_aggregator"


def test_every_refusal_writes_nothing(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email="seller@shop.example")
    before = dump(database)
    for refusal, wanted, event_, actor, expected in (
        (NotFound, new_id(), "confirm", SELLER, None),
        (EventUnknown, onboarding_id, "start", SELLER, None),
        (EventNotYours, onboarding_id, "choose_type", PLATFORM, None),
        (EventNotAllowed, onboarding_id, "confirm", SELLER, None),
        (EventNotAllowed, onboarding_id, "issue_id", SELLER, None),
        (MovedOn, onboarding_id, "choose_type", SELLER, 1),
    ):
        with pytest.raises(refusal):
            alone.fire(wanted, event_, actor, expected=expected, choices=PLUGIN)
    assert dump(database) == before


def test_what_follows_from_an_event_follows(database: Engine) -> None:
    """A client is revoked with the event: that takes more than one statement."""
    onboarding_id = an_onboarding("secret_ready")
    alone.fire(onboarding_id, "cancel", SELLER)
    assert state_of(onboarding_id) == "cancelled"
    assert [m.task for m in promised(onboarding_id=onboarding_id)][-1] == "revoke_client"


def test_of_sixteen_one_wins(database: Engine) -> None:
    onboarding_id = an_onboarding("seller_linked")
    expected = the(onboarding_id).sequence
    outcomes = race(*(lambda: alone.fire(onboarding_id, "confirm", SELLER) for _ in range(16)))
    assert winners(outcomes) == [expected + 1]
    assert Counter(m.task for m in promised(onboarding_id=onboarding_id))["verify_connection"] == 1


def test_who_was_faster_counts(postgresql: Engine) -> None:
    """It waits for who holds the row, and is decided on what is there then."""
    onboarding_id = start()
    with held_up_by("choose_type", onboarding_id, choices=PLUGIN) as moved:
        moving = moved(lambda: alone.fire(onboarding_id, "choose_type", SELLER, choices=AGGREGATOR))
    assert moving.result() == 3
    other = an_onboarding("seller_linked")
    with held_up_by("unlink_seller", other) as moved:
        refused = moved(lambda: alone.fire(other, "confirm", SELLER))
    error = refused.exception()
    assert isinstance(error, EventNotAllowed)
    assert error.facts()["state"] == "awaiting_seller"


@contextmanager
def held_up_by(
    event: str, onboarding_id: UUID, **given: Any
) -> Iterator[Callable[[Callable[[], int]], "Future[int]"]]:
    """Somebody moves it, and commits when something else has come that waits for the row."""
    with ThreadPoolExecutor() as other, transaction() as session:
        lifecycle.fire(session, onboarding_id, event, SELLER, **given)

        def moved(do: Callable[[], int]) -> "Future[int]":
            waiting = other.submit(do)
            until(somebody_waits)
            return waiting

        yield moved


def somebody_waits() -> bool:
    with reading() as session:
        asked = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(session.scalar(asked))


def test_it_stands_inside_no_other_transaction(database: Engine) -> None:
    onboarding_id = start()
    with pytest.raises(RuntimeError), transaction():
        alone.fire(onboarding_id, "choose_type", SELLER, choices=PLUGIN)
    assert state_of(onboarding_id) == "started"
