"""How a seller is asked to let a client act for them: a link, which its owner sends to whom they like.

The link is no capability. Whoever follows it is told who asks, and nothing happens before they have signed
in to a seller account and consented; it is good for one of them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from onboarding import credentials, db, letter_links, lifecycle
from onboarding.afterwards import DONE
from onboarding.errors import NotEligible, NotFound
from onboarding.models import Client, FurtherLink, Onboarding, SellerInvitation
from onboarding.sealing import Keyring
from onboarding.words import N_

LASTS: Final = timedelta(days=7)
# Of one client, at a time.
MOST_OPEN: Final = 20
# Sellers that one client may act for besides its own: an answer that lists them stays short.
MOST_LINKS: Final = 500
_LINK: Final = "seller-invitation"


def invite(session: Session, onboarding_id: UUID) -> SellerInvitation:
    """Make another invitation. Raises NotEligible where no client could act for anybody, or for no more."""
    onboarding = lifecycle.lock(session, onboarding_id)
    client = client_of(session, onboarding)
    if client is None:
        raise NotEligible(N_("There are no credentials that work"))
    if len(open_ones(session, onboarding_id)) >= MOST_OPEN:
        raise NotEligible(N_("Too many links for sellers are open: withdraw one first"))
    if _linked(session, client.id) >= MOST_LINKS:
        raise NotEligible(N_("The client ID acts for as many sellers as one can"))
    made = SellerInvitation(
        onboarding_id=onboarding_id, client_id=client.id, created_at=db.clock(session)
    )
    session.add(made)
    session.flush()  # What is sent to a seller is its ID, which the database must have taken.
    return made


def withdraw(session: Session, onboarding_id: UUID, invitation_id: UUID) -> bool:
    """End it before its time. False: it had ended before. Raises NotFound for one of another."""
    lifecycle.lock(session, onboarding_id)
    found = session.get(SellerInvitation, invitation_id, populate_existing=True)
    if found is None or found.onboarding_id != onboarding_id:
        raise NotFound
    if found.ended_at is not None:
        return False
    found.ended_at, found.ended_because = db.clock(session), "withdrawn"
    return True


def held(session: Session, invitation_id: UUID) -> tuple[SellerInvitation, Onboarding, Client]:
    """One that is open, its onboarding locked, and the client that it asks for. Raises NotEligible."""
    asked = session.get(SellerInvitation, invitation_id)
    if asked is not None:
        onboarding = lifecycle.lock(session, asked.onboarding_id)
        still = select(SellerInvitation).where(SellerInvitation.id == invitation_id, _is_open())
        asked = session.scalars(still.execution_options(populate_existing=True)).one_or_none()
        client = client_of(session, onboarding)
        if asked is not None and client is not None and client.id == asked.client_id:
            return asked, onboarding, client
    raise NotEligible(N_("This link is over"))


def client_of(session: Session, onboarding: Onboarding) -> Client | None:
    """The client that sellers may be asked for: of an onboarding that is done, and not disabled."""
    client = credentials.live_client(session, onboarding.id)
    if onboarding.state not in DONE or client is None or client.disabled_at is not None:
        return None
    return client


def open_ones(session: Session, onboarding_id: UUID) -> Sequence[SellerInvitation]:
    """Those that a seller may still accept, the oldest first."""
    its = select(SellerInvitation).where(
        SellerInvitation.onboarding_id == onboarding_id, _is_open()
    )
    return session.scalars(its.order_by(SellerInvitation.id)).all()


def ends_at(invitation: SellerInvitation) -> datetime:
    """When it is over if nobody accepts it."""
    return invitation.created_at + LASTS


def token(ring: Keyring, invitation_id: UUID) -> str:
    """What stands in the link: its ID, and 256 bits that only this keyring can make."""
    return letter_links.token(ring, _LINK, invitation_id)


def url(ring: Keyring, base_url: str, locale: str, invitation_id: UUID) -> str:
    """The link, for a seller to open; it is read in this language."""
    return f"{base_url}/{locale}/invitations/{token(ring, invitation_id)}"


def find(session: Session, ring: Keyring, text: str) -> tuple[SellerInvitation, Onboarding] | None:
    """What a link leads to as long as it is open; None says nothing about why not."""
    invitation_id = known(ring, text)
    found = session.execute(
        select(SellerInvitation, Onboarding)
        .join(Onboarding, Onboarding.id == SellerInvitation.onboarding_id)
        .where(SellerInvitation.id == invitation_id, _is_open())
        .execution_options(populate_existing=True)
    ).one_or_none()
    return (found[0], found[1]) if found else None


def known(ring: Keyring, text: str) -> UUID | None:
    """The invitation that a link was made for, open or not; None: the link is not of ours."""
    return letter_links.link_id(ring, _LINK, text)


def _is_open() -> ColumnElement[bool]:
    return and_(
        SellerInvitation.ended_at.is_(None),
        SellerInvitation.created_at > db.in_seconds(-LASTS.total_seconds()),
    )


def _linked(session: Session, client_id: str) -> int:
    alive = select(func.count()).where(
        FurtherLink.client_id == client_id, FurtherLink.ended_at.is_(None)
    )
    return session.scalar(alive) or 0
