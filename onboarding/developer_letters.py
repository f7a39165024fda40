"""Letters to a named developer: what there is to do, codes, and reminders in the seller's place."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import db, developers
from onboarding.models import ContactCode, DeveloperCode, Onboarding
from onboarding.outbox import Claim
from onboarding.proofs import CODE_LASTS
from onboarding.sealing import Keyring
from onboarding.settings import Settings


def is_for_developer(notice: str, onboarding: Onboarding) -> bool:
    """Whether a letter goes to the developer; in a developer's turn, a reminder does."""
    reminded = onboarding.handover_id is not None and onboarding.state in developers.THEIR_MOVE
    return notice in ("developer_code", "developer_named") or (notice == "reminder" and reminded)


def addressee(session: Session, claim: Claim, onboarding: Onboarding) -> str | None:
    """The named developer's address; None: it is for one who is not named any more, or overtaken."""
    handover = developers.named(session, onboarding)
    meant = claim.about.get("handover", str(onboarding.handover_id))
    if handover is None or meant != str(handover.id):
        return None
    if claim.about["notice"] == "developer_code":
        code = developers.latest_code(session, handover.id)
        return handover.email if is_awaited(session, claim, code) else None
    overtaken = claim.sequence != onboarding.sequence
    return None if overtaken or onboarding.state not in developers.THEIR_MOVE else handover.email


def facts(onboarding: Onboarding, ring: Keyring, settings: Settings) -> dict[str, Any]:
    """The link to the developer's part. No name that a seller typed goes to an address that they named."""
    assert onboarding.handover_id is not None
    token = developers.token(ring, onboarding.handover_id)
    return {
        "developer_url": f"{settings.base_url}/{onboarding.locale}/developer/{token}",
        "connection": "",
        "shop_name": "",
        "seller_id": "",
    }


def is_awaited(session: Session, claim: Claim, code: ContactCode | DeveloperCode | None) -> bool:
    """Whether this letter's code is the one that counts, still."""
    if code is None or code.id != UUID(claim.about["code"]) or code.used_at:
        return False
    return db.clock(session) < code.created_at + CODE_LASTS


def sent_code(session: Session, claim: Claim) -> ContactCode | DeveloperCode:
    """The code of a letter, the seller's or the developer's."""
    code_id = UUID(claim.about["code"])
    if claim.about["notice"] == "developer_code":
        return session.get_one(DeveloperCode, code_id)
    return session.get_one(ContactCode, code_id)
