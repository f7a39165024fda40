"""An event that comes alone takes two round trips, and has the same outcome as one within a transaction."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from onboarding import alone, db, queries
from onboarding.access import PLATFORM
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, EventNotYours, EventUnknown, MovedOn, NotFound
from onboarding.ids import new_id
from onboarding.outbox import Announcement
from tests.builders import SELLER, an_onboarding, fire, promised, state_of, the, work
from tests.dumping import dump
from tests.racing import race, winners

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


def told(onboarding_id: UUID) -> tuple[object, ...]:
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
    """Between the look and the write somebody moves it: it is decided again, on what is there now."""
    onboarding_id = start()
    with before_the_write(lambda: fire(onboarding_id, "choose_type", choices=PLUGIN)):
        assert alone.fire(onboarding_id, "choose_type", SELLER, choices=AGGREGATOR) == 3
    other = an_onboarding("seller_linked")
    with (
        before_the_write(lambda: fire(other, "unlink_seller")),
        pytest.raises(EventNotAllowed) as refused,
    ):
        alone.fire(other, "confirm", SELLER)
    assert refused.value.facts()["state"] == "awaiting_seller"


@contextmanager
def before_the_write(do: Callable[[], object]) -> Iterator[None]:
    """Something that another thread does once: after the look, which was the first to take a connection."""
    taken = []

    def look(*_: object) -> None:
        taken.append(True)
        if len(taken) == 2:
            with ThreadPoolExecutor() as other:
                other.submit(do).result()

    event.listen(db.engine(), "checkout", look)
    try:
        yield
    finally:
        event.remove(db.engine(), "checkout", look)
    assert len(taken) > 2


def test_it_stands_inside_no_other_transaction(database: Engine) -> None:
    onboarding_id = start()
    with pytest.raises(RuntimeError), transaction():
        alone.fire(onboarding_id, "choose_type", SELLER, choices=PLUGIN)
    assert state_of(onboarding_id) == "started"
