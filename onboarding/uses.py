"""The use of a client secret: when it was first seen and last, what follows from the first, and silence."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from onboarding import credentials, db, handover, outbox, replacing
from onboarding.afterwards import DONE
from onboarding.models import Client, Onboarding, Secret
from onboarding.presented import NOTED_EVERY, Verified

# Who has been silent for this much longer than is asked after was overlooked on purpose: nobody is
# written to about last year because a server is upgraded.
_LATEST: Final = timedelta(days=3)


def note(session: Session, verified: Verified) -> None:
    """Write down that a secret was used. The first use acknowledges it, and its owner hears of it once.

    The onboarding comes first, as it does for whoever else locks both.
    """
    if not verified.acknowledged:
        credentials.acknowledge_by_use(session, verified.onboarding_id, verified.version)
        handover.follow(session, verified.onboarding_id)
        replacing.acknowledge_by_use(session, verified.onboarding_id, verified.version)
    _note_last(session, verified)
    _note_hash(session, verified)
    if _is_first(session, verified.client_id):
        _tell_of_first(session, verified)


def ask_about_silence(session: Session, after_days: int, limit: int) -> int:
    """Write once to those who have credentials that nothing has called with; how many they were."""
    silent = _silent(after_days).limit(limit).with_for_update(of=Client, skip_locked=True)
    found = session.execute(silent).all()
    if found:
        session.execute(
            update(Client)
            .where(Client.id.in_([each.id for each in found]))
            .values(silence_asked_at=db.now())
        )
    for each in found:
        if each.contact_email:
            about = {"notice": "no_call_yet"}
            outbox.promise(session, "send_email", about, onboarding_id=each.onboarding_id)
    return len(found)


def any_silent(session: Session, after_days: int) -> bool:
    """Whether there is anybody to ask."""
    return session.execute(_silent(after_days).limit(1)).first() is not None


def _note_last(session: Session, verified: Verified) -> None:
    """Uses at the same time note it once."""
    old = or_(
        Secret.last_used_at.is_(None),
        Secret.last_used_at < db.in_seconds(-NOTED_EVERY.total_seconds()),
    )
    of_it = (Secret.client_id == verified.client_id, Secret.version == verified.version)
    session.execute(update(Secret).where(*of_it, old).values(last_used_at=db.now()))


def _note_hash(session: Session, verified: Verified) -> None:
    """Of those that use it at once one moves it, and whatever has moved it before stays."""
    if verified.rehashed is None:
        return
    pepper_id, hashed = verified.rehashed
    session.execute(
        update(Secret)
        .where(
            Secret.client_id == verified.client_id,
            Secret.version == verified.version,
            Secret.pepper_id == verified.pepper_id,
        )
        .values(pepper_id=pepper_id, hash=hashed)
    )


def _is_first(session: Session, client_id: str) -> bool:
    """Note the first call; among those that come at once, one is the first."""
    first = (
        update(Client)
        .where(Client.id == client_id, Client.first_used_at.is_(None))
        .values(first_used_at=db.now())
    )
    return bool(session.execute(first).rowcount)  # type: ignore[attr-defined]


def _tell_of_first(session: Session, verified: Verified) -> None:
    contact = select(Onboarding.contact_email).where(Onboarding.id == verified.onboarding_id)
    if session.scalar(contact):
        about = {"notice": "first_call"}
        outbox.promise(session, "send_email", about, onboarding_id=verified.onboarding_id)


def _silent(after_days: int) -> Select[str, UUID, str | None]:
    latest = after_days + _LATEST // timedelta(days=1)
    return (
        select(Client.id, Client.onboarding_id, Onboarding.contact_email)
        .join(Onboarding, Onboarding.id == Client.onboarding_id)
        .where(
            Onboarding.state.in_(DONE),
            Onboarding.entered_at <= db.in_seconds(-after_days * 86400),
            Onboarding.entered_at > db.in_seconds(-latest * 86400),
            Client.first_used_at.is_(None),
            Client.silence_asked_at.is_(None),
            Client.revoked_at.is_(None),
            Client.disabled_at.is_(None),
        )
        .order_by(Onboarding.entered_at)
    )
