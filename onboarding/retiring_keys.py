"""Which keys of the keyring something still needs, and the end of those that nothing does.

The newest key of a purpose is in use by definition. An older one goes once nothing in the database was
made under it, and the newer one has been known for so long that what is made and kept elsewhere, a
link in a letter say, is over, and every process has found it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from onboarding import db
from onboarding.models import (
    AuditEntry,
    AuditHead,
    KeyCheck,
    Onboarding,
    SealedSecret,
    Secret,
    SourceKey,
    Webhook,
)
from onboarding.sealing import Keyring

# A sealed secret waits a day at most; a resume link is good for three.
GRACE: Final = {
    "seal": timedelta(days=1),
    "pepper": timedelta(days=1),
    "derive": timedelta(days=4),
}
PURPOSES: Final = tuple(GRACE)


@dataclass(frozen=True, slots=True)
class Held:
    """A key of the ring: whether it is the newest, what needs it, and whether it may go."""

    purpose: str
    key_id: str
    newest: bool
    # What was made under it and is still there, by kind; none has nothing of it.
    needed_by: dict[str, int]
    # Whether the one that took its place has been there for long enough.
    overtaken: bool

    @property
    def may_go(self) -> bool:
        return not (self.newest or self.needed_by) and self.overtaken


def held(session: Session, ring: Keyring) -> list[Held]:
    """Every key, a pair as one, by purpose and age."""
    return [
        _look(session, ring, purpose, key_id)
        for purpose in PURPOSES
        for key_id in sorted(ring.keys[purpose])
    ]


def retire(session: Session, key: Held) -> None:
    """Forget that this database was used with it, so that nothing misses it. The file is the caller's."""
    names = ("seal", "public") if key.purpose == "seal" else (key.purpose,)
    gone = [f"{name}.{key.key_id}" for name in names]
    session.execute(delete(KeyCheck).where(KeyCheck.key_id.in_(gone)))


def _look(session: Session, ring: Keyring, purpose: str, key_id: str) -> Held:
    newest = max(ring.keys[purpose])
    known = session.scalar(
        select(KeyCheck.created_at).where(KeyCheck.key_id == f"{purpose}.{newest}")
    )
    since = db.clock(session) - GRACE[purpose]
    return Held(
        purpose,
        key_id,
        key_id == newest,
        _needed_by(session, purpose, key_id),
        known is not None and known < since,
    )


def _needed_by(session: Session, purpose: str, key_id: str) -> dict[str, int]:
    def under(column: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]) -> int:
        counted = select(func.count()).where(column == key_id, *conditions)
        return session.scalar(counted) or 0

    def previous() -> int:
        both = or_(Webhook.key_id == key_id, Webhook.previous_key_id == key_id)
        return session.scalar(select(func.count()).where(both)) or 0

    match purpose:
        case "seal":
            found = {"sealed secrets": under(SealedSecret.key_id)}
        case "pepper":
            addresses = select(func.count()).where(Onboarding.contact_hash.is_not(None))
            trail = under(AuditEntry.pepper_id) + under(AuditHead.pepper_id)
            found = {
                "client secrets": under(
                    Secret.pepper_id, Secret.ended_at.is_(None), Secret.jwk.is_(None)
                ),
                "rows of the trail": trail,
                # Nothing says under which pepper an address is found.
                "addresses": session.scalar(addresses) or 0,
            }
        case _:
            found = {"webhooks": previous(), "keys of sources": under(SourceKey.key_id)}
    return {kind: number for kind, number in found.items() if number}
