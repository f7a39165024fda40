"""Whose onboarding it is: what must have been proved about it before its secret is shown.

A browser may hold several onboardings, and several people may sit at it. So a proof counts for the
onboarding that it was about, and for no other.
"""

from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from onboarding import addresses, db, succession
from onboarding.access import Actor
from onboarding.models import BrowserSession, ContactCode, Grant, Link, Onboarding, Transition
from onboarding.proof_statements import SESSION_IDLE
from onboarding.proofs import actor, is_fresh


def is_about(session: Session, browser: BrowserSession, onboarding: Onboarding) -> bool:
    """Whether the last proof in this browser says anything about this onboarding.

    A code that its contact got does, and so does signing in to the seller account that asked for
    its client ID. Whatever else was proved here may have been proved by somebody else.
    """
    entered = _code_entered(session, browser)
    if entered is not None:
        return (entered.onboarding_id, entered.email) == (onboarding.id, onboarding.contact_email)
    maker = maker_account(session, onboarding)
    return maker is not None and maker == actor(browser).id


def is_of_link(session: Session, browser: BrowserSession, onboarding: Onboarding) -> bool:
    """Whether the last proof in this browser is a sign-in of the person whose account is linked."""
    if _code_entered(session, browser) is not None:
        return False
    theirs = exists().where(
        Link.onboarding_id == onboarding.id,
        Link.issuer == browser.issuer,
        Link.subject == browser.subject,
        Link.ended_at.is_(None),
    )
    return bool(session.scalar(select(theirs)))


def has_just_signed_in(session: Session, browser: BrowserSession) -> bool:
    """Whether the last proof in this browser is a sign-in to a seller account of a moment ago."""
    signed_in = browser.subject is not None and _code_entered(session, browser) is None
    return signed_in and is_fresh(session, browser)


def maker_account(session: Session, onboarding: Onboarding) -> str | None:
    """The actor ID of the seller account that asked for the client ID, if it was signed in."""
    maker = session.scalars(
        select(Transition.actor_id)
        .where(
            Transition.onboarding_id == onboarding.id,
            Transition.event == "issue_id",
            Transition.actor_kind == "seller",
        )
        .order_by(Transition.sequence.desc())
        .limit(1)
    ).one_or_none()
    return maker if maker and _is_account(maker) else None


def knows_contact(session: Session, who: Actor, onboarding: Onboarding) -> bool:
    """Whether we can ask again who it is, before a secret is shown: by a code, or by signing in.

    Whoever wants credentials only has no seller account that would tell.
    """
    may_sign_in = onboarding.connection_type != "credentials_only"
    return addresses.is_proved(session, onboarding) or (may_sign_in and _is_account(who.id))


def browser_of(session: Session, onboarding_id: UUID) -> BrowserSession | None:
    """The browser that holds an onboarding, as its next page would know it; of several, the last one used."""
    found = session.execute(
        select(BrowserSession, db.now())
        .join(Grant, Grant.session_id == BrowserSession.id)
        .where(
            Grant.onboarding_id == onboarding_id,
            BrowserSession.seen_at > db.in_seconds(-SESSION_IDLE.total_seconds()),
            succession.not_over(),
        )
        .order_by(BrowserSession.seen_at.desc(), BrowserSession.created_at.desc())
        .limit(1)
    ).one_or_none()
    return succession.without_old_sign_in(*found) if found else None


def holders(session: Session, start_key: str) -> int | None:
    """How many browsers hold the onboarding that a start key has begun; None: it has begun none."""
    return session.execute(
        select(func.count(Grant.session_id))
        .select_from(Onboarding)
        .outerjoin(Grant, Grant.onboarding_id == Onboarding.id)
        .where(Onboarding.start_key == start_key)
        .group_by(Onboarding.id)
    ).scalar_one_or_none()


def _code_entered(session: Session, browser: BrowserSession) -> ContactCode | None:
    """The code that was the last proof in this browser; None: it was a sign-in, or nothing."""
    return session.scalars(
        select(ContactCode)
        .join(Grant, Grant.onboarding_id == ContactCode.onboarding_id)
        .where(Grant.session_id == browser.id, ContactCode.used_at == browser.proved_at)
        .limit(1)
    ).one_or_none()


def _is_account(actor_id: str) -> bool:
    """A seller account, rather than a browser that nobody has signed in with."""
    return not actor_id.startswith("browser:")
