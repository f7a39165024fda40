"""What the marketplace's systems tell us takes effect once, whatever the order and repetition."""

from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from onboarding import audit, inbound, links, registry
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.models import (
    Aggregator,
    AuditEntry,
    Base,
    Client,
    InboundEvent,
    Onboarding,
    Secret,
    SuspendedSeller,
    Transition,
)
from tests import builders
from tests.builders import ACCOUNT, an_onboarding, fire, promised, state_of, work
from tests.invariants.test_healthy import wrong
from tests.listening import an_owner
from tests.racing import race
from tests.telling import ENTRY, Event, a_source, an_early_event, tell, told
from workers.inbound import Offers

REGISTERED = Event("aggregator.registered", "new-tool", 1, ENTRY)
SUSPENDED = Event("aggregator.suspended", "new-tool", 2)
RENAMED = Event("aggregator.registered", "new-tool", 3, ENTRY | {"name": "Newer Tool"})
REINSTATED = Event("aggregator.reinstated", "new-tool", 4)
LEFT = Event("aggregator.unregistered", "new-tool", 5)
SELLER = ACCOUNT.seller_id
SELLER_SUSPENDED = Event("seller.suspended", SELLER, 1)
SELLER_BACK = Event("seller.reinstated", SELLER, 2)
SELLER_OUT = Event("seller.suspended", SELLER, 3)


def rows(table: type[Base], *columns: str) -> list[tuple[Any, ...]]:
    with reading() as session:
        found = session.scalars(select(table)).all()
        return sorted(tuple(getattr(row, name) for name in columns) for row in found)


def aggregators() -> list[tuple[Any, ...]]:
    return rows(Aggregator, "id", "name", "status", "uses_rest", "asks_for")


def suspended_sellers() -> list[tuple[Any, ...]]:
    return rows(SuspendedSeller, "seller_id", "since")


def forget() -> None:
    """As it was before anything was told."""
    with transaction() as session:
        for table in (InboundEvent, Aggregator, SuspendedSeller):
            session.query(table).delete()


@pytest.mark.parametrize("last", [4, 5])
def test_every_order_of_events_about_an_aggregator_ends_the_same(
    database: Engine, last: int
) -> None:
    events = [REGISTERED, SUSPENDED, RENAMED, REINSTATED, LEFT][:last]
    a_source()
    status = {4: "registered", 5: "unregistered"}[last]
    # Of 120 orders every fifth: each event comes first, and last, in many of them.
    for order in list(permutations(events))[:: 1 if last == 4 else 5]:
        forget()
        for event in order:
            assert tell(event) in ("applied", "stale", "parked")
        work()
        assert aggregators() == [("new-tool", "Newer Tool", status, True, "delegated")], order
        assert {status for _, status in told()} <= {"applied", "stale"}, order


@pytest.mark.parametrize("name", ["New\nTool", "!!!", " ", "New\u202eTool", "n" * 120])
def test_no_name_keeps_an_aggregator_from_being_suspended(database: Engine, name: str) -> None:
    """It may be from before names were checked; whoever waits is checked again all the same."""
    a_source()
    tell(REGISTERED)
    with transaction() as session:
        session.get_one(Aggregator, "new-tool").name = name
    for n, event, status in ((2, SUSPENDED, "suspended"), (3, REINSTATED, "registered")):
        assert tell(event) == "applied"
        assert len(promised("recheck_parked")) == n
        assert aggregators() == [("new-tool", name, status, True, "delegated")]
    assert (tell(LEFT), tell(RENAMED)) == ("applied", "applied")
    assert rows(Aggregator, "name", "status") == [("Newer Tool", "unregistered")]


def test_every_order_of_events_about_a_seller_ends_the_same(database: Engine) -> None:
    a_source()
    for order in permutations([SELLER_SUSPENDED, SELLER_BACK, SELLER_OUT]):
        forget()
        for event in order:
            tell(event)
        assert suspended_sellers() == [(SELLER, SELLER_OUT.time)]
    forget()
    assert (tell(SELLER_BACK), tell(SELLER_SUSPENDED)) == ("applied", "stale")
    assert suspended_sellers() == []


def test_events_of_one_instant_end_the_same_too(database: Engine) -> None:
    a_source()
    ends = set()
    first = Event("seller.suspended", SELLER, 1, id="a")
    second = Event("seller.reinstated", SELLER, 1, id="b")
    for order in permutations([first, second]):
        forget()
        for event in order:
            tell(event)
        ends.add(str(suspended_sellers()))
    assert ends == {"[]"}


def test_fifty_copies_at_once_have_one_effect(database: Engine) -> None:
    a_source()
    client_id, onboarding_id = a_client("secret_ready")
    event = Event("client.disabled", client_id)
    assert race(*[lambda: tell(event)] * 50) == ["applied"] * 50
    assert count(InboundEvent) == count(AuditEntry) == 1
    assert count(Transition, Transition.event == "cancel") == 1
    assert state_of(onboarding_id) == "cancelled"


def a_client(state: str) -> tuple[str, UUID]:
    onboarding_id = an_onboarding(state)
    with reading() as session:
        query = select(Client.id).where(Client.onboarding_id == onboarding_id)
        return session.scalars(query).one(), onboarding_id


def of_a_system(onboarding_id: UUID) -> None:
    """As if a calling system had started it: nobody else's key may move it."""
    owner = an_owner()
    with transaction() as session:
        session.get_one(Onboarding, onboarding_id).system_id = owner


def count(table: type[Base], *which: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*which)) or 0


def test_the_same_id_with_something_else_in_it_is_refused(database: Engine) -> None:
    a_source()
    tell(Event("seller.suspended", SELLER, 1, id="one"))
    with pytest.raises(inbound.Contradicted):
        tell(Event("seller.suspended", SELLER, 2, id="one"))
    assert suspended_sellers() == [(SELLER, SELLER_SUSPENDED.time)]


def test_two_sources_may_use_the_same_id(database: Engine) -> None:
    a_source()
    a_source("https://other.example")
    one = Event("seller.suspended", SELLER, 1, id="one")
    other = Event("seller.reinstated", SELLER, 2, id="one", source="https://other.example")
    assert (tell(one), tell(other)) == ("applied", "applied")
    assert suspended_sellers() == []


@pytest.mark.parametrize("state", ["issuing_secret", "secret_ready", "seller_linked", "verifying"])
def test_a_client_that_is_disabled_on_its_way_is_revoked_by_the_chart(
    database: Engine, state: str
) -> None:
    a_source()
    client_id, onboarding_id = a_client(state)
    of_a_system(onboarding_id)
    assert tell(Event("client.disabled", client_id)) == "applied"
    assert state_of(onboarding_id) == "cancelled"
    with reading() as session:
        client = session.get_one(Client, client_id)
        assert client.disabled_at is not None
        assert client.revoked_at is not None
        live = select(Secret).where(Secret.client_id == client_id, Secret.ended_at.is_(None))
        assert session.scalars(live).all() == []
    assert promised("revoke_client", onboarding_id)
    work()
    assert wrong() == []


@pytest.mark.parametrize("state", ["confirmed", "credentials_issued"])
def test_one_of_an_onboarding_that_has_ended_is_disabled_and_the_trail_tells(
    database: Engine, state: str
) -> None:
    a_source()
    client_id, onboarding_id = a_client(state)
    tell(Event("client.disabled", client_id))
    assert state_of(onboarding_id) == state
    assert rows(Client, "disabled_at", "revoked_at") == [(Event("", "").time, None)]
    with reading() as session:
        (entry,) = audit.latest(session, 10, onboarding_id=onboarding_id)
        assert (entry.actor, entry.action) == ("source:https://registry.example", "client.disabled")
        assert list(audit.verify(session, builders.keyring())) == []
    assert wrong() == []


def test_a_seller_who_is_suspended_is_not_connected_until_reinstated(database: Engine) -> None:
    """Before or after the link: whoever confirms is told."""
    a_source()
    tell(SELLER_SUSPENDED)
    onboarding_id = an_onboarding("verifying")
    work()
    assert state_of(onboarding_id) == "seller_linked"
    with reading() as session:
        verdict = links.verify(session, builders.the(onboarding_id))
    assert (verdict.works, verdict.cause) == (False, "seller_suspended")
    tell(SELLER_BACK)
    fire(onboarding_id, "confirm")
    work()
    assert state_of(onboarding_id) == "confirmed"


def test_who_waits_for_an_aggregator_goes_on_when_it_registers(database: Engine) -> None:
    a_source()
    waiting = an_onboarding("awaiting_aggregator", aggregator="New Tool")
    assert tell(REGISTERED) == "applied"
    work()
    assert state_of(waiting) == "type_chosen"


def test_what_came_too_early_is_offered_again_by_the_sweep(database: Engine) -> None:
    an_early_event()
    assert told() == [("aggregator.suspended", "parked")]
    work()
    assert told() == [("aggregator.suspended", "applied")]
    assert [row[2] for row in aggregators()] == ["suspended"]
    assert Offers().promise().done == 0


def test_and_at_once_when_its_subject_appears(database: Engine) -> None:
    a_source()
    assert tell(SUSPENDED) == "parked"
    assert tell(REGISTERED) == "applied"
    assert told() == [("aggregator.registered", "applied"), ("aggregator.suspended", "applied")]
    by_hand = Event("aggregator.suspended", "by-hand", 9)
    assert tell(by_hand) == "parked"
    with transaction() as session:
        registry.upsert(
            session,
            name="By hand",
            aggregator_id="by-hand",
            status="registered",
            uses_rest=True,
            asks_for="full",
        )
    work()
    assert {row[0]: row[2] for row in aggregators()}["by-hand"] == "suspended"


def test_a_type_that_nobody_knows_is_kept_and_can_be_tried_again(database: Engine) -> None:
    a_source()
    assert tell(Event("shop.painted", "S-1")) == "unknown"
    with transaction() as session:
        (waiting,) = inbound.waiting(session)
        assert inbound.offer_one(session, builders.keyring(), waiting).status == "unknown"
    assert count(AuditEntry) == 0


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (Event("aggregator.registered", "new-tool"), "data.name"),
        (Event("aggregator.registered", "new-tool", data=ENTRY | {"name": "…"}), "data.name"),
        (Event("aggregator.registered", "new-tool", data=ENTRY | {"name": "a\nb"}), "data.name"),
        (Event("aggregator.registered", "new-tool", data=ENTRY | {"name": "a\0b"}), "data.name"),
        (
            Event("aggregator.registered", "new-tool", data=ENTRY | {"name": "a\u202eb"}),
            "data.name",
        ),
        (
            Event("aggregator.registered", "new-tool", data=ENTRY | {"uses_rest": 1}),
            "data.uses_rest",
        ),
        (Event("aggregator.registered", "new-tool", data=ENTRY | {"asks_for": 1}), "data.asks_for"),
        (Event("aggregator.registered", "New Tool", data=ENTRY), "subject"),
        (Event("seller.suspended", "S" * 41), "subject"),
        (Event("seller.suspended", SELLER, 10**7), "time"),
    ],
)
def test_what_can_have_no_effect_is_refused_and_not_kept(
    sqlite: Engine, event: Event, field: str
) -> None:
    a_source()
    with pytest.raises(Invalid) as refused:
        tell(event)
    assert field in refused.value.fields
    assert told() == []


def test_another_aggregator_s_name_is_not_taken_over(sqlite: Engine) -> None:
    a_source()
    tell(REGISTERED)
    with pytest.raises(Invalid, match="another aggregator, new-tool"):
        tell(Event("aggregator.registered", "other-tool", 2, ENTRY))
