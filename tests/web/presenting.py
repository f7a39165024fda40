"""Clients of the authorization server, for tests: their secret, their tokens, and whom they call for."""

import base64
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from onboarding import checksums
from tests import builders
from tests.web.calling import System, expect

TOKEN = "/oauth2/token"
GRANT = {"grant_type": "client_credentials"}


@dataclass
class Caller:
    """A program that has a client ID and a client secret."""

    app: FastAPI
    id: UUID
    client_id: str
    secret: str
    address: str = "127.0.0.1"

    def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """A form with the client's ID and secret in the header."""
        sent = {"authorization": basic(self.client_id, self.secret)} | headers
        return System(self.app, address=self.address).send("POST", path, sent, data=form)

    def ask(self, **form: str) -> httpx.Response:
        """The answer to the question for a token."""
        return self.post(TOKEN, GRANT | form)

    def token(self) -> str:
        return str(expect(self.ask(), 200)["access_token"])

    def whoami(self, token: str, seller_id: str | None = None) -> httpx.Response:
        for_whom = {} if seller_id is None else {"sellerid": seller_id}
        headers = {"authorization": f"Bearer {token}"} | for_whom
        return System(self.app, address=self.address).send("GET", "/v1/whoami", headers)

    def introspect(self, token: str) -> dict[str, Any]:
        return expect(self.post("/oauth2/introspect", {"token": token}), 200)


def a_caller(app: FastAPI, state: str = "confirmed", **walk: Any) -> Caller:
    """A program whose onboarding is in this state; its secret was shown."""
    made = builders.a_walk(state, **walk)
    assert made.revealed is not None
    shown = made.revealed
    return Caller(app, made.id, shown.client_id, shown.secret.get_secret_value())


def basic(client_id: str, secret: str) -> str:
    """The header of client_secret_basic."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def wrong(secret: str) -> str:
    """Another secret, as well-formed as this one."""
    prefix = secret[: -checksums.BODY - checksums.CHECKSUM]
    return checksums.new(prefix)
