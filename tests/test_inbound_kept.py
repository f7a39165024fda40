"""What the marketplace's systems told is forgotten in time, and being told it again changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event, insert, select, update

from onboarding import db, inbound, inbound_kept
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.models import Aggregator, InboundEvent
from tests import builders
from tests.racing import until_somebody_waits
from tests.telling import ENTRY, REGISTRY, Event, a_source, tell, told
from workers import clock

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
        return [*session.scalars(select(InboundEvent.event_id).order_by(InboundEvent.time))]


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
            assert inbound.retry(session, builders.keyring(), event_id).status == "applied"
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


def test_what_is_young_is_not_read(own_database: Engine) -> None:
    """The sweep comes every ten minutes, and on SQLite nobody writes beside it."""
    a_source()
    many_young(3_000)
    (plan,) = plans_of(own_database)
    assert "ix_inbound_events_settled_at" in plan, plan
    assert "Seq Scan" not in plan, plan
    assert "SCAN inbound_events\n" not in f"{plan}\n", plan


def many_young(count: int) -> None:
    with transaction() as session:
        now = db.clock(session)
        row = {"source": REGISTRY, "type": "seller.suspended", "time": now, "body": "{}"}
        row |= {"status": "applied", "effect": {}}
        own = (
            {
                "id": new_id(),
                "event_id": f"e-{number}",
                "subject": f"S-{number}",
                "settled_at": now - timedelta(seconds=number),
            }
            for number in range(count)
        )
        session.execute(insert(InboundEvent), [row | each for each in own])


def plans_of(engine: Engine) -> list[str]:
    """How the database finds what the sweep removes."""
    sent: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("DELETE"):
            sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    with transaction() as session:
        inbound_kept.forget(session, 1000)
    event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        plans = [connection.exec_driver_sql(f"{explain} {each}", given) for each, given in sent]
        return ["\n".join(str(row[-1]) for row in plan) for plan in plans]
