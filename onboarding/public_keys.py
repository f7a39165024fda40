"""Public keys that others bring, as JWKs (RFC 7517): to verify what they sign, or to encrypt to them.

Only the public members are taken out of what is sent. A private key is refused, and nothing of it is
kept, logged or sent back.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from onboarding.errors import Invalid
from onboarding.sellers.bounded_json import parse_object
from onboarding.words import N_

Use = Literal["sign", "encrypt"]
Key = ECKey | RSAKey | OKPKey

# By kind of key and what it is for: the algorithms that it may be used with, the usual one first.
# The algorithm belongs to the key, so that no header can choose another.
_ALGORITHMS: Final[dict[tuple[str, str, str], tuple[str, ...]]] = {
    ("sign", "EC", "P-256"): ("ES256",),
    ("sign", "OKP", "Ed25519"): ("EdDSA", "Ed25519"),
    ("sign", "RSA", ""): ("RS256", "PS256"),
    ("encrypt", "EC", "P-256"): ("ECDH-ES+A256KW", "ECDH-ES"),
    ("encrypt", "RSA", ""): ("RSA-OAEP-256",),
}
# Two names of one algorithm (RFC 9864).
_SAME: Final = ("EdDSA", "Ed25519")
SIGNING: Final = ("ES256", *_SAME, "PS256", "RS256")
_MEMBERS: Final = {"EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "RSA": ("e", "n")}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# What a private key looks like in a text that cannot be read.
_LOOKS_PRIVATE: Final = re.compile(r'PRIVATE KEY|"(?:d|p|q|dp|dq|qi|oth|k)"\s*:')
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")
_USES: Final = {"sign": "sig", "encrypt": "enc"}
# Bits. Below it is too weak, and above it each signature costs too much to check.
_RSA: Final = range(2048, 4096 + 1)
_EXPONENT: Final = "AQAB"
_LONGEST: Final = 8192

_WHY: Final = {
    "private_key": N_(
        "This is a private key. Nothing of it was kept. Make a new key pair, and send the public key only."
    ),
    "incomplete_key": N_(
        "This JWK lacks a part: EC needs crv, x and y; OKP crv and x; RSA e and n."
    ),
    "no_jwk": N_("This is no public key as a JWK (RFC 7517)."),
    "unsupported_key": N_("It must be EC P-256 or RSA; to sign, Ed25519 too."),
    "weak_key": N_("An RSA key must have 2048 to 4096 bits and the exponent 65537."),
    "wrong_use": N_("The key says that it is for something else: see its use and alg."),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key, and the one algorithm that it is used with."""

    members: dict[str, str]
    algorithm: str
    key: Key

    @property
    def thumbprint(self) -> str:
        """Its name (RFC 7638): the same for the same key, however it was written."""
        return base64.urlsafe_b64encode(self.digest).decode().rstrip("=")

    @property
    def digest(self) -> bytes:
        text = json.dumps(self.members, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The names under which a header may say the algorithm."""
        return _SAME if self.algorithm in _SAME else (self.algorithm,)

    def as_json(self) -> str:
        """The public members and the algorithm, for the database and for whoever asks."""
        return json.dumps(self.as_jwk())

    def as_jwk(self) -> dict[str, str]:
        return self.members | {"alg": self.algorithm}


def parse(text: str, use: Use) -> PublicKey:
    """A key from a text, such as what was pasted into a form. Raises Invalid, as `read` does."""
    if len(text) > _LONGEST:
        raise _invalid("no_jwk")
    try:
        given = parse_object(text.encode())
    except ValueError:
        raise _invalid("private_key" if looks_private(text) else "no_jwk") from None
    return read(given, use)


def read(given: Mapping[str, Any], use: Use) -> PublicKey:
    """The public key of a JWK, or of a set with one. Raises Invalid with a code, and repeats nothing of it."""
    given = _only_one(given)
    if _PRIVATE & given.keys() or given.get("kty") == "oct":
        raise _invalid("private_key")
    kind = given.get("kty")
    if not isinstance(kind, str):
        raise _invalid("no_jwk")
    known = _ALGORITHMS.get((use, kind, _curve(given, kind)))
    if known is None:
        raise _invalid("unsupported_key")
    algorithm = given.get("alg", known[0])
    if algorithm not in known or given.get("use", _USES[use]) != _USES[use]:
        raise _invalid("wrong_use")
    if any(name not in given for name in _MEMBERS[kind]):
        raise _invalid("incomplete_key")
    members = {"kty": kind} | {name: _text(given, name) for name in _MEMBERS[kind]}
    return PublicKey(members, algorithm, _imported(members))


def stored(text: str) -> PublicKey:
    """One that was taken before, from the database."""
    members = dict(json.loads(text))
    algorithm = members.pop("alg")
    return PublicKey(members, algorithm, _imported(members))


def looks_private(text: str) -> bool:
    """Whether a text may hold a private key, so that it is better not shown again."""
    return _LOOKS_PRIVATE.search(text) is not None


def _only_one(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Many programs write a set even of one key."""
    listed = given.get("keys")
    if isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], dict):
        return listed[0]
    return given


def _curve(given: Mapping[str, Any], kind: str) -> str:
    return str(given.get("crv")) if "crv" in _MEMBERS.get(kind, ()) else ""


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _invalid("no_jwk")
    if name != "crv" and not _BASE64URL.fullmatch(value):
        raise _invalid("no_jwk")
    return value


def _imported(members: dict[str, str]) -> Key:
    try:
        if members["kty"] == "RSA" and not _is_strong(members):
            raise _invalid("weak_key")
        key = JWKRegistry.import_key({**members})
        assert isinstance(key, Key)
    except (JoseError, ValueError, TypeError):
        raise _invalid("no_jwk") from None
    return key


def _is_strong(members: dict[str, str]) -> bool:
    padded = members["n"] + "=" * (-len(members["n"]) % 4)
    bits = int.from_bytes(base64.urlsafe_b64decode(padded)).bit_length()
    return bits in _RSA and members["e"] == _EXPONENT


def _invalid(code: str) -> Invalid:
    return Invalid({"jwk": _WHY[code]}, {"jwk": code})
