"""Every forged, foreign, stale or odd ID token is refused, and for the right reason."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from onboarding.sellers import SignInRefused
from onboarding.sellers.id_token import usable_keys
from onboarding.sellers.oidc import Provider
from tests.sellers.stub_provider import (
    CLIENT_ID,
    Stub,
    b64,
    public_keys,
    sign_in,
    sign_with_public_key,
)

Knob = Callable[[Stub], object]


def seconds(offset: int) -> int:
    return int(time.time()) + offset


def repeating(name: str) -> Callable[[dict[str, Any]], str]:
    """A writer of JSON that says one thing twice."""

    def write(part: dict[str, Any]) -> str:
        text = json.dumps(part)
        return f'{text[:-1]}, "{name}": {json.dumps(part[name])}}}' if name in part else text

    return write


DEFECTS: dict[str, tuple[Knob, str]] = {
    "alg none": (
        lambda s: s.having(header={"alg": "none"}, sign=lambda _: b""),
        "id_token_algorithm",
    ),
    "HS256 with the public key": (
        lambda s: s.having(header={"alg": "HS256"}, sign=sign_with_public_key),
        "id_token_algorithm",
    ),
    "RS384": (lambda s: s.having(header={"alg": "RS384"}), "id_token_algorithm"),
    "no algorithm": (lambda s: s.having(header={"alg": None}), "id_token_algorithm"),
    "wrong signature": (lambda s: s.having(sign=lambda _: b"0" * 256), "id_token_signature"),
    "no signature": (lambda s: s.having(sign=lambda _: b""), "id_token_signature"),
    "key of another kind": (lambda s: s.having(header={"kid": "ec"}), "id_token_signature"),
    "unknown kid": (lambda s: s.having(header={"kid": "other"}), "id_token_key"),
    "no kid among several keys": (lambda s: s.having(header={"kid": None}), "id_token_key"),
    "kid that is no text": (lambda s: s.having(header={"kid": 7}), "id_token_header"),
    "brings its own key": (
        lambda s: s.having(header={"jwk": public_keys()["keys"][0]}),
        "id_token_header",
    ),
    "points to its own key": (
        lambda s: s.having(header={"jku": "https://evil.example/jwks"}),
        "id_token_header",
    ),
    "points to a certificate": (
        lambda s: s.having(header={"x5u": "https://evil.example/x5u"}),
        "id_token_header",
    ),
    "critical header": (lambda s: s.having(header={"crit": ["exp"]}), "id_token_header"),
    "repeated names": (lambda s: s.having(write=repeating("kid")), "id_token_header"),
    "repeated claims": (lambda s: s.having(write=repeating("sub")), "id_token_claims"),
    "foreign issuer": (lambda s: s.having(claims={"iss": "https://evil.example"}), "id_token_iss"),
    "no issuer": (lambda s: s.having(claims={"iss": None}), "id_token_iss"),
    "for another client": (lambda s: s.having(claims={"aud": "another"}), "id_token_aud"),
    "for nobody": (lambda s: s.having(claims={"aud": []}), "id_token_aud"),
    "for two, asked for by neither": (
        lambda s: s.having(claims={"aud": [CLIENT_ID, "another"]}),
        "id_token_azp",
    ),
    "asked for by another": (lambda s: s.having(claims={"azp": "another"}), "id_token_azp"),
    "expired": (lambda s: s.having(claims={"exp": seconds(-61)}), "id_token_exp"),
    "never expires": (lambda s: s.having(claims={"exp": None}), "id_token_exp"),
    "expires at infinity": (lambda s: s.having(claims={"exp": float("inf")}), "id_token_claims"),
    "from the future": (lambda s: s.having(claims={"iat": seconds(90)}), "id_token_iat"),
    "not valid yet": (lambda s: s.having(claims={"nbf": seconds(90)}), "id_token_nbf"),
    "no nonce": (lambda s: s.having(claims={"nonce": None}), "id_token_nonce"),
    "foreign nonce": (lambda s: s.having(claims={"nonce": "another"}), "id_token_nonce"),
    "no subject": (lambda s: s.having(claims={"sub": None}), "id_token_sub"),
    "empty subject": (lambda s: s.having(claims={"sub": ""}), "id_token_sub"),
    "signed in tomorrow": (
        lambda s: s.having(claims={"auth_time": seconds(90)}),
        "id_token_auth_time",
    ),
    "signed in at some time": (
        lambda s: s.having(claims={"auth_time": "now"}),
        "id_token_auth_time",
    ),
}


@pytest.mark.parametrize(("knob", "reason"), DEFECTS.values(), ids=DEFECTS)
def test_a_defective_id_token_is_refused(
    stub: Stub, provider: Provider, knob: Knob, reason: str
) -> None:
    """T10."""
    knob(stub)
    with pytest.raises(SignInRefused, match=rf"^{reason}$"):
        sign_in(stub, provider)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "Ed25519"])
def test_each_allowed_algorithm_is_accepted(stub: Stub, provider: Provider, algorithm: str) -> None:
    stub.algorithm = algorithm
    assert sign_in(stub, provider).subject == "seller-1"


ODD_BUT_GOOD: dict[str, Knob] = {
    "clock a minute ahead": lambda s: s.having(claims={"iat": seconds(55), "exp": seconds(300)}),
    "clock a minute behind": lambda s: s.having(claims={"exp": seconds(-50)}),
    "for two, asked for by us": lambda s: s.having(
        claims={"aud": [CLIENT_ID, "b"], "azp": CLIENT_ID}
    ),
    "for a list of one": lambda s: s.having(claims={"aud": [CLIENT_ID]}),
    "header that means nothing to us": lambda s: s.having(header={"x5t": "abc", "pi.atm": "1"}),
    "no kid and one key": lambda s: s.having(
        header={"kid": None}, jwks={"keys": public_keys()["keys"][:1]}
    ),
}


@pytest.mark.parametrize("knob", ODD_BUT_GOOD.values(), ids=ODD_BUT_GOOD)
def test_what_the_standard_allows_is_accepted(stub: Stub, provider: Provider, knob: Knob) -> None:
    knob(stub)
    assert sign_in(stub, provider).subject == "seller-1"


def test_keys_that_may_not_sign_are_left_out() -> None:
    good = public_keys()["keys"]
    short = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    bad = [
        {"kty": "oct", "kid": "a", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ"},
        {"kty": "RSA", "kid": "b", "n": b64(short.n.to_bytes(128, "big")), "e": "AQAB"},
        good[0] | {"kid": "c", "use": "enc"},
        good[0] | {"kid": "d", "alg": "RSA-OAEP"},
        good[1] | {"kid": "e", "crv": "P-000"},
        good[1] | {"kid": "f", "x": good[1]["y"]},
        {"kty": "new"},
        "text",
    ]
    assert [key.kid for key in usable_keys({"keys": [*bad, *good]})] == ["rsa", "ec", "ed"]
    assert not usable_keys({"keys": "none"})
