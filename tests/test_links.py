"""Linking a seller account: one at a time, to a client or an aggregator, and only if it works."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from onboarding import links, registry
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, EventNotYours, MovedOn, Refusal
from onboarding.models import Aggregator, Client, Link, Onboarding, Secret, Transition
from tests import builders
from tests.builders import ACCOUNT, ACTORS, SELLER, a_walk, an_onboarding, fire, state_of, the
from tests.dumping import dump
from tests.racing import race, winners


def link(onboarding_id: UUID, actor: Actor = SELLER, expected: int | None = None) -> None:
    with transaction() as session:
        links.link_seller(session, onboarding_id, actor, ACCOUNT, expected=expected)


def verdict(onboarding_id: UUID) -> tuple[bool, str | None]:
    with transaction() as session:
        found = links.verify(session, session.get_one(Onboarding, onboarding_id))
        return found.works, found.cause


@pytest.mark.parametrize("delegated", [False, True])
def test_a_link_is_to_the_client_or_to_the_aggregator(database: Engine, *, delegated: bool) -> None:
    onboarding_id = an_onboarding("awaiting_seller", delegated=delegated)
    link(onboarding_id)
    with reading() as session:
        row = session.scalars(select(Link)).one()
        client = session.scalars(select(Client.id)).one_or_none()
    assert (row.client_id, row.aggregator_id) == (client, "feedwise" if delegated else None)
    assert (client is None) is delegated
    assert (row.issuer, row.subject, row.seller_id) == (
        ACCOUNT.issuer,
        ACCOUNT.subject,
        ACCOUNT.seller_id,
    )
    assert row.confirmed_at is None


def test_history_keeps_the_seller_id_and_nothing_of_the_person(database: Engine) -> None:
    onboarding_id = an_onboarding("seller_linked")
    with reading() as session:
        step = session.get_one(Transition, (onboarding_id, the(onboarding_id).sequence))
    assert step.details == {"seller_id": ACCOUNT.seller_id}


def test_only_a_seller_links_and_only_where_it_is_their_turn(database: Engine) -> None:
    onboarding_id = an_onboarding("awaiting_seller")
    before = dump(database)
    for kind in set(ACTORS) - {"seller"}:
        with pytest.raises(EventNotYours):
            link(onboarding_id, ACTORS[kind])
    with pytest.raises(MovedOn):
        link(onboarding_id, expected=1)
    assert dump(database) == before
    link(onboarding_id)
    with pytest.raises(EventNotAllowed):
        link(onboarding_id)


def test_two_sign_ins_at_once_are_one_link(database: Engine) -> None:
    for _ in range(5):
        onboarding_id = an_onboarding("awaiting_seller")
        assert len(winners(race(*[partial(link, onboarding_id)] * 6))) == 1
        with reading() as session:
            rows = session.scalars(select(Link).where(Link.onboarding_id == onboarding_id)).all()
        assert len(rows) == 1


def test_another_account_may_be_linked_after_the_first(database: Engine) -> None:
    onboarding_id = an_onboarding("seller_linked")
    fire(onboarding_id, "unlink_seller")
    link(onboarding_id)
    with reading() as session:
        assert [row.ended_at is None for row in session.scalars(select(Link))] == [False, True]


@pytest.mark.parametrize("delegated", [False, True])
def test_a_connection_that_works_is_confirmed(database: Engine, *, delegated: bool) -> None:
    onboarding_id = an_onboarding("confirmed", delegated=delegated)
    with reading() as session:
        assert session.scalars(select(Link.confirmed_at)).one() == the(onboarding_id).entered_at


def test_what_was_never_confirmed_does_not_count_as_confirmed(database: Engine) -> None:
    onboarding_id = an_onboarding("verifying")
    with transaction() as session:
        session.scalars(select(Secret)).one().acknowledged_at = None
    builders.work(onboarding_id)
    assert state_of(onboarding_id) == "seller_linked"
    with reading() as session:
        assert session.scalars(select(Link.confirmed_at)).one() is None
        step = session.get_one(Transition, (onboarding_id, the(onboarding_id).sequence))
    assert step.details == {"cause": "secret_not_saved"}


def test_verifying_looks_at_everything_that_confirming_promises(database: Engine) -> None:
    walk = a_walk("verifying")
    assert verdict(walk.id) == (True, None)
    now = the(walk.id).entered_at
    for damage, cause in (
        (_unsave, "secret_not_saved"),
        (_end_secret, "secret_not_saved"),
        (_revoke, "client_missing"),
        (_unlink, "link_missing"),
    ):
        with transaction() as session:
            damage(session, now)
        assert verdict(walk.id) == (False, cause)


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"uses_rest": False}, "aggregator_soap_only"),
        ({"status": "suspended"}, "aggregator_suspended"),
        ({"status": "unregistered"}, "aggregator_not_registered"),
    ],
)
def test_a_delegated_connection_works_while_its_aggregator_does(
    database: Engine, facts: dict[str, object], cause: str
) -> None:
    onboarding_id = an_onboarding("verifying", delegated=True)
    with transaction() as session:
        known = {"name": "Feedwise", "status": "registered", "uses_rest": True} | facts
        registry.upsert(session, asks_for="delegated", **known)  # type: ignore[arg-type]
    builders.work()
    assert state_of(onboarding_id) == "seller_linked"


def test_a_name_that_was_typed_before_the_aggregator_registered_is_enough(
    database: Engine,
) -> None:
    onboarding_id = an_onboarding("checking_aggregator", delegated=True, aggregator="New Feeds")
    builders.work()
    assert state_of(onboarding_id) == "awaiting_aggregator"
    with transaction() as session:
        registry.upsert(
            session, name="NEW feeds", status="registered", uses_rest=True, asks_for="delegated"
        )
    builders.work()
    link(onboarding_id)
    with reading() as session:
        assert session.scalars(select(Link.aggregator_id)).one() == "new-feeds"


def test_an_aggregator_that_was_renamed_meanwhile_is_still_the_one(database: Engine) -> None:
    """An onboarding that named it before it was known keeps to the one that was approved."""
    onboarding_id = an_onboarding("checking_aggregator", delegated=True, aggregator="New Feeds")
    builders.work()
    for name in ("New Feeds", "Newer Feeds"):
        with transaction() as session:
            known = session.scalars(
                select(Aggregator.id).where(Aggregator.id == "new-feeds")
            ).one_or_none()
            registry.upsert(
                session,
                name=name,
                status="registered",
                uses_rest=True,
                asks_for="delegated",
                aggregator_id=known,
            )
        builders.work()
    link(onboarding_id)
    builders.handle(onboarding_id, "confirm")
    builders.work()
    assert state_of(onboarding_id) == "confirmed"


def test_an_approved_aggregator_that_nobody_knows_is_refused_in_our_words(
    database: Engine,
) -> None:
    """An operator may approve what the registry does not have; linking it must not be an error."""
    onboarding_id = an_onboarding("checking_aggregator", delegated=True, aggregator="New Feeds")
    fire(onboarding_id, "approve_aggregator", builders.OPERATOR)
    before = dump(database)
    with pytest.raises(Refusal):
        link(onboarding_id)
    assert dump(database) == before


def _unsave(session: Session, now: object) -> None:
    session.scalars(select(Secret)).one().acknowledged_at = None


def _end_secret(session: Session, now: Any) -> None:
    secret = session.scalars(select(Secret)).one()
    secret.ended_at, secret.ended_because = now, "reissued"


def _revoke(session: Session, now: Any) -> None:
    session.scalars(select(Client)).one().revoked_at = now


def _unlink(session: Session, now: Any) -> None:
    session.scalars(select(Link)).one().ended_at = now
