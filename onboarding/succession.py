"""What follows a proof: a new session under a new cookie, and the old one for a few minutes more.

A cookie that somebody planted must be worth nothing after a proof; a person whose answer was lost
on its way must not be locked out. So the old session keeps what it could see, and nothing that was
proved, until the new one is used or its time is over.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, literal, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql import ColumnElement

from onboarding import db
from onboarding.errors import NotFound
from onboarding.ids import new_id
from onboarding.models import BrowserSession, Grant, Handover

# As long as a code: whoever got no answer enters another one within that time.
HANDOVER: Final = timedelta(minutes=10)
# How long a browser counts as signed in to a seller account; a secret asks for a proof of its own.
SIGN_IN_LASTS: Final = timedelta(hours=24)


def succeed(session: Session, browser: BrowserSession, token_hash: bytes) -> BrowserSession:
    """The session that takes over what is proved, known and granted; the old one is about to end.

    Raises NotFound where somebody has signed out of the old one meanwhile.
    """
    now = db.clock(session)
    heir = BrowserSession(
        id=new_id(),
        token_hash=token_hash,
        created_at=now,
        seen_at=now,
        issuer=browser.issuer,
        subject=browser.subject,
        seller_name=browser.seller_name,
        accounts=browser.accounts,
        signed_in_at=browser.signed_in_at,
        proved_at=browser.proved_at,
    )
    session.add(heir)
    session.flush()  # What follows refers to it.
    granted = select(literal(heir.id), Grant.onboarding_id, Grant.granted_at).where(
        Grant.session_id == browser.id
    )
    columns = ["session_id", "onboarding_id", "granted_at"]
    session.execute(insert(Grant).from_select(columns, granted))
    hers = update(Handover).where(Handover.session_id == browser.id)
    session.execute(hers.values(session_id=heir.id))
    # Not through the row: a sign-in that has run out is only hidden there.
    ended = session.execute(
        update(BrowserSession)
        .where(BrowserSession.id == browser.id)
        .values(
            issuer=None,
            subject=None,
            seller_name=None,
            accounts={},
            signed_in_at=None,
            proved_at=None,
            succeeded_at=browser.succeeded_at or now,
            succeeded_by=heir.id,
        )
    )
    if ended.rowcount == 0:  # type: ignore[attr-defined]
        raise NotFound
    return heir


def not_over() -> ColumnElement[bool]:
    """The condition of a session that nobody has succeeded, or a moment ago only."""
    handed_over = BrowserSession.succeeded_at
    return or_(handed_over.is_(None), handed_over > db.in_seconds(-HANDOVER.total_seconds()))


def is_signed_in() -> ColumnElement[bool]:
    """The condition of a session whose sign-in to a seller account still counts."""
    return BrowserSession.signed_in_at >= db.in_seconds(-SIGN_IN_LASTS.total_seconds())


def is_used(session: Session, browser: BrowserSession, now: datetime) -> None:
    """The new cookie has arrived, so the old one is of no more use to whom it belonged."""
    if now - browser.created_at <= HANDOVER:
        session.execute(delete(BrowserSession).where(BrowserSession.succeeded_by == browser.id))


def without_old_sign_in(browser: BrowserSession, now: datetime) -> BrowserSession:
    """The session as if nobody had signed in, once that is too long ago. Hidden, not written."""
    since = browser.signed_in_at
    if browser.issuer and (since is None or now - since > SIGN_IN_LASTS):
        for name in ("issuer", "subject", "seller_name"):
            set_committed_value(browser, name, None)
        set_committed_value(browser, "accounts", {})
    return browser
