"""A client that signs instead of sending a secret: `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9).

Whatever is wrong with an assertion, the caller learns one answer; why is for the log. An assertion of a
client that there is not costs what a wrong signature does: one look-up, and one signature to verify.
"""

import base64
import copy
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeGuard

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onboarding import db, presented, public_keys
from onboarding.models import UsedAssertion
from onboarding.presented import Verified
from onboarding.public_keys import SIGNING, Key
from onboarding.sellers.bounded_json import parse_object

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Seconds from now until an assertion may expire at the latest, and by which clocks may differ. An hour
# is what Authlib gives one where nobody says otherwise; each is good for once all the same.
LASTS: Final = 3600
SKEW: Final = 30
# One by an RSA key of 4096 bits has about 1,200 characters.
LONGEST: Final = 4096
_HALF: Final = re.compile("[\ud800-\udfff]")
_LONGEST_JTI: Final = 255
# What may stand there, in any case; a token of another kind is no assertion.
_TYPES: Final = ("jwt", "client-authentication+jwt")
# These change what is signed or how it is read. Others are not looked at: no header brings a key or
# points to one that counts.
_REFUSED_HEADERS: Final = frozenset({"crit", "b64", "zip", "enc"})


class NotAccepted(Exception):
    """An assertion proves nothing; `reason` is for the log. `client_id` is whom it says that it is of."""

    def __init__(self, reason: str, client_id: str = "") -> None:
        super().__init__(reason)
        self.reason, self.client_id = reason, client_id


@dataclass(frozen=True, slots=True)
class Assertion:
    """What somebody has sent, so far as it can be judged without the client's key."""

    client_id: str
    algorithm: str
    text: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def expires_at(self) -> datetime:
        """Until when it would be accepted."""
        return datetime.fromtimestamp(self.claims["exp"] + SKEW, UTC)

    @property
    def name(self) -> bytes:
        """What it is remembered by: whose it is, and its own `jti`."""
        return hashlib.sha256(f"{self.client_id}\0{self.claims['jti']}".encode()).digest()


def read(text: str, audiences: Collection[str]) -> Assertion:
    """An assertion that says what one must say, of whichever client. Raises NotAccepted."""
    header, claims = _parts(text)
    algorithm = header.get("alg")
    if algorithm not in SIGNING:
        raise NotAccepted("algorithm")
    kind = header.get("typ", _TYPES[0])
    if header.keys() & _REFUSED_HEADERS or not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise NotAccepted("header")
    subject, audience, jti = (claims.get(name) for name in ("sub", "aud", "jti"))
    if not _is_text(subject) or claims.get("iss") != subject:
        raise NotAccepted("subject")
    # One meant for several servers could be used here by another of them.
    only = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    if not isinstance(only, str) or only not in audiences:
        raise NotAccepted("audience", subject)
    if not _is_text(jti) or not 0 < len(jti) <= _LONGEST_JTI:
        raise NotAccepted("jti", subject)
    return Assertion(subject, algorithm, text, claims)


def _is_text(value: Any) -> TypeGuard[str]:
    """JSON can say half a character, which can be neither kept nor hashed."""
    return isinstance(value, str) and not _HALF.search(value)


def verify(session: Session, assertion: Assertion) -> Verified:
    """The client that has signed it, at the database's time. Raises NotAccepted.

    It still has to be spent: until then, it could be sent again.
    """
    found = [each for each in presented.alive(session, assertion.client_id) if each.jwk]
    keys = [(each, public_keys.stored(each.jwk)) for each in found]
    fitting = [(each, key) for each, key in keys if assertion.algorithm in key.algorithms]
    if not fitting:
        _is_signed_by(assertion, _nobodys(assertion.algorithm))
    for each, key in fitting:
        if _is_signed_by(assertion, key.key):
            _check_times(assertion, each.now.timestamp())
            return presented.verified(each)
    raise NotAccepted("signature", assertion.client_id)


def spend(session: Session, assertion: Assertion) -> None:
    """Accept it, for the only time in all processes. Raises NotAccepted the second time."""
    row = {"id": assertion.name, "expires_at": assertion.expires_at}
    try:
        with session.begin_nested():
            session.execute(insert(UsedAssertion).values(**row))
    except IntegrityError:
        raise NotAccepted("used", assertion.client_id) from None


def forget_used(session: Session, limit: int) -> int:
    """Remove assertions that are over anyhow; returns how many."""
    over = select(UsedAssertion.id).where(UsedAssertion.expires_at < db.now()).limit(limit)
    gone = session.execute(delete(UsedAssertion).where(UsedAssertion.id.in_(over)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = text.split(".")
    if len(text) > LONGEST or not text.isascii() or len(parts) != 3:  # noqa: PLR2004 - compact JWS
        raise NotAccepted("malformed")
    try:
        header, claims = (parse_object(_decoded(part)) for part in parts[:2])
    except ValueError:
        raise NotAccepted("malformed") from None
    return header, claims


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _check_times(assertion: Assertion, now: float) -> None:
    """It expires, and soon; nothing in it lies in the future."""
    expires = assertion.claims.get("exp")
    if not _is_time(expires) or not now - SKEW < expires <= now + LASTS + SKEW:
        raise NotAccepted("exp", assertion.client_id)
    for name in ("iat", "nbf"):
        at = assertion.claims.get(name, 0)
        if not _is_time(at) or at > now + SKEW:
            raise NotAccepted(name, assertion.client_id)


def _is_time(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float)


def _is_signed_by(assertion: Assertion, key: Key) -> bool:
    try:
        jws.deserialize_compact(assertion.text, key, registry=_REGISTRY)
    except (JoseError, ValueError):
        return False
    return True


@cache
def _nobodys(algorithm: str) -> Key:
    """A key that nobody has the private half of: what it is compared with takes as long."""
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", private=False)
    if algorithm in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519", private=False)
    return RSAKey.generate_key(2048, private=False)


def _registry() -> jws.JWSRegistry:
    """Signatures by key pairs only. EdDSA is the older name of Ed25519, and no reason for a warning."""
    registry = jws.JWSRegistry(algorithms=SIGNING, strict_check_header=False)
    registry.algorithms = {name: copy.copy(registry.algorithms[name]) for name in SIGNING}
    registry.algorithms["EdDSA"].security_warning = None
    return registry


_REGISTRY: Final = _registry()
