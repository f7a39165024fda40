"""What the marketplace's systems told is forgotten in time, and being told it again changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import Engine, select, update

from onboarding import db, inbound, inbound_kept
from onboarding.db import reading, transaction
from onboarding.models import Aggregator, InboundEvent
from tests import builders
from tests.racing import rounds, until_somebody_waits
from tests.telling import ENTRY, Event, a_source, tell, told
from workers import clock
from workers.inbound import put_in_order

REGISTERED = Event("aggregator.registered", "new-tool", 1, ENTRY)
SUSPENDED = Event("aggregator.suspended", "new-tool", 2)
REINSTATED = Event("aggregator.reinstated", "new-tool", 3)
RENAMED = Event("aggregator.registered", "new-tool", 4, ENTRY | {"name": "Newer Tool"})
SUSPENDED_SELLER = Event("seller.suspended", "S-1")
OLD = inbound_kept.KEPT_FOR + timedelta(minutes=1)


def age(by: timedelta = OLD) -> None:
    """All that was told came so much earlier and was settled then."""
    earlier = -by.total_seconds()
    changed = {
        "received_at": db.later(InboundEvent.received_at, earlier),
        "settled_at": db.later(InboundEvent.settled_at, earlier),
    }
    with transaction() as session:
        session.execute(update(InboundEvent).values(**changed))


def known() -> list[str]:
    """IDs of what is still known, by time."""
    with reading() as session:
        found = select(InboundEvent.event_id).order_by(InboundEvent.time, InboundEvent.event_id)
        return [*session.scalars(found)]


def test_the_latest_of_each_fact_stays_however_old(database: Engine) -> None:
    a_source()
    for one in (REGISTERED, SUSPENDED, REINSTATED):
        assert tell(one) == "applied"
    age()
    assert clock.clean().done == 1
    # What it is called was told first, and how it stands was told last.
    assert known() == [REGISTERED.its_id, REINSTATED.its_id]
    tell(RENAMED)
    assert clock.clean().done == 2
    assert known() == [RENAMED.its_id]


@pytest.mark.parametrize("order", [*permutations([REGISTERED, SUSPENDED, REINSTATED])])
def test_in_whatever_order_it_came(database: Engine, order: tuple[Event, ...]) -> None:
    a_source()
    for one in order:
        tell(one)
    age()
    assert clock.clean().done == 1
    assert known() == [REGISTERED.its_id, REINSTATED.its_id]


def test_of_two_that_come_at_once_the_later_one_stays(database: Engine) -> None:
    a_source()

    def one_of_two(number: int, racer: int) -> str:
        kind = ("seller.suspended", "seller.reinstated")[racer]
        return tell(Event(kind, f"S-{number}", racer))

    outcomes = rounds(10, 2, one_of_two)
    assert {second for _, second in outcomes} == {"applied"}, outcomes
    age()
    assert clock.clean().done == 10
    assert known() == [f"seller.reinstated-S-{number}-1" for number in range(10)]


def test_what_is_forgotten_and_told_again_changes_nothing(database: Engine) -> None:
    a_source()
    for one in (REGISTERED, SUSPENDED, REINSTATED, RENAMED):
        tell(one)
    age()
    clock.clean()
    before = told()
    assert [tell(one) for one in (REGISTERED, SUSPENDED, REINSTATED)] == ["stale"] * 3
    assert tell(RENAMED) == "applied"
    assert len(told()) == len(before) + 3
    with reading() as session:
        assert [*session.scalars(select(Aggregator.name))] == ["Newer Tool"]


def test_sellers_do_not_make_each_other_forgotten(database: Engine) -> None:
    a_source()
    first, other = Event("seller.suspended", "S-1", 1), Event("seller.suspended", "S-2", 2)
    for one in (first, other):
        tell(one)
    age()
    assert clock.clean().done == 0
    assert tell(Event("seller.reinstated", "S-1", 3)) == "applied"
    assert clock.clean().done == 1
    assert first.its_id not in known()


def test_what_came_too_late_goes_and_is_still_too_late(database: Engine) -> None:
    a_source()
    back, out = Event("seller.reinstated", "S-1", 2), Event("seller.suspended", "S-1", 1)
    assert (tell(back), tell(out)) == ("applied", "stale")
    age()
    assert clock.clean().done == 1
    assert tell(out) == "stale"


def test_what_waits_for_its_subject_waits_on_and_takes_effect(database: Engine) -> None:
    a_source()
    assert tell(SUSPENDED) == "parked"
    age()
    assert clock.clean().done == 0
    assert tell(REGISTERED) == "applied"
    assert [status for _, status in told()] == ["applied", "applied"]


def test_a_type_that_nobody_has_learned_is_forgotten(database: Engine) -> None:
    a_source()
    painted = Event("shop.painted", "S-1")
    assert tell(painted) == "unknown"
    age(by=inbound_kept.KEPT_FOR - timedelta(minutes=1))
    assert clock.clean().done == 0
    age(by=timedelta(minutes=2))
    assert clock.clean().done == 1
    assert tell(painted) == "unknown"


def test_what_is_dismissed_is_forgotten_as_long_after_that(database: Engine) -> None:
    a_source()
    assert tell(SUSPENDED) == "parked"
    age()
    with transaction() as session:
        inbound.dismiss(session, session.scalars(select(InboundEvent.id)).one())
    assert clock.clean().done == 0
    age()
    assert clock.clean().done == 1
    assert tell(SUSPENDED) == "parked"


def test_one_that_takes_effect_while_it_is_forgotten_stays(database: Engine) -> None:
    """A version that knows its type has come, and an operator has it tried again at that moment."""
    a_source()
    tell(SUSPENDED_SELLER)
    with transaction() as session:
        session.execute(update(InboundEvent).values(status="unknown", settled_at=None))
    age()
    with ThreadPoolExecutor(1) as others:
        with transaction() as session:
            (event_id,) = session.scalars(select(InboundEvent.id))
            assert inbound.offer_one(session, builders.keyring(), event_id).status == "applied"
            session.flush()
            cleaning = others.submit(clock.clean)
            until_somebody_waits()
        assert cleaning.result().done == 0
    assert known() == [SUSPENDED_SELLER.its_id]


def test_they_go_a_part_at_a_time(database: Engine) -> None:
    a_source()
    tell(Event("seller.reinstated", "S-1", 9))
    for minute in range(5):
        assert tell(Event("seller.suspended", "S-1", minute)) == "stale"
    age()
    assert [clock.clean(limit=3) for _ in range(2)] == [(3, True), (2, False)]


def test_what_a_version_without_marks_has_left_is_forgotten_as_well(database: Engine) -> None:
    """It has gone on for a while beside this one, and wrote nothing into what it does not know."""
    a_source()
    for one in (REGISTERED, SUSPENDED, REINSTATED):
        tell(one)
    with transaction() as session:
        session.execute(update(InboundEvent).values(overtaken_at=None, in_order=False))
    age()
    assert clock.clean().done == 0
    assert put_in_order(2) == (2, True)
    assert put_in_order(2) == (1, False)
    assert put_in_order(2) == (0, False)
    assert clock.clean().done == 1
    assert known() == [REGISTERED.its_id, REINSTATED.its_id]
