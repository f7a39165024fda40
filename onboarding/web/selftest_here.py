"""The way of a test that stays in this process: a page must not wait for a server, not even for this one.

The answers are those that the token endpoint and `/v1/whoami` would give. A test is no use: it notes
and acknowledges nothing. It counts as a guess where it fails, like any other.
"""

import json

from pydantic import SecretStr
from starlette.requests import Request

from onboarding import presented
from onboarding.call_refusals import TokenInvalid
from onboarding.db import reading
from onboarding.errors import Refusal
from onboarding.judging import Answer
from onboarding.presented import TokenOver
from onboarding.selftest import Unreached
from onboarding.tokens import NotOurs
from onboarding.web import api_whoami, oauth, oauth_clients
from onboarding.web.oauth_route import OAuthError
from onboarding.web.refusals import QuotaExceeded


class Here:
    """The authorization server and the API of this process, asked for whoever sent the request."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def token(self, client_id: str, secret: SecretStr) -> Answer:
        """As the token endpoint would answer."""
        try:
            client = oauth_clients.known(self._request, client_id, secret)
        except OAuthError as error:
            return _answer(error.status, {"error": error.error})
        except QuotaExceeded:
            raise Unreached("too_many") from None
        issuer = oauth.issuer_of(self._request)
        token = issuer.issue(client.client_id, client.version, client.now)
        return _answer(200, {"access_token": token})

    def call(self, token: str, seller_id: str | None) -> Answer:
        """As `/v1/whoami` would answer."""
        try:
            claims = oauth.issuer_of(self._request).read(token)
            with reading() as session:
                client = presented.by_token(session, claims)
                link = presented.acting_for(session, client.client_id, seller_id)
                told = api_whoami.answer(session, claims, client, link)
        except (NotOurs, TokenOver):
            return _answer(TokenInvalid.status, {"code": TokenInvalid.code})
        except Refusal as refusal:
            return _answer(refusal.status, {"code": refusal.code})
        return Answer(200, told.model_dump_json().encode())


def _answer(status: int, body: dict[str, str]) -> Answer:
    return Answer(status, json.dumps(body).encode())
