"""Checks an ID token: signed by the provider, for us, for this sign-in, and now."""

import base64
import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jws
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jwt import JWTClaimsRegistry

from onboarding.sellers import SignInRefused
from onboarding.sellers.bounded_json import parse_object

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA", "Ed25519")
MAX_SKEW: Final = 60  # seconds between the provider's clock and ours
_KEY_TYPES: Final = ("RSA", "EC", "OKP")
_SHORTEST_RSA: Final = 342  # characters of base64url for 2048 bits
# Headers that bring or point to a key of the sender's choice, or that change what is signed.
_REFUSED_HEADERS: Final = frozenset({"jwk", "jku", "x5c", "x5u", "crit", "b64"})

FindKeys = Callable[[str | None], KeySet]


def verified_claims(
    token: str, keys: FindKeys, issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """The claims of a token that passes every check. Raises SignInRefused."""
    claims = _signed_claims(token, keys)
    _check_registered(claims, issuer, client_id)
    if claims.get("nonce") != nonce:
        raise SignInRefused("id_token_nonce")
    audience = claims["aud"]
    shared = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", None if shared else client_id) != client_id:
        raise SignInRefused("id_token_azp")
    return claims


def signed_in_at(claims: dict[str, Any]) -> datetime:
    """When the seller last proved who they are, in UTC; 1970 if untold. Raises SignInRefused."""
    seconds = claims.get("auth_time", 0)
    latest = datetime.now(UTC).timestamp() + MAX_SKEW
    if type(seconds) not in (int, float) or not 0 <= seconds <= latest:
        raise SignInRefused("id_token_auth_time")
    return datetime.fromtimestamp(seconds, UTC)


def usable_keys(jwks: dict[str, Any]) -> KeySet:
    """The keys of a JWKS that may sign an ID token; the others are left out."""
    listed = jwks.get("keys")
    entries = listed if isinstance(listed, list) else []
    return KeySet([key for entry in entries if (key := _usable(entry))])


def _signed_claims(token: str, keys: FindKeys) -> dict[str, Any]:
    header = _header(token)
    if header.get("alg") not in ALGORITHMS:
        raise SignInRefused("id_token_algorithm")
    if header.keys() & _REFUSED_HEADERS:
        raise SignInRefused("id_token_header")
    try:
        verified = jws.deserialize_compact(token, keys(_key_id(header)), registry=_REGISTRY)
    except InvalidKeyIdError:
        raise SignInRefused("id_token_key") from None
    except (JoseError, ValueError):
        raise SignInRefused("id_token_signature") from None
    try:
        return parse_object(verified.payload or b"")
    except ValueError:
        raise SignInRefused("id_token_claims") from None


def _header(token: str) -> dict[str, Any]:
    encoded = token.partition(".")[0]
    try:
        padded = encoded + "=" * (-len(encoded) % 4)
        return parse_object(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        raise SignInRefused("id_token_header") from None


def _key_id(header: dict[str, Any]) -> str | None:
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise SignInRefused("id_token_header")
    return kid


def _check_registered(claims: dict[str, Any], issuer: str, client_id: str) -> None:
    registry = JWTClaimsRegistry(
        leeway=MAX_SKEW,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        registry.validate(claims)
    except ClaimError as error:
        raise SignInRefused(f"id_token_{error.claim}") from None


def _usable(entry: Any) -> Key | None:
    if not isinstance(entry, dict) or entry.get("kty") not in _KEY_TYPES:
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return None
    if entry["kty"] == "RSA" and len(str(entry.get("n"))) < _SHORTEST_RSA:
        return None
    try:
        return JWKRegistry.import_key(entry)
    except (JoseError, ValueError, KeyError, TypeError):
        return None


def _registry() -> jws.JWSRegistry:
    """Our algorithms only. EdDSA is the older name of Ed25519, and no reason for a warning."""
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.algorithms = {name: copy.copy(registry.algorithms[name]) for name in ALGORITHMS}
    registry.algorithms["EdDSA"].security_warning = None
    return registry


_REGISTRY: Final = _registry()
