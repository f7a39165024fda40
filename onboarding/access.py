"""Who is asking: an `Actor` in the chart's words, and the API keys of calling systems."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from onboarding import db
from onboarding.errors import Forbidden, Invalid, Unauthorised
from onboarding.models import ApiKey


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
# address, change the registry; look at everybody's, masked; have events sent to its endpoints.
SCOPES: Final = (
    "onboardings:read",
    "onboardings:write",
    "secrets:reveal",
    "contacts:vouch",
    "aggregators:write",
    "operations:read",
    "webhooks:write",
)

KEY_PREFIX: Final = "onbk_"
# As the table has it.
NAME_AT_MOST: Final = 80


def create_api_key(session: Session, name: str, scopes: Iterable[str]) -> tuple[ApiKey, str]:
    """A new key for a calling system, and its text, which is not kept."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown:
        raise Invalid({"scopes": f"No such scope: {', '.join(unknown)}."})
    if not 0 < len(name) <= NAME_AT_MOST:
        raise Invalid({"name": f"A name of at most {NAME_AT_MOST} characters."})
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(id=db.new_id(), name=name, hash=_hash(text), scopes=wanted)
    session.add(key)
    return key, text


def api_key(session: Session, text: str) -> ApiKey:
    """The key that a caller presents. Raises Unauthorised, whether it is unknown or revoked."""
    key = session.scalars(
        select(ApiKey).where(ApiKey.hash == _hash(text), ApiKey.revoked_at.is_(None))
    ).one_or_none()
    if key is None:
        raise Unauthorised
    return key


def require(key: ApiKey, scope: str) -> None:
    """Refuse what a key is not for. Raises Forbidden."""
    if scope not in key.scopes:
        raise Forbidden(f"this key lacks the scope {scope}")


def api_keys(session: Session) -> Sequence[ApiKey]:
    """Every key, newest first; none of them shows its text."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id.desc())).all()


def revoke_api_key(session: Session, key_id: UUID) -> bool:
    """End a key. False: there is none of that ID, or it has ended before."""
    ended = session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=db.now())
    )
    return bool(ended.rowcount)  # type: ignore[attr-defined]


def calling_system(key: ApiKey) -> Actor:
    """The actor that a key stands for."""
    return Actor("api", f"key:{key.id}")


def _hash(text: str) -> bytes:
    """A key holds 256 random bits, so a plain hash is enough (OWASP ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(text.encode()).digest()
