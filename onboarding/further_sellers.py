"""Sellers that a client may act for besides the one of its onboarding.

Each has signed in and consented by themselves. That makes none of them an owner: they may end their own
link, and see nothing of the onboarding or of each other. The onboarding is done and stays so;
history and the log have what happens, like all that comes after the end.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from onboarding import db, invitations, lifecycle, links, outbox
from onboarding.access import PLATFORM, Actor
from onboarding.errors import NotEligible, NotFound
from onboarding.links import SellerAccount, Verdict
from onboarding.looks import Look
from onboarding.models import (
    BrowserSession,
    FurtherLink,
    Onboarding,
    SuspendedSeller,
)
from onboarding.words import N_

_WORKS = Verdict(True)
_ALL: Final = Look(
    select(FurtherLink).where(FurtherLink.onboarding_id == bindparam("of")).order_by(FurtherLink.id)
)


def accept(
    session: Session, invitation_id: UUID, actor: Actor, account: SellerAccount
) -> FurtherLink:
    """A seller, who has signed in to this account, lets the client act for it, once that is verified.

    Raises NotEligible where the invitation is over, or the account is linked already.
    """
    invitation, onboarding, client = invitations.held(session, invitation_id)
    if _is_linked(session, onboarding, account.seller_id):
        raise NotEligible(N_("This seller account is linked already"))
    invitation.ended_at, invitation.ended_because = db.clock(session), "accepted"
    link = FurtherLink(
        onboarding_id=onboarding.id,
        client_id=client.id,
        invitation_id=invitation.id,
        seller_id=account.seller_id,
        shop_name=account.shop_name,
        issuer=account.issuer,
        subject=account.subject,
        created_at=invitation.ended_at,
    )
    session.add(link)
    session.flush()  # A race that was lost is noticed before history says otherwise.
    _note(session, link, "link_further_seller", actor, seller_id=link.seller_id)
    about = {"link_id": str(link.id)}
    outbox.promise(
        session,
        "verify_further_link",
        about,
        onboarding_id=onboarding.id,
        sequence=onboarding.sequence,
    )
    return link


def end(
    session: Session, link_id: UUID, actor: Actor, *, onboarding_id: UUID | None = None
) -> bool:
    """End one link, at once and for good; all others stay as they are. False: it had ended before.

    Raises NotFound for one that there is not, or that is not of this onboarding.
    """
    link = _held(session, link_id)
    if onboarding_id not in (None, link.onboarding_id):
        raise NotFound("link")
    if link.ended_at is not None:
        return False
    link.ended_at = db.clock(session)
    _note(session, link, "end_further_link", actor)
    return True


def prove(session: Session, link_id: UUID, elsewhere: Verdict = _WORKS) -> None:
    """Report whether the client may act for the seller, here and at the authorization server.

    One that does not work ends: whoever is to blame, the seller is asked again once it is mended.
    """
    link = _held(session, link_id)
    if link.ended_at is not None or link.confirmed_at is not None:
        return
    here = verify(session, link)
    verdict = elsewhere if here.works else here
    if verdict.works:
        link.confirmed_at = db.clock(session)
        _note(session, link, "further_link_verified", PLATFORM)
    else:
        link.ended_at = db.clock(session)
        _note(session, link, "further_link_failed", PLATFORM, cause=verdict.cause)


def verify(session: Session, link: FurtherLink) -> Verdict:
    """What is proved of a link: the client exists, its secret was saved, the seller is not suspended."""
    if session.get(SuspendedSeller, link.seller_id) is not None:
        return Verdict(False, "seller_suspended")
    onboarding = session.get_one(Onboarding, link.onboarding_id)
    cause = links.why_not(session, onboarding, link.client_id)
    if cause is None and invitations.client_of(session, onboarding) is None:
        cause = "client_disabled"
    return Verdict(cause is None, cause)


def find(session: Session, link_id: UUID) -> FurtherLink | None:
    """One link, ended or not."""
    return session.get(FurtherLink, link_id)


def of_invitation(session: Session, invitation_id: UUID) -> FurtherLink | None:
    """The link that a seller's consent to this invitation has made."""
    its = select(FurtherLink).where(FurtherLink.invitation_id == invitation_id)
    return session.scalars(its).one_or_none()


def is_theirs(link: FurtherLink, browser: BrowserSession) -> bool:
    """Whether whoever is signed in here has made it."""
    return (link.issuer, link.subject) == (browser.issuer, browser.subject)


def all_of(session: Session, onboarding_id: UUID) -> Sequence[FurtherLink]:
    """Every one that there was, the first one first."""
    return [link for (link,) in _ALL.all(session, of=onboarding_id)]


def alive(session: Session, onboarding_id: UUID) -> Sequence[FurtherLink]:
    """Those that have not ended, the first one first."""
    return [each for each in all_of(session, onboarding_id) if each.ended_at is None]


def of_account(
    session: Session, issuer: str, subject: str
) -> Sequence[tuple[FurtherLink, Onboarding]]:
    """What a person has let act for their seller accounts, ended or not, the latest first."""
    rows = session.execute(
        select(FurtherLink, Onboarding)
        .join(Onboarding, Onboarding.id == FurtherLink.onboarding_id)
        .where(FurtherLink.issuer == issuer, FurtherLink.subject == subject)
        .order_by(FurtherLink.id.desc())
    )
    return [(row.FurtherLink, row.Onboarding) for row in rows]


def _held(session: Session, link_id: UUID) -> FurtherLink:
    """A link, with its onboarding locked. Raises NotFound."""
    link = session.get(FurtherLink, link_id)
    if link is None:
        raise NotFound("link")
    lifecycle.lock(session, link.onboarding_id)
    session.refresh(link)
    return link


def _is_linked(session: Session, onboarding: Onboarding, seller_id: str) -> bool:
    own = links.live_link(session, onboarding.id)
    further = [each.seller_id for each in alive(session, onboarding.id)]
    return seller_id in further or (own is not None and own.seller_id == seller_id)


def _note(
    session: Session, link: FurtherLink, event: str, actor: Actor, **details: str | None
) -> None:
    """Into history, which names the link, and the seller where they come."""
    told = {"link_id": str(link.id), "client_id": link.client_id} | details
    lifecycle.note(session, link.onboarding_id, event, actor, details=told)
