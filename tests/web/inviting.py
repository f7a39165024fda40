"""Sellers who were sent a link, for tests: the page that it leads to, and a browser that has just signed in."""

from uuid import UUID

from fastapi import FastAPI

from onboarding import invitations, proofs
from onboarding.db import transaction
from tests import another_seller, builders
from tests.web.signing_in import signed_in
from tests.web.visiting import Visitor


def link_to(invitation_id: UUID, locale: str = "en") -> str:
    """The path of the link of an invitation."""
    return f"/{locale}/invitations/{invitations.token(builders.keyring(), invitation_id)}"


def asked(onboarding_id: UUID, locale: str = "en") -> str:
    """The path of a link for one more seller of an onboarding."""
    return link_to(another_seller.invited(onboarding_id), locale)


def a_seller(app: FastAPI, seller: str = "one-shop", *granted: UUID, locale: str = "en") -> Visitor:
    """A browser that is back from the Seller Portal this instant."""
    visitor = signed_in(app, seller, *granted, locale=locale)
    with transaction() as session:
        browser = proofs.find_session(session, visitor.cookies["onboarding"])
        assert browser is not None
        visitor.cookies["onboarding"] = proofs.prove(session, browser)
    return visitor
