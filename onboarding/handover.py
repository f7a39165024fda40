"""Handing the secret over: a seller names a developer, another one, or takes the task back.

Neither of the two ever has the other's secret: whoever takes the place of somebody who has seen one
gets a new one. Meanwhile the seller may sign in and choose the account; it is linked once the secret
has arrived. Whoever writes here holds the onboarding's lock.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onboarding import addresses, credentials, db, developers, lifecycle, links, outbox, proofs
from onboarding.access import Actor
from onboarding.errors import Invalid, MovedOn, NotEligible, TooMany
from onboarding.ids import new_id
from onboarding.links import SellerAccount
from onboarding.models import Handover, Onboarding
from onboarding.words import N_

# Developers who may be named for one onboarding in a day.
NAMED_A_DAY: Final = 5


def name(
    session: Session, onboarding_id: UUID, who: Actor, email: str, *, expected: int | None = None
) -> Handover:
    """Name a developer, in place of whoever was before: that one's access ends at once.

    Naming the same one again changes nothing. Raises NotEligible where nobody can be named, Invalid
    for the seller's own address, MovedOn and TooMany.
    """
    onboarding = _held(session, onboarding_id, expected)
    before = developers.named(session, onboarding)
    if before and _same(before.email, email):
        return before
    if onboarding.contact_email and _same(onboarding.contact_email, email):
        raise Invalid({"email": N_("This is the seller's own address.")}, {"email": "own_address"})
    if _named_today(session, onboarding.id) >= NAMED_A_DAY:
        raise TooMany(24 * 3600)
    _make_way(session, onboarding, who, before, "reassigned")
    named = Handover(id=new_id(), onboarding_id=onboarding.id, email=email)
    if before:
        _carry_over(before, named)
    session.add(named)
    onboarding.handover_id = named.id
    session.flush()  # The letter names it.
    if onboarding.state == "secret_ready":
        developers.tell(session, onboarding)
    addresses.count_letter(session, onboarding, email)
    return named


def withdraw(
    session: Session, onboarding_id: UUID, who: Actor, *, expected: int | None = None
) -> None:
    """Take the task back. A secret that the developer has seen is replaced first.

    Raises NotEligible where the developer has stored it already, and MovedOn.
    """
    onboarding = _held(session, onboarding_id, expected)
    before = developers.named(session, onboarding)
    if before is None:
        return
    _make_way(session, onboarding, who, before, "withdrawn")
    onboarding.handover_id = None


def choose_account(
    session: Session, onboarding_id: UUID, account: SellerAccount, *, expected: int | None = None
) -> None:
    """Keep the account that the seller has signed in to: it is linked once the secret has arrived.

    Raises NotEligible where there is nobody to wait for, and MovedOn.
    """
    onboarding = _held(session, onboarding_id, expected)
    handover = developers.named(session, onboarding)
    if handover is None:
        raise NotEligible(N_("No developer is named"))
    now = db.clock(session)
    handover.issuer, handover.subject = account.issuer, account.subject
    handover.seller_id, handover.shop_name = account.seller_id, account.shop_name
    handover.chosen_at = now


def acknowledge(
    session: Session,
    handover: Handover,
    *,
    version: int,
    ending: str,
    expected: int | None = None,
) -> Onboarding:
    """The developer has stored the secret; what the seller has done meanwhile counts from now on.

    Who has chosen no account yet is told that it is their turn: the page may be closed.
    """
    credentials.acknowledge(
        session,
        handover.onboarding_id,
        developers.actor(handover),
        version=version,
        ending=ending,
        expected=expected,
    )
    onboarding = follow(session, handover.onboarding_id)
    if onboarding.state == "awaiting_seller" and onboarding.contact_email:
        about = {"notice": "secret_stored"}
        outbox.promise(
            session, "send_email", about, onboarding_id=onboarding.id, sequence=onboarding.sequence
        )
    return onboarding


def follow(session: Session, onboarding_id: UUID) -> Onboarding:
    """Link the account that the seller has chosen before the secret had arrived, if it has now."""
    onboarding = lifecycle.lock(session, onboarding_id)
    handover = developers.named(session, onboarding)
    if onboarding.state != "awaiting_seller" or handover is None or handover.chosen_at is None:
        return onboarding
    account = _account(handover)
    who = proofs.account_actor(account.issuer, account.subject)
    return links.link_seller(session, onboarding.id, who, account)


def _held(session: Session, onboarding_id: UUID, expected: int | None) -> Onboarding:
    """The onboarding, locked, where a secret can be handed over. Raises NotEligible, MovedOn."""
    onboarding = lifecycle.lock(session, onboarding_id)
    if expected is not None and expected != onboarding.sequence:
        raise MovedOn(onboarding.state, onboarding.sequence)
    if onboarding.state not in developers.STATES:
        raise NotEligible(N_("The secret is not waiting for anybody"))
    if onboarding.connection_type == "credentials_only":
        raise NotEligible(N_("Whoever wants credentials only receives them in person"))
    return onboarding


def _make_way(
    session: Session, onboarding: Onboarding, who: Actor, before: Handover | None, because: str
) -> None:
    """Nobody gets what somebody else has seen, and who is not named any more has no way in."""
    if before:
        before.ended_at, before.ended_because = db.clock(session), because
        before.session_id = None
    if onboarding.state == "secret_revealed":
        lifecycle.fire(session, onboarding.id, "reissue_secret", who)
    session.flush()  # The next one is the only one that has not ended.


def _carry_over(before: Handover, named: Handover) -> None:
    """The seller's part does not depend on who the developer is."""
    for column in ("issuer", "subject", "seller_id", "shop_name", "chosen_at"):
        setattr(named, column, getattr(before, column))


def _named_today(session: Session, onboarding_id: UUID) -> int:
    named = select(func.count()).where(
        Handover.onboarding_id == onboarding_id, Handover.named_at > db.in_seconds(-24 * 3600)
    )
    return session.scalar(named) or 0


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _account(handover: Handover) -> SellerAccount:
    return SellerAccount(
        issuer=handover.issuer or "",
        subject=handover.subject or "",
        seller_id=handover.seller_id or "",
        shop_name=handover.shop_name or "",
    )
