"""The way of a test where another authorization server gives the tokens: it is asked, as any program would.

It is the one page besides signing in that waits for somebody else: what is tried must be stored
nowhere, so no task can do it. Whom a client may act for is ours to know, and is looked up as
`/v1/whoami` does.
"""

import json
from typing import Final
from urllib.parse import quote_plus

import httpx
from pydantic import SecretStr
from starlette.requests import Request

from onboarding import presented, selftest_http
from onboarding.call_refusals import TokenInvalid
from onboarding.db import reading
from onboarding.errors import Refusal
from onboarding.judging import Answer
from onboarding.models import Client
from onboarding.selftest import Unreached, Way
from onboarding.web import api_whoami
from onboarding.web.quotas import network
from onboarding.web.refusals import QuotaExceeded
from onboarding.web.selftest_here import Here

_GRANT: Final = {"grant_type": "client_credentials"}


def way_of(request: Request) -> Way:
    """How a page tests credentials: at whoever gives the tokens."""
    return There(request) if request.app.state.settings.tells_another else Here(request)


class There:
    """That server's token endpoint, and what is known here of the client that it has let in."""

    def __init__(self, request: Request) -> None:
        self._request, self._client_id = request, ""

    def token(self, client_id: str, secret: SecretStr) -> Answer:
        """As the token endpoint answers. Each is a guess at somebody else's door: so many, and no more."""
        try:
            self._request.app.state.quotas.of_bad_secrets.take(
                self._request, network(self._request)
            )
        except QuotaExceeded:
            raise Unreached("too_many") from None
        basic = quote_plus(client_id), quote_plus(secret.get_secret_value())
        endpoint = self._request.app.state.settings.token_endpoint
        self._client_id = client_id
        with httpx.Client(follow_redirects=False) as http:
            return selftest_http.asked(http, "POST", endpoint, data=_GRANT, auth=basic)

    def call(self, token: str, seller_id: str | None) -> Answer:
        """As an API would answer that asks us whom the client may act for."""
        try:
            with reading() as session:
                client = session.get(Client, self._client_id)
                if client is None or client.revoked_at or client.disabled_at:
                    raise TokenInvalid
                link = presented.acting_for(session, client.id, seller_id)
                seller = api_whoami.seller_of(session, link)
        except Refusal as refusal:
            return _answer(refusal.status, {"code": refusal.code})
        return _answer(200, {"seller": seller.model_dump(mode="json") if seller else None})


def _answer(status: int, body: dict[str, object]) -> Answer:
    return Answer(status, json.dumps(body).encode())
