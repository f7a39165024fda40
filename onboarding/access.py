"""Who is asking: an `Actor` in the chart's words, and the API keys of calling systems."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from onboarding import checksums, db
from onboarding.errors import Forbidden, Invalid, Unauthorised
from onboarding.ids import new_id
from onboarding.looks import Look
from onboarding.models import ApiKey, System


@dataclass(frozen=True, slots=True)
class Actor:
    """Who fires an event: one of the chart's kinds, and an ID that history keeps.

    The ID names an account or a process, never a person's e-mail address. An operator also says
    why.
    """

    kind: str
    id: str
    reason: str | None = None


PLATFORM: Final = Actor("platform", "platform")
CLOCK: Final = Actor("clock", "clock")

# What a key may do: move its own onboardings, take their secrets, vouch for a contact's e-mail
# address, change the registry; look at everybody's, masked; have events sent to its endpoints; ask
# what an access token is worth.
SCOPES: Final = (
    "onboardings:read",
    "onboardings:write",
    "secrets:reveal",
    "contacts:vouch",
    "aggregators:write",
    "operations:read",
    "audit:read",
    "webhooks:write",
    "tokens:introspect",
)

KEY_PREFIX: Final = checksums.API_KEY_PREFIX
# The characters of a key after its prefix: with its checksum, and of before there was one.
_LENGTH: Final = checksums.BODY + checksums.CHECKSUM
_EARLIER_LENGTH: Final = 43
# As the table has it.
NAME_AT_MOST: Final = 80


def create_api_key(
    session: Session, name: str, scopes: Iterable[str], system: System | None = None
) -> tuple[ApiKey, str]:
    """A new key, and its text, which is not kept. Without a system it is the first of one of its own.

    Raises Invalid for an unknown scope, and for a name that is empty or too long.
    """
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown:
        known = f"There are {', '.join(SCOPES)}."
        raise Invalid({"scopes": f"No such scope: {', '.join(unknown)}. {known}"})
    if not 0 < len(name) <= NAME_AT_MOST:
        raise Invalid({"name": f"A name of at most {NAME_AT_MOST} characters."})
    key_id = new_id()
    if system is None:
        session.execute(insert(System).values(id=key_id, name=name))
    return _add(session, key_id, system.id if system else key_id, name, wanted)


def systems(session: Session, name_or_id: str) -> Sequence[System]:
    """The calling system of an ID; or all that have this name, as several may."""
    try:
        wanted = System.id == UUID(name_or_id)
    except ValueError:
        wanted = System.name == name_or_id
    return session.scalars(select(System).where(wanted).order_by(System.id)).all()


def api_key(session: Session, text: str) -> tuple[ApiKey, datetime]:
    """The key that a caller presents, and what time it is. Raises Unauthorised, whether it is unknown or has ended.

    A mistyped one is refused before anything is asked of the database.
    """
    if not _well_formed(text):
        raise Unauthorised
    found = _OF_HASH.one(session, hash=_hash(text))
    if found is None:
        raise Unauthorised
    key, now = found
    return key, now


def still_works(session: Session, key_id: UUID) -> bool:
    """Whether a key that was presented before has not ended meanwhile."""
    return bool(session.scalar(select(exists().where(ApiKey.id == key_id, _works()))))


def require(key: ApiKey, scope: str) -> None:
    """Refuse what a key is not for. Raises Forbidden."""
    if scope not in key.scopes:
        raise Forbidden(scope)


def rotate_api_key(session: Session, key_id: UUID, overlap: timedelta) -> tuple[ApiKey, str] | None:
    """A key that may do the same, and its text; the old one works for as long as they overlap.

    None: there is none of that ID, or it has ended. One that ends sooner still does.
    """
    old = session.scalars(
        select(ApiKey).where(ApiKey.id == key_id, _works()).with_for_update()
    ).one_or_none()
    if old is None:
        return None
    ends_at = db.clock(session) + overlap
    old.expires_at = min(ends_at, old.expires_at) if old.expires_at else ends_at
    return _add(session, new_id(), old.system_id, old.name, old.scopes)


def api_keys(session: Session) -> Sequence[ApiKey]:
    """Every key, newest first; none of them shows its text."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id.desc())).all()


def working_keys(session: Session) -> Sequence[ApiKey]:
    """Those that have not ended, newest first."""
    return session.scalars(select(ApiKey).where(_works()).order_by(ApiKey.id.desc())).all()


def system_names(session: Session) -> dict[UUID, str]:
    """What every calling system is called."""
    return {row.id: row.name for row in session.execute(select(System.id, System.name))}


def revoke_api_key(session: Session, key_id: UUID) -> bool:
    """End a key. False: there is none of that ID, or it has ended before."""
    ended = session.execute(
        update(ApiKey).where(ApiKey.id == key_id, _works()).values(revoked_at=db.now())
    )
    return bool(ended.rowcount)  # type: ignore[attr-defined]


def revoke_disclosed(session: Session, texts: Collection[str]) -> list[tuple[UUID, str]]:
    """End those of the keys with these texts that work; which they were. Keys of nobody cost the same."""
    by_hash = {_hash(text): text for text in texts}
    ended = session.execute(
        update(ApiKey)
        .where(ApiKey.hash.in_(sorted(by_hash)), _works())
        .values(revoked_at=db.now())
        .returning(ApiKey.id, ApiKey.hash)
    )
    return [(row.id, by_hash[row.hash]) for row in ended]


def calling_system(key: ApiKey) -> Actor:
    """The actor that a key stands for."""
    return Actor("api", f"key:{key.id}")


def _add(
    session: Session, key_id: UUID, system_id: UUID, name: str, scopes: list[str]
) -> tuple[ApiKey, str]:
    text = checksums.new(KEY_PREFIX)
    key = ApiKey(
        id=key_id,
        system_id=system_id,
        name=name,
        hash=_hash(text),
        ending=text[-checksums.CHECKSUM :],
        scopes=scopes,
    )
    session.add(key)
    return key, text


def _well_formed(text: str) -> bool:
    """Those of before there was a checksum are told by their length."""
    length = len(text.removeprefix(KEY_PREFIX))
    return length == _EARLIER_LENGTH or (length == _LENGTH and checksums.well_formed(text))


def _works() -> ColumnElement[bool]:
    alive = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > db.now())
    return and_(ApiKey.revoked_at.is_(None), alive)


def _hash(text: str) -> bytes:
    """A key holds 256 random bits, so a plain hash is enough (OWASP ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(text.encode()).digest()


_OF_HASH: Final = Look(select(ApiKey, db.now()).where(ApiKey.hash == bindparam("hash"), _works()))
