"""Sellers besides the first, for tests: asked, signed in, and let in."""

from typing import Final
from uuid import UUID

from onboarding import db, further_sellers, invitations
from onboarding.access import Actor
from onboarding.db import transaction
from onboarding.links import SellerAccount
from onboarding.models import SuspendedSeller
from tests import builders

OTHER: Final = SellerAccount("https://portal.example", "subject-2", "S-4712", "Garden Shop")
WHO: Final = Actor("seller", "https://portal.example#subject-2")


def invited(onboarding_id: UUID) -> UUID:
    """An invitation that is open."""
    with transaction() as session:
        return invitations.invite(session, onboarding_id).id


def accept(invitation_id: UUID, account: SellerAccount = OTHER, actor: Actor = WHO) -> UUID:
    """A seller, or whoever says so, consents."""
    with transaction() as session:
        return further_sellers.accept(session, invitation_id, actor, account).id


def accepted(onboarding_id: UUID, account: SellerAccount = OTHER) -> UUID:
    """Another seller has let the client of this onboarding act; it is not verified yet."""
    with transaction() as session:
        made = invitations.invite(session, onboarding_id)
        who = Actor("seller", f"{account.issuer}#{account.subject}")
        return further_sellers.accept(session, made.id, who, account).id


def linked(onboarding_id: UUID, account: SellerAccount = OTHER) -> UUID:
    """The same, and it acts."""
    made = accepted(onboarding_id, account)
    builders.work(onboarding_id)
    return made


def a_linked_one(state: str = "confirmed") -> UUID:
    """An onboarding whose client acts for another seller, too."""
    one = builders.an_onboarding(state)
    builders.work(one)
    linked(one)
    return one


def suspend(seller_id: str) -> None:
    """The marketplace has suspended a seller."""
    with transaction() as session:
        session.add(SuspendedSeller(seller_id=seller_id, since=db.clock(session)))


def ended(link_id: UUID, actor: Actor = WHO) -> bool:
    with transaction() as session:
        return further_sellers.end(session, link_id, actor)
