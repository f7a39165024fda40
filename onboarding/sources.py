"""Systems of the marketplace's that may tell us things, and the keys by which they sign.

A source has any number of keys at once, so that it can change one without a gap. One of HMAC is
derived from the keyring and stored nowhere; of ed25519 we have the public half, and the source keeps
the other.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from onboarding import db, holding, sealing, signing
from onboarding.errors import Invalid, NotFound, Unauthorised
from onboarding.models import Source, SourceKey
from onboarding.sealing import Keyring
from onboarding.signing import HEADERS, Key

# How far the clock of a source may be from the database's, and how old what it signs.
TOLERANCE: Final = timedelta(minutes=5)
# Two during a rotation; more than a few nobody needs.
MOST_KEYS: Final = 4
# Signatures of one message that are looked at.
_MOST_SIGNATURES: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+~-]{0,99}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_PURPOSE: Final = "source-v1"
_PUBLIC_BYTES: Final = 32


def add(session: Session, ring: Keyring, name: str, public_key: str | None = None) -> str:
    """A source that may tell us things from now on; what it verifies by, a secret told once.

    One that was ended begins again. Raises Invalid for what cannot be a name or a key, or is there.
    """
    if not _NAME.fullmatch(name):
        raise Invalid(
            {"name": "As `source` stands in its events: a URI of at most 100 characters."}
        )
    holding.one_by_one(session, f"source {name}")
    source = session.get(Source, name)
    if source is not None and source.ended_at is None:
        raise Invalid({"name": "There is a source of this name."})
    if source is None:
        session.add(Source(name=name))
        session.flush()  # Its key refers to it.
    else:
        source.ended_at = None
    return _add_key(session, ring, name, public_key)


def rotate(
    session: Session, ring: Keyring, name: str, overlap: timedelta, public_key: str | None = None
) -> str:
    """Another key; those before work for as long as they overlap. Raises NotFound or Invalid."""
    _alive(session, name)
    working = session.scalars(select(SourceKey).where(SourceKey.source == name, _works())).all()
    if len(working) >= MOST_KEYS:
        raise Invalid({"name": f"It has {MOST_KEYS} keys that work: wait until one has ended."})
    ends_at = db.clock(session) + overlap
    for key in working:
        key.ends_at = min(ends_at, key.ends_at) if key.ends_at else ends_at
    return _add_key(session, ring, name, public_key)


def end(session: Session, name: str) -> None:
    """Hear no more of a source, and let none of its keys work. Raises NotFound."""
    _alive(session, name).ended_at = db.clock(session)
    working = update(SourceKey).where(SourceKey.source == name, _works())
    session.execute(working.values(ends_at=db.now()))


def all_of_them(session: Session) -> Sequence[tuple[Source, int]]:
    """Every source, by name, and how many of its keys work."""
    counted = (
        select(Source, func.count(SourceKey.number))
        .outerjoin(SourceKey, and_(SourceKey.source == Source.name, _works()))
        .group_by(Source.name)
        .order_by(Source.name)
    )
    return [(row[0], row[1]) for row in session.execute(counted)]


def authenticate(
    session: Session, ring: Keyring, name: str, headers: Mapping[str, str], body: bytes
) -> None:
    """Whether this source has signed this, just now: one look, whatever is wrong.

    Raises Unauthorised for an unknown source, a wrong key, a wrong signature, one that is too old
    or of a time to come, and for headers that are not as they should be. Raises Unavailable.
    """
    keys = session.execute(
        select(SourceKey, db.now().label("now")).where(SourceKey.source == name, _works())
    ).all()
    sent = {each: headers.get(each, "") for each in HEADERS}
    if not _plain(sent) or not keys:
        raise Unauthorised
    age = keys[0].now.timestamp() - int(sent["webhook-timestamp"])
    shown = [_shown(ring, row.SourceKey) for row in keys]
    if abs(age) > TOLERANCE.total_seconds() or not signing.is_signed(shown, sent, body):
        raise Unauthorised


def _add_key(session: Session, ring: Keyring, name: str, public_key: str | None) -> str:
    newest = session.scalar(select(func.max(SourceKey.number)).where(SourceKey.source == name))
    key = SourceKey(source=name, number=(newest or 0) + 1)
    if public_key is None:
        key.signature, (key.key_id, _) = "hmac", ring.current("derive")
    else:
        key.signature, key.public_key = "ed25519", _checked(public_key)
    session.add(key)
    return _shown(ring, key)


def _checked(public_key: str) -> str:
    prefix, _, text = public_key.strip().partition("_")
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if prefix != "whpk" or len(raw) != _PUBLIC_BYTES:
        raise Invalid({"public_key": "whpk_, and 32 bytes of ed25519 in base64."})
    return public_key.strip()


def _shown(ring: Keyring, key: SourceKey) -> str:
    if key.public_key is not None:
        return key.public_key
    assert key.key_id is not None
    name = f"{key.source}.{key.number}"
    return Key("hmac", sealing.derive_under(ring, key.key_id, _PURPOSE, name)).shown


def _alive(session: Session, name: str) -> Source:
    holding.one_by_one(session, f"source {name}")
    source = session.get(Source, name)
    if source is None or source.ended_at is not None:
        raise NotFound("source")
    return source


def _works() -> ColumnElement[bool]:
    return or_(SourceKey.ends_at.is_(None), SourceKey.ends_at > db.now())


def _plain(sent: Mapping[str, str]) -> bool:
    """Whether each is there as it should be, before anything is computed."""
    signatures = sent["webhook-signature"]
    return (
        bool(sent["webhook-id"])
        and all(each.isascii() for each in sent.values())
        and _SECONDS.fullmatch(sent["webhook-timestamp"]) is not None
        and 0 < len(signatures.split()) <= _MOST_SIGNATURES
    )
