"""Tokens that nobody may accept, each made from a good one by one defect."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from onboarding import tokens
from onboarding.sealing import Keyring
from onboarding.settings import settings

Claims = dict[str, Any]


def claims_of(token: str) -> Claims:
    return dict(json.loads(_decoded(token.split(".")[1])))


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def part(value: Claims) -> str:
    return encoded(json.dumps(value).encode())


def _header(token: str) -> Claims:
    return dict(json.loads(_decoded(token.split(".", maxsplit=1)[0])))


def _key(ring: Keyring) -> ECKey:
    return next(iter(tokens.issuer(settings(), ring).pairs.values())).key


def signed(
    token: str, ring: Keyring, header: Claims | None = None, key: Any = None, **claims: Any
) -> str:
    """The same token with other claims, or under another header, signed by the right key or this one."""
    protected = _header(token) | (header or {})
    said = {n: v for n, v in (claims_of(token) | claims).items() if v is not None}
    protected = {n: v for n, v in protected.items() if v is not None}
    registry = jws.JWSRegistry(algorithms=["ES256", "HS256"], strict_check_header=False)
    return jws.serialize_compact(protected, json.dumps(said), key or _key(ring), registry=registry)


def swapped(token: str, place: int, value: str) -> str:
    parts = token.split(".")
    parts[place] = value
    return ".".join(parts)


def _turned(token: str) -> str:
    signature = bytearray(_decoded(token.split(".")[2]))
    signature[5] ^= 1
    return swapped(token, 2, encoded(bytes(signature)))


def _twice(token: str, ring: Keyring) -> str:
    """A name that two readers read differently, under a good signature."""
    text = json.dumps(claims_of(token))[:-1] + ', "sub": "other"}'
    return jws.serialize_compact(_header(token), text, _key(ring), algorithms=["ES256"])


def _by_the_public_key(token: str, ring: Keyring) -> str:
    """As if what is published were a secret that both sides share."""
    body = ".".join([part(_header(token) | {"alg": "HS256"}), token.split(".")[1]])
    key = _key(ring).as_pem(private=False)
    return f"{body}.{encoded(hmac.digest(key, body.encode(), 'sha256'))}"


def _none(token: str, name: str = "none") -> str:
    return swapped(swapped(token, 0, part(_header(token) | {"alg": name})), 2, "")


FORGERIES: dict[str, Callable[[str, Keyring], str]] = {
    "alg none": lambda t, _: _none(t),
    "alg NONE": lambda t, _: _none(t, "NONE"),
    "no signature": lambda t, _: swapped(t, 2, ""),
    "signature of zeros": lambda t, _: swapped(t, 2, encoded(bytes(64))),
    "a bit turned": lambda t, _: _turned(t),
    "other claims": lambda t, _: swapped(t, 1, part(claims_of(t) | {"sub": "cid_other"})),
    "HS256 with the public key": _by_the_public_key,
    "another key": lambda t, r: signed(t, r, key=ECKey.generate_key("P-256")),
    "unknown kid": lambda t, r: signed(t, r, {"kid": "other"}),
    "no kid": lambda t, r: signed(t, r, {"kid": None}),
    "a key in the header": lambda t, r: signed(
        t, r, {"jwk": ECKey.generate_key("P-256").as_dict(private=False)}
    ),
    "a key elsewhere": lambda t, r: signed(t, r, {"jku": "https://evil.example/jwks"}),
    "a certificate": lambda t, r: signed(t, r, {"x5u": "https://evil.example/x5u"}),
    "an ID token": lambda t, r: signed(t, r, {"typ": "JWT"}),
    "no type": lambda t, r: signed(t, r, {"typ": None}),
    "another issuer": lambda t, r: signed(t, r, iss="https://evil.example"),
    "another audience": lambda t, r: signed(t, r, aud="https://other.example"),
    "several audiences": lambda t, r: signed(t, r, aud=[claims_of(t)["aud"], "https://o.example"]),
    "no audience": lambda t, r: signed(t, r, aud=None),
    "no end": lambda t, r: signed(t, r, exp=None),
    "an end that is no number": lambda t, r: signed(t, r, exp="tomorrow"),
    "an end beyond all time": lambda t, r: signed(t, r, exp=1e300),
    "no version": lambda t, r: signed(t, r, secret_version=None),
    "no jti": lambda t, r: signed(t, r, jti=None),
    "another subject": lambda t, r: signed(t, r, sub="cid_other"),
    "a name twice": _twice,
    "nothing": lambda _t, _r: "..",
    "two parts": lambda t, _: t.rpartition(".")[0],
    "four parts": lambda t, _: t + ".x",
    "endless": lambda t, _: t + "A" * 5000,
    "not ASCII": lambda t, _: t + "é",
}
