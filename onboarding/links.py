"""Which seller account a client or an aggregator may act for, and whether that really works."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from onboarding import credentials, lifecycle, registry
from onboarding.access import PLATFORM, Actor
from onboarding.errors import EventNotAllowed
from onboarding.ids import new_id
from onboarding.models import Link, Onboarding, SuspendedSeller


@dataclass(frozen=True, slots=True)
class SellerAccount:
    """A seller account that somebody has signed in to and chosen."""

    issuer: str
    subject: str
    seller_id: str = field(repr=False)
    shop_name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the connection works; if not, why, as a code that pages explain."""

    works: bool
    cause: str | None = None


_WORKS: Final = Verdict(True)


def link_seller(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    account: SellerAccount,
    *,
    expected: int | None = None,
) -> Onboarding:
    """Link the seller account; nothing acts for it before the seller confirms.

    An operator may have approved an aggregator that the registry does not have (yet): there is
    nothing to link to then. Raises EventNotAllowed for that, besides what firing raises.
    """
    onboarding = lifecycle.fire(
        session,
        onboarding_id,
        "link_seller",
        actor,
        expected=expected,
        details={"seller_id": account.seller_id},
    )
    client = credentials.live_client(session, onboarding_id)
    aggregator = registry.named_by(session, onboarding) if client is None else None
    if client is None and aggregator is None:
        raise EventNotAllowed("link_seller", "awaiting_seller", (), "aggregator_registered")
    session.execute(
        insert(Link).values(
            id=new_id(),
            onboarding_id=onboarding_id,
            client_id=client.id if client else None,
            aggregator_id=aggregator.id if aggregator else None,
            seller_id=account.seller_id,
            shop_name=account.shop_name,
            issuer=account.issuer,
            subject=account.subject,
        )
    )
    return onboarding


def verify(session: Session, onboarding: Onboarding) -> Verdict:
    """Prove what confirming promises: the client exists, its secret was saved, the link stands."""
    link = live_link(session, onboarding.id)
    if link is None:
        return Verdict(False, "link_missing")
    if session.get(SuspendedSeller, link.seller_id) is not None:
        return Verdict(False, "seller_suspended")
    if onboarding.credential_mode == "delegated":
        checked = registry.check(session, onboarding)
        return Verdict(checked.approved, checked.cause)
    cause = why_not(session, onboarding, link.client_id)
    return Verdict(cause is None, cause)


def prove(
    session: Session, onboarding_id: UUID, expected: int, elsewhere: Verdict = _WORKS
) -> None:
    """Report whether it works, here and at the authorization server, to the transition that asked."""
    here = verify(session, lifecycle.lock(session, onboarding_id))
    verdict = elsewhere if here.works else here
    event = "verification_passed" if verdict.works else "verification_failed"
    details = {"cause": verdict.cause} if verdict.cause else {}
    onboarding = lifecycle.fire(
        session, onboarding_id, event, PLATFORM, expected=expected, details=details
    )
    if verdict.works:
        mark_confirmed(session, onboarding)


def mark_confirmed(session: Session, onboarding: Onboarding) -> None:
    """The link acts from now on."""
    session.execute(
        update(Link)
        .where(Link.onboarding_id == onboarding.id, Link.ended_at.is_(None))
        .values(confirmed_at=onboarding.entered_at)
    )


def live_link(session: Session, onboarding_id: UUID) -> Link | None:
    """The link that has not ended."""
    return session.scalars(
        select(Link).where(Link.onboarding_id == onboarding_id, Link.ended_at.is_(None))
    ).one_or_none()


def why_not(session: Session, onboarding: Onboarding, client_id: str | None) -> str | None:
    """Why the client of a link can act for nobody; None: it can."""
    client = credentials.live_client(session, onboarding.id)
    if client is None or client.id != client_id:
        return "client_missing"
    secret = credentials.live_secret(session, onboarding.id)
    if secret is None or secret.acknowledged_at is None:
        return "secret_not_saved"
    return "secret_leaked" if secret.disclosed_at else None
