"""Each rule about sellers besides the first, and a way to break it alone."""

from typing import Final
from uuid import UUID

from sqlalchemy import delete

from onboarding import connections
from onboarding.db import transaction
from onboarding.models import FurtherLink, Link, Message
from tests import another_seller, builders
from tests.another_seller import OTHER, a_linked_one
from tests.invariants.breaking import broken
from tests.invariants.changes import clients_of, of, shifted, step


def unverified() -> UUID:
    one = builders.an_onboarding("confirmed")
    another_seller.accepted(one)
    return one


def unlinked() -> UUID:
    one = builders.an_onboarding("confirmed")
    another_seller.ended(another_seller.linked(one))
    return one


def revoked() -> UUID:
    one = a_linked_one()
    with transaction() as session:
        connections.revoke(session, one, builders.SELLER)
    builders.work(one)
    return one


BROKEN: Final = (
    broken(
        "one_link_of_a_seller",
        a_linked_one,
        lambda me, _: [
            of(Link, me, seller_id=OTHER.seller_id),
            step(me, "link_seller", details={"seller_id": OTHER.seller_id}),
        ],
    ),
    broken(
        "further_link_has_its_own_client",
        a_linked_one,
        lambda me, other: [of(FurtherLink, me, client_id=clients_of(other))],
    ),
    broken(
        "further_linking_is_in_history",
        a_linked_one,
        lambda me, _: [step(me, "link_further_seller", details={})],
    ),
    broken(
        "further_verifying_is_in_history",
        unverified,
        lambda me, _: [of(FurtherLink, me, confirmed_at=FurtherLink.created_at)],
    ),
    broken(
        "further_unlinking_is_in_history",
        a_linked_one,
        lambda me, _: [of(FurtherLink, me, ended_at=shifted(FurtherLink.confirmed_at))],
    ),
    broken(
        "further_verifying_is_promised",
        unverified,
        lambda me, _: [delete(Message).where(Message.onboarding_id == me)],
    ),
    broken(
        "further_links_live_in_order",
        unlinked,
        lambda me, _: [of(FurtherLink, me, confirmed_at=shifted(FurtherLink.ended_at))],
    ),
    broken(
        "further_link_leads_somewhere",
        revoked,
        lambda me, _: [of(FurtherLink, me, ended_at=None)],
    ),
)
