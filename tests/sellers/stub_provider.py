"""An identity provider that does everything right until it is told what to do wrong.

It signs by hand, so that it can sign what no library would.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from onboarding.sellers import SellerIdentity
from onboarding.sellers.oidc import Provider, begin, complete

CALLBACK: Final = "https://onboarding.example/signin/callback"
CLIENT_ID: Final = "onboarding"
CLIENT_SECRET: Final = "s3cret: with + signs"
ACCOUNTS: Final = [
    {
        "seller_id": "123456",
        "shop_name": "Example Shop SARL",
        "status": "active",
        "role": "owner",
        "may_connect_api": True,
    }
]
_RSA: Final = rsa.generate_private_key(65537, 2048)
_EC: Final = ec.generate_private_key(ec.SECP256R1())
_ED: Final = ed25519.Ed25519PrivateKey.generate()


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Stub:
    """The provider: what it publishes, and what it answers. None takes a field away."""

    issuer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    sign: Callable[[bytes], bytes] | None = None
    write: Callable[[Any], str] = json.dumps
    jwks: Any = None
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    released: threading.Event = field(default_factory=threading.Event)

    def having(self, **fields: Any) -> "Stub":
        """The provider with these fields changed."""
        vars(self).update(fields)
        return self

    def answering(self, endpoint: str, answer: Callable[[], Response]) -> "Stub":
        """The provider with another answer at that endpoint."""
        self.answers[endpoint] = answer
        return self

    def token(self) -> str:
        """An ID token, as this provider makes it."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "seller-1",
            "name": "Alex Martin",
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": self.asked["nonce"],
            "seller_accounts": ACCOUNTS,
        }
        header = {"alg": self.algorithm, "kid": _KIDS[self.algorithm]}
        signed = ".".join(
            b64(self.write(_present(part)).encode())
            for part in (header | self.header, claims | self.claims)
        )
        sign = self.sign or _SIGNERS[self.algorithm]
        return f"{signed}.{b64(sign(signed.encode()))}"

    def drip(self) -> Iterator[bytes]:
        """A byte now and then, for longer than anybody should wait."""
        for _ in range(100):
            yield b" "
            if self.released.wait(0.05):
                return


def stub_app(stub: Stub) -> FastAPI:
    """The provider's endpoints."""
    app = FastAPI()

    def answer(name: str, usual: Callable[[], Response]) -> Response:
        stub.requests[name] += 1
        return stub.answers.get(name, usual)()

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        return answer("metadata", lambda: JSONResponse(_present(_metadata(stub) | stub.metadata)))

    @app.get("/jwks")
    def jwks() -> Response:
        return answer("jwks", lambda: JSONResponse(stub.jwks or public_keys()))

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        _check_client(request.headers.get("authorization"), form)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert b64(digest) == stub.asked["code_challenge"]
        assert form["redirect_uri"] == stub.asked["redirect_uri"]
        return answer("token", lambda: JSONResponse(_tokens(stub)))

    @app.get("/userinfo")
    def userinfo(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer access-1"
        about = {"sub": "seller-1", "name": "Alex Martin", "seller_accounts": ACCOUNTS}
        return answer("userinfo", lambda: JSONResponse(_present(about | stub.userinfo)))

    return app


def sign_in(
    stub: Stub,
    provider: Provider,
    brought: Mapping[str, str | None] = MappingProxyType({}),
    *,
    fresh: bool = False,
) -> SellerIdentity:
    """The whole way, with a browser that brings back what it should, or what the test says."""
    url, pending = begin(provider, CALLBACK, "fr", fresh)
    stub.asked = dict(parse_qsl(urlsplit(url).query))
    answer = {"code": "code-1", "state": pending.state, "iss": stub.issuer, **brought}
    return complete(provider, pending, _present(answer))


def public_keys() -> dict[str, Any]:
    """The JWKS of a provider that does everything right."""
    rsa_numbers, ec_numbers = _RSA.public_key().public_numbers(), _EC.public_key().public_numbers()
    modulus = b64(rsa_numbers.n.to_bytes(256, "big"))
    ed_point = _ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x, y = (b64(number.to_bytes(32, "big")) for number in (ec_numbers.x, ec_numbers.y))
    return {
        "keys": [
            {"kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256", "n": modulus, "e": "AQAB"},
            {"kty": "EC", "kid": "ec", "use": "sig", "crv": "P-256", "x": x, "y": y},
            {"kty": "OKP", "kid": "ed", "use": "sig", "crv": "Ed25519", "x": b64(ed_point)},
        ]
    }


def sign_with_public_key(message: bytes) -> bytes:
    """HMAC with what everybody knows: the classic confusion of RS256 with HS256."""
    pem = _RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hmac.digest(pem, message, "sha256")


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _metadata(stub: Stub) -> dict[str, Any]:
    return {
        "issuer": stub.issuer,
        "authorization_endpoint": f"{stub.issuer}/authorize?tenant=7",
        "token_endpoint": f"{stub.issuer}/token",
        "userinfo_endpoint": f"{stub.issuer}/userinfo",
        "jwks_uri": f"{stub.issuer}/jwks",
        "authorization_response_iss_parameter_supported": True,
    }


def _tokens(stub: Stub) -> dict[str, str]:
    return {"access_token": "access-1", "token_type": "Bearer", "id_token": stub.token()}


def _check_client(header: str | None, form: dict[str, str]) -> None:
    if header is None:
        assert (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        return
    pair = base64.b64decode(header.removeprefix("Basic ")).decode()
    assert dict(parse_qsl(f"pair={pair}")) == {"pair": f"{CLIENT_ID}:{CLIENT_SECRET}"}


def _sign_rs256(message: bytes) -> bytes:
    return _RSA.sign(message, padding.PKCS1v15(), SHA256())


def _sign_es256(message: bytes) -> bytes:
    r, s = decode_dss_signature(_EC.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


_SIGNERS: Final = {
    "RS256": _sign_rs256,
    "ES256": _sign_es256,
    "EdDSA": _ED.sign,
    "Ed25519": _ED.sign,
}
_KIDS: Final = {"RS256": "rsa", "ES256": "ec", "EdDSA": "ed", "Ed25519": "ed"}
