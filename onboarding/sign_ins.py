"""Sign-ins that have left for the identity provider: each comes back once, within an hour, or is forgotten."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from onboarding import db
from onboarding.models import BrowserSession, PendingSignIn

# How long a sign-in may take; its row is of no use afterwards.
LASTS: Final = timedelta(hours=1)


def take(session: Session, browser: BrowserSession, state: str) -> PendingSignIn | None:
    """The sign-in that this browser began; another browser's, a used or an old one is not there."""
    row = session.scalars(
        delete(PendingSignIn)
        .where(PendingSignIn.state == state, PendingSignIn.session_id == browser.id)
        .returning(PendingSignIn)
    ).one_or_none()
    return row if row and db.clock(session) - row.created_at <= LASTS else None


def forget(session: Session, limit: int) -> int:
    """Remove sign-ins that came back too late or never; returns how many."""
    is_over = PendingSignIn.created_at < db.in_seconds(-LASTS.total_seconds())
    over = select(PendingSignIn.state).where(is_over).limit(limit)
    gone = session.execute(delete(PendingSignIn).where(PendingSignIn.state.in_(over)))
    return int(gone.rowcount)  # type: ignore[attr-defined]
