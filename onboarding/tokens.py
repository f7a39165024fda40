"""Access tokens: JWTs (RFC 9068) that say which client calls, for a few minutes; never for whom.

For whom is the header SellerId, and whether the client may is the link. The key pair that signs is
derived from the keyring's newest `derive` key; those of earlier ones still verify, so that a new
key ends no token.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters

from onboarding import sealing
from onboarding.errors import Unavailable
from onboarding.sealing import Keyring
from onboarding.sellers.bounded_json import parse_object
from onboarding.settings import Settings

ALGORITHM: Final = "ES256"
_TYPE: Final = "at+jwt"
# RFC 9068 §4: the type may be written as a media type.
_TYPES: Final = (_TYPE, f"application/{_TYPE}")
_PURPOSE: Final = "access tokens"
# The purpose of the keys in the keyring.
KEYS: Final = "derive"
# Nothing else belongs in a header of ours: no key of the sender's choice, and nothing critical.
_HEADERS: Final = frozenset({"alg", "typ", "kid"})
# Ours have about 700 characters.
LONGEST: Final = 2000


class NotOurs(Exception):
    """This is no token that we have signed for this audience."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says. Whether it still holds, the database says."""

    id: UUID
    client_id: str
    version: int
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Issuer:
    """Signs and reads the tokens of one installation. It does not print its keys."""

    url: str
    audience: str
    lasts: int  # seconds
    keys: Mapping[str, ECKey] = field(repr=False)

    def issue(self, client_id: str, version: int, now: datetime) -> str:
        """A token for a client, by this version of its secret. Raises Unavailable without a key."""
        signer = self._signer()
        issued_at = int(now.timestamp())
        claims = {
            "iss": self.url,
            "aud": self.audience,
            "sub": client_id,
            "client_id": client_id,
            "iat": issued_at,
            "exp": issued_at + self.lasts,
            "jti": str(uuid4()),
            "secret_version": version,
        }
        header = {"alg": ALGORITHM, "typ": _TYPE, "kid": signer.kid}
        return jwt.encode(header, claims, signer, algorithms=[ALGORITHM])

    def read(self, token: str) -> Claims:
        """What a token says, if we have signed it for our audience. Raises NotOurs."""
        claims = self._signed(token)
        named = claims.get("iss"), claims.get("aud"), claims.get("sub")
        if named != (self.url, self.audience, claims.get("client_id")):
            raise NotOurs
        try:
            return Claims(
                id=UUID(claims["jti"]),
                client_id=str(claims["client_id"]),
                version=int(claims["secret_version"]),
                issued_at=datetime.fromtimestamp(claims["iat"], UTC),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise NotOurs from None

    def jwks(self) -> dict[str, Any]:
        """The public halves (RFC 7517), the one that signs first."""
        return {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

    def _signer(self) -> ECKey:
        for newest in self.keys.values():
            return newest
        raise Unavailable(f"the keyring has no {KEYS} key")

    def _signed(self, token: str) -> dict[str, Any]:
        header = _header(token)
        key = self.keys.get(str(header.get("kid")))
        is_ours = header.get("alg") == ALGORITHM and str(header.get("typ")).lower() in _TYPES
        if key is None or not is_ours or header.keys() - _HEADERS:
            raise NotOurs
        try:
            verified = jws.deserialize_compact(token, key, algorithms=[ALGORITHM])
            return parse_object(verified.payload or b"")
        except (JoseError, ValueError):
            raise NotOurs from None


def issuer(settings: Settings, ring: Keyring) -> Issuer:
    """The issuer of this installation, with a key pair for each derive key, the newest first."""
    pairs = [_pair(ring, key_id) for key_id in sorted(ring.keys.get(KEYS, {}), reverse=True)]
    return Issuer(
        url=settings.base_url,
        audience=settings.audience,
        lasts=settings.token_lasts,
        keys={str(pair.kid): pair for pair in pairs},
    )


def _pair(ring: Keyring, key_id: str) -> ECKey:
    """The same one for the same key, on whatever host."""
    about: KeyParameters = {"use": "sig", "alg": ALGORITHM}
    secret = sealing.derive_under(ring, key_id, _PURPOSE, ALGORITHM)
    return ECKey.derive_key(secret, "P-256", about, auto_kid=True)


def _header(token: str) -> dict[str, Any]:
    encoded, _, rest = token.partition(".")
    if len(token) > LONGEST or not token.isascii() or rest.count(".") != 1:
        raise NotOurs
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        return parse_object(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        raise NotOurs from None
