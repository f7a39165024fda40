"""Client assertions that nobody may accept, each made from a good one by one defect."""

import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from joserfc.jwk import ECKey, OctKey

from onboarding.assertions import LASTS, LONGEST, SKEW
from onboarding.settings import settings
from tests.threats.forging import encoded, part, swapped
from tests.web.signing_clients import Signer, a_key, public, signed

EVIL = "https://evil.example"
Forge = Callable[[Signer], str]


def _now(seconds: float) -> int:
    return int(time.time() + seconds)


def _by_the_public_key(signer: Signer) -> str:
    """As if the public key were a secret that both sides share."""
    body = ".".join([part({"alg": "HS256"}), part(signer.claims())])
    shared = signer.key.as_pem(private=False)
    return f"{body}.{encoded(hmac.digest(shared, body.encode(), 'sha256'))}"


def _none(signer: Signer, name: str = "none") -> str:
    return swapped(swapped(signer.sign(), 0, part({"alg": name})), 2, "")


def _by_another(signer: Signer, **header: Any) -> str:
    """By a key of the attacker's, with a header that would lead to it."""
    key = ECKey.generate_key("P-256")
    public_half = key.as_dict(private=False)
    leads = {name: public_half if value is True else value for name, value in header.items()}
    return signer.sign(leads, key)


def _twice(signer: Signer) -> str:
    """A name that two readers read differently, under a good signature."""
    text = json.dumps(signer.claims())[:-1] + ', "sub": "cid_other"}'
    return signed({"alg": "ES256"}, text, signer.key)


DEFECTS: dict[str, Forge] = {
    "alg none": _none,
    "alg NONE": lambda s: _none(s, "NONE"),
    "no alg": lambda s: swapped(s.sign(), 0, part({"typ": "JWT"})),
    "HS256 with the public key": _by_the_public_key,
    "HS256 with a secret": lambda s: s.sign({"alg": "HS256"}, OctKey.generate_key(256)),
    "another algorithm of the same family": lambda s: s.sign(
        {"alg": "ES384"}, ECKey.generate_key("P-384")
    ),
    "another key": _by_another,
    "another kind of key": lambda s: s.sign({"alg": "RS256"}, a_key("RSA")),
    "a signature of zeros": lambda s: swapped(s.sign(), 2, encoded(bytes(64))),
    "no signature": lambda s: swapped(s.sign(), 2, ""),
    "other claims": lambda s: swapped(s.sign(), 1, part(s.claims(exp=_now(500)))),
    "kid pointing elsewhere": lambda s: _by_another(s, kid="../../../../dev/null"),
    "kid of the right key": lambda s: _by_another(s, kid=public(s.key).thumbprint),
    "its key in the header": lambda s: _by_another(s, jwk=True),
    "its key at an address": lambda s: _by_another(s, jku=f"{EVIL}/jwks"),
    "its certificate at an address": lambda s: _by_another(s, x5u=f"{EVIL}/x5u"),
    "crit": lambda s: s.sign({"crit": ["exp"], "exp": 1}),
    "b64 false": lambda s: s.sign({"b64": False, "crit": ["b64"]}),
    "b64 without crit": lambda s: s.sign({"b64": True}),
    "an access token": lambda s: s.sign({"typ": "at+jwt"}),
    "nested": lambda s: signed({"alg": "ES256", "cty": "JWT"}, s.sign(), s.key),
    "iss is another": lambda s: s.sign(iss="cid_" + "0" * 22),
    "sub is another": lambda s: s.sign(sub="cid_" + "0" * 22),
    "iss is the server": lambda s: s.sign(iss=settings().base_url),
    "aud is another": lambda s: s.sign(aud=EVIL),
    "several audiences": lambda s: s.sign(aud=[settings().base_url, EVIL]),
    "an audience that begins alike": lambda s: s.sign(aud=f"{settings().base_url}.evil.example"),
    "no iss": lambda s: s.sign(iss=None),
    "no sub": lambda s: s.sign(sub=None),
    "no aud": lambda s: s.sign(aud=None),
    "no exp": lambda s: s.sign(exp=None),
    "no jti": lambda s: s.sign(jti=None),
    "jti is empty": lambda s: s.sign(jti=""),
    "jti is no text": lambda s: s.sign(jti=7),
    "jti is endless": lambda s: s.sign(jti="j" * 256),
    "jti has half a character": lambda s: s.sign(jti="\ud800"),
    "sub has half a character": lambda s: s.sign(iss="\ud800", sub="\ud800"),
    "expired": lambda s: s.sign(exp=_now(-SKEW - 5)),
    "far in the future": lambda s: s.sign(exp=_now(LASTS + SKEW + 60)),
    "beyond all time": lambda s: s.sign(exp=1e300),
    "exp is a text": lambda s: s.sign(exp=str(_now(60))),
    "exp is true": lambda s: s.sign(exp=True),
    "issued in the future": lambda s: s.sign(iat=_now(SKEW + 60)),
    "not valid yet": lambda s: s.sign(nbf=_now(SKEW + 60)),
    "a name twice": _twice,
    "oversized": lambda s: s.sign(more="x" * LONGEST),
    "nothing": lambda _: "..",
    "no JWT": lambda _: "x",
    "five parts": lambda s: s.sign() + ".x.y",
    "not ASCII": lambda s: s.sign() + "é",
    "claims are a list": lambda s: signed({"alg": "ES256"}, "[]", s.key),
    "deeply nested claims": lambda s: signed({"alg": "ES256"}, "[" * 2000 + "]" * 2000, s.key),
}
