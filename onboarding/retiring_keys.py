"""Which keys of the keyring something still needs, and the end of those that nothing does.

The newest key of a purpose is in use by definition. An older one goes once nothing in the database was
made under it, and the newer one has been known for so long that what is made and kept elsewhere, a
link in a letter say, is over, and every process has found it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from onboarding import audit, crash_points, db, holding, key_files
from onboarding.audit import Attempt
from onboarding.models import (
    Announced,
    AuditEntry,
    AuditHead,
    KeyCheck,
    Onboarding,
    SealedSecret,
    Secret,
    SourceKey,
    Webhook,
)
from onboarding.sealing import Keyring, read_keyring

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
    # Whether one that took its place has been there for long enough.
    overtaken: bool
    # Whether it is in the folder; one that is not is known to the database only.
    here: bool = True

    @property
    def may_go(self) -> bool:
        return not (self.newest or self.needed_by) and self.overtaken


def held(session: Session, ring: Keyring, purposes: Collection[str] = PURPOSES) -> list[Held]:
    """Every key of these purposes, a pair as one, by purpose and age."""
    known = {
        row.key_id: row.created_at
        for row in session.execute(select(KeyCheck.key_id, KeyCheck.created_at))
    }
    return [each for purpose in purposes for each in _of(session, ring, purpose, known)]


def end(session: Session, ring: Keyring, purposes: Collection[str], actor: str) -> list[Held]:
    """Forget that this database was used with the keys that may go, so that nothing misses them; which.

    Pairs of seal keys are destroyed here, under the lock, as a start does without them: two at once
    do it once, and who dies in between leaves a row that the next one takes out. The files of other
    keys the caller destroys once this is committed: they stop a start if they are known and gone.
    Raises OSError where the folder takes no change.
    """
    holding.hold(session, KeyCheck.__tablename__, alone=True)
    assert ring.folder is not None
    now = read_keyring(ring.folder)
    gone = [key for key in held(session, now, purposes) if key.may_go]
    for key in gone:
        if key.purpose == "seal":
            key_files.remove_key(ring.folder, "seal", key.key_id)
            crash_points.reach("keyring.destroyed")
        names = [f"{name}.{key.key_id}" for name in files(key.purpose)]
        session.execute(delete(KeyCheck).where(KeyCheck.key_id.in_(names)))
        told = Attempt(actor, None, "keyring.retire", f"{key.purpose}.{key.key_id}")
        audit.append(session, now, told)
    return gone


def files(purpose: str) -> tuple[str, ...]:
    """What a key of a purpose is in the folder, and in the table of those that are known."""
    return ("seal", "public") if purpose == "seal" else (purpose,)


def _of(
    session: Session, ring: Keyring, purpose: str, known: Mapping[str, datetime]
) -> Iterator[Held]:
    """The keys of one purpose. Of a pair, only one that is whole takes another's place."""
    usable = set(ring.keys[purpose])
    if purpose == "seal":
        usable &= ring.keys["public"].keys()
    newest = max(usable, default="")
    since = db.clock(session) - GRACE[purpose]
    settled = [k for k in usable if known.get(f"{purpose}.{k}", since) < since]
    for key_id in sorted(ring.keys[purpose].keys() | _gone(purpose, newest, known)):
        yield Held(
            purpose,
            key_id,
            key_id >= newest,
            _needed_by(session, purpose, key_id),
            any(later > key_id for later in settled),
            key_id in ring.keys[purpose],
        )


def _gone(purpose: str, newest: str, known: Mapping[str, datetime]) -> set[str]:
    """Pairs that the database knows from before the newest; of other keys, none may be gone."""
    if purpose != "seal":
        return set()
    ids = [name.partition(".")[2] for name in known if name.partition(".")[0] in files("seal")]
    return {key_id for key_id in ids if key_id < newest}


def _needed_by(session: Session, purpose: str, key_id: str) -> dict[str, int]:
    def under(column: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]) -> int:
        counted = select(func.count()).where(column == key_id, *conditions)
        return session.scalar(counted) or 0

    def previous() -> int:
        both = or_(Webhook.key_id == key_id, Webhook.previous_key_id == key_id)
        return session.scalar(select(func.count()).where(both)) or 0

    match purpose:
        case "seal":
            found = {
                "sealed secrets": under(SealedSecret.key_id),
                "tokens of registrations": under(Announced.key_id),
            }
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
