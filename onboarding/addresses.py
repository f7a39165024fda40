"""Whose address it is, and how often we write to one that nobody has proved.

Anybody may enter any address, and starting another onboarding is free: so letters are counted by
the address, whichever onboarding they are for.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, select, update
from sqlalchemy.orm import Session

from onboarding import db, holding, sealing
from onboarding.errors import TooMany
from onboarding.ids import new_id
from onboarding.models import Client, ContactCode, Mail, Message, Onboarding, UnprovedLetter

# Letters an hour that visitors cause at an address which nobody has proved: codes, links, and what a
# choice or a recheck leads to. What ends an onboarding is told once and not counted.
UNPROVED_AN_HOUR: Final = 10
COUNTED_FOR: Final = timedelta(hours=1)
_WITHOUT_HASH: Final = (Onboarding.contact_hash.is_(None), Onboarding.contact_email.is_not(None))


def is_proved(session: Session, onboarding: Onboarding, email: str | None = None) -> bool:
    """Whether the contact's address is: by a code sent there, or by the system that vouched for it.

    `email` asks the same of an address that may not be the contact's.
    """
    address = email or onboarding.contact_email
    return address is not None and (
        (address == onboarding.contact_email and is_vouched_for(onboarding))
        or bool(session.scalar(_ENTERED, {"of": onboarding.id, "email": address}))
    )


def is_vouched_for(onboarding: Onboarding) -> bool:
    """Whether the system that started an onboarding has vouched for its contact's address."""
    has_one = onboarding.contact_email is not None
    return has_one and onboarding.contact_verified_at == onboarding.created_at


def may_be_contact(session: Session, onboarding: Onboarding, email: str) -> bool:
    """Whether a code may make an address the contact's: once a client ID is issued, none but the one it is."""
    issued = exists().where(Client.onboarding_id == onboarding.id, Client.revoked_at.is_(None))
    return email == onboarding.contact_email or not session.scalar(select(issued))


def entered_by_contact() -> ColumnElement[bool]:
    """Of a statement that reads onboardings: whether a code was entered that was sent to the contact's address."""
    return exists().where(
        ContactCode.onboarding_id == Onboarding.id,
        ContactCode.email == Onboarding.contact_email,
        ContactCode.used_at.is_not(None),
    )


def count_letter(session: Session, onboarding: Onboarding, email: str | None) -> None:
    """Count a letter that somebody is about to cause. Raises TooMany where its address gets no more.

    Asked as the last thing of a transaction, so that no two wait for what the other one has locked.
    """
    if email is None or is_proved(session, onboarding, email):
        return
    address = _plain_hash(email)
    holding.one_by_one(session, address.hex())
    sent = select(func.count()).where(
        UnprovedLetter.address_hash == address,
        UnprovedLetter.created_at > db.in_seconds(-COUNTED_FOR.total_seconds()),
    )
    if (session.scalar(sent) or 0) >= UNPROVED_AN_HOUR:
        raise TooMany(int(COUNTED_FOR.total_seconds()))
    session.add(UnprovedLetter(id=new_id(), address_hash=address))


def forget_letters(session: Session, limit: int) -> int:
    """Remove what is counted no more: whoever was written to once is no fact to keep; returns how many."""
    is_old = UnprovedLetter.created_at < db.in_seconds(-COUNTED_FOR.total_seconds())
    old = select(UnprovedLetter.id).where(is_old).limit(limit)
    gone = session.execute(delete(UnprovedLetter).where(UnprovedLetter.id.in_(old)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def forget_letters_to(session: Session, email: str) -> None:
    """Remove what is counted of one address."""
    theirs = UnprovedLetter.address_hash == _plain_hash(email)
    session.execute(delete(UnprovedLetter).where(theirs))


def any_without_hash(session: Session) -> bool:
    """Whether an onboarding is not yet found by its address. It takes no lock: most looks find none."""
    return bool(session.scalar(select(exists().where(*_WITHOUT_HASH))))


def add_hashes(session: Session, limit: int) -> int:
    """Add what they are found by to onboardings of before there was such a thing; how many.

    One that somebody has in hand is left for the next time.
    """
    found = session.execute(
        select(Onboarding.id, Onboarding.contact_email)
        .where(*_WITHOUT_HASH)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    added = [
        {"id": each.id, "contact_hash": hashed}
        for each in found
        if (hashed := sealing.address_hash(each.contact_email or ""))
    ]
    if added:
        session.execute(update(Onboarding), added)
    return len(added)


def links_of_the_hour(session: Session, onboarding_id: UUID) -> list[datetime]:
    """When each resume link that somebody asked for was promised, or handed over.

    Both are looked at, because a message is gone once its letter is handed over.
    """
    an_hour_ago = db.in_seconds(-3600)
    promised = select(Message.created_at).where(
        Message.onboarding_id == onboarding_id,
        Message.about["notice"].as_string() == "resume_link",
        Message.created_at > an_hour_ago,
    )
    handed_over = select(Mail.sent_at).where(
        Mail.onboarding_id == onboarding_id,
        Mail.notice == "resume_link",
        Mail.sent_at > an_hour_ago,
    )
    return [*session.scalars(promised), *session.scalars(handed_over)]


def _plain_hash(email: str) -> bytes:
    return hashlib.sha256(email.strip().casefold().encode()).digest()


# Whether a code has been entered that was sent to this address.
_ENTERED: Final = select(
    exists().where(
        ContactCode.onboarding_id == bindparam("of"),
        ContactCode.email == bindparam("email"),
        ContactCode.used_at.is_not(None),
    )
)
