"""Clients that sign instead of sending a secret, for tests: their key pair, and what they sign."""

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from onboarding import assertions, credentials, own_keys, public_keys
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.models import Onboarding
from onboarding.public_keys import Key, PublicKey
from onboarding.settings import settings
from tests import builders
from tests.web.calling import System, expect
from tests.web.presenting import GRANT, TOKEN


@dataclass
class Signer:
    """A program that has a client ID and a private key."""

    app: FastAPI
    id: UUID
    client_id: str
    key: Key = field(repr=False)
    algorithm: str = "ES256"
    address: str = "127.0.0.1"

    def claims(self, **other: Any) -> dict[str, Any]:
        now = int(time.time())
        said = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": settings().base_url,
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + 60,
        } | other
        return {name: value for name, value in said.items() if value is not None}

    def sign(self, header: dict[str, Any] | None = None, key: Any = None, **other: Any) -> str:
        """An assertion as it should be, but for what is given."""
        return signed(
            {"alg": self.algorithm} | (header or {}), self.claims(**other), key or self.key
        )

    def post(self, path: str, form: dict[str, str], assertion: str | None = None) -> httpx.Response:
        proof = {
            "client_assertion_type": assertions.TYPE,
            "client_assertion": assertion if assertion is not None else self.sign(),
        }
        return System(self.app, address=self.address).send("POST", path, data=proof | form)

    def ask(self, assertion: str | None = None, **form: str) -> httpx.Response:
        """The answer to the question for a token."""
        return self.post(TOKEN, GRANT | form, assertion)

    def token(self) -> str:
        return str(expect(self.ask(), 200)["access_token"])

    @property
    def state(self) -> str:
        return builders.state_of(self.id)


def signed(header: dict[str, Any], claims: dict[str, Any] | str, key: Any) -> str:
    """Whatever the header says: a library would refuse to write some of them."""
    text = claims if isinstance(claims, str) else json.dumps(claims)
    body = ".".join(_encoded(each) for each in (json.dumps(header), text))
    algorithm = jws.JWSRegistry.algorithms[header["alg"]]
    return f"{body}.{_encoded(algorithm.sign(body.encode(), key))}"


def _encoded(value: str | bytes) -> str:
    raw = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def a_key(kind: str = "EC") -> Key:
    """A new key pair: EC, OKP or RSA."""
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    return OKPKey.generate_key("Ed25519") if kind == "OKP" else ECKey.generate_key("P-256")


def public(key: Key, **more: str) -> PublicKey:
    """The half that is brought, to sign with."""
    return public_keys.read(key.as_dict(private=False) | more, "sign")


def bring(onboarding_id: UUID, key: Key, actor: Actor = builders.SELLER, **more: str) -> Onboarding:
    """Its public half instead of the secret that waits."""
    with transaction() as session:
        return own_keys.take(session, onboarding_id, actor, public(key, **more))


def a_signer(app: FastAPI, state: str = "secret_revealed", kind: str = "EC", **walk: Any) -> Signer:
    """A program whose onboarding has come so far, with a key in place of the secret."""
    made = builders.a_walk("secret_ready", **walk)
    key = a_key(kind)
    bring(made.id, key)
    signer = Signer(app, made.id, _client_id(made.id), key, public(key).algorithm)
    if state == "confirmed":
        signer.token()
        for step in ("link", "confirm", "work"):
            builders.STEPS[step](made)
    assert signer.state == state
    return signer


def _client_id(onboarding_id: UUID) -> str:
    with reading() as session:
        client = credentials.live_client(session, onboarding_id)
        assert client is not None
        return client.id
