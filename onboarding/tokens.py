"""Access tokens: JWTs (RFC 9068) that say which client calls, for a few minutes; never for whom.

For whom is the header SellerId, and whether the client may is the link. `token_keys` says which key
pair signs; what earlier ones have signed is still read, so that a new one ends no token.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from joserfc import jws, jwt
from joserfc.errors import JoseError

from onboarding import token_keys
from onboarding.errors import Unavailable
from onboarding.sealing import Keyring
from onboarding.sellers.bounded_json import parse_object
from onboarding.settings import Settings
from onboarding.token_keys import ALGORITHM, Pair

_TYPE: Final = "at+jwt"
# RFC 9068 §4: the type may be written as a media type.
_TYPES: Final = (_TYPE, f"application/{_TYPE}")
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
    # By their names, the newest first.
    pairs: Mapping[str, Pair] = field(repr=False)

    def issue(self, client_id: str, version: int, now: datetime) -> str:
        """A token for a client, by this version of its secret. Raises Unavailable without a key."""
        signer = self._signer(now).key
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
        signer, claims = self._signed(token)
        named = claims.get("iss"), claims.get("aud"), claims.get("sub")
        if named != (self.url, self.audience, claims.get("client_id")):
            raise NotOurs
        said = _claims(claims)
        if not signer.can_have_signed(said.issued_at, said.expires_at):
            raise NotOurs
        return said

    def jwks(self, now: datetime) -> dict[str, Any]:
        """The public halves (RFC 7517) of what signs, has signed or will sign, the newest first."""
        published = [each for each in self.pairs.values() if each.is_published(now)]
        return {"keys": [each.key.as_dict(private=False) for each in published]}

    def _signer(self, now: datetime) -> Pair:
        """The newest whose time has come; before the first one's, by a clock that is behind, that one."""
        if not self.pairs:
            raise Unavailable(f"the keyring has no {token_keys.KEYS} key")
        *_, oldest = self.pairs.values()
        return next((each for each in self.pairs.values() if each.since <= now), oldest)

    def _signed(self, token: str) -> tuple[Pair, dict[str, Any]]:
        header = _header(token)
        pair = self.pairs.get(str(header.get("kid")))
        is_ours = header.get("alg") == ALGORITHM and str(header.get("typ")).lower() in _TYPES
        if pair is None or not is_ours or header.keys() - _HEADERS:
            raise NotOurs
        try:
            verified = jws.deserialize_compact(token, pair.key, algorithms=[ALGORITHM])
            return pair, parse_object(verified.payload or b"")
        except (JoseError, ValueError):
            raise NotOurs from None


def issuer(settings: Settings, ring: Keyring) -> Issuer:
    """The issuer of this installation, with a key pair for each derive key."""
    return Issuer(
        url=settings.base_url,
        audience=settings.audience,
        lasts=settings.token_lasts,
        pairs={str(pair.key.kid): pair for pair in token_keys.pairs(ring)},
    )


def _claims(claims: Mapping[str, Any]) -> Claims:
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


def _header(token: str) -> dict[str, Any]:
    encoded, _, rest = token.partition(".")
    if len(token) > LONGEST or not token.isascii() or rest.count(".") != 1:
        raise NotOurs
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        return parse_object(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        raise NotOurs from None
