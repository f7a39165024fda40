"""The way of a test beside another authorization server: that one gives the token, and we know for whom it acts."""

import json
from typing import Final
from urllib.parse import quote_plus

import httpx
from pydantic import SecretStr

from onboarding import presented, selftest_http
from onboarding.call_refusals import TokenInvalid
from onboarding.db import reading
from onboarding.errors import Refusal
from onboarding.judging import Answer
from onboarding.models import Client

_GRANT: Final = {"grant_type": "client_credentials"}


class Beside:
    """That server's token endpoint, and what is known here of the client that it has let in."""

    def __init__(self, token_endpoint: str) -> None:
        self._endpoint, self._client_id = token_endpoint, ""

    def token(self, client_id: str, secret: SecretStr) -> Answer:
        """As the token endpoint answers, asked like any program would. Raises Unreached."""
        basic = quote_plus(client_id), quote_plus(secret.get_secret_value())
        self._client_id = client_id
        with httpx.Client(follow_redirects=False) as http:
            return selftest_http.asked(http, "POST", self._endpoint, data=_GRANT, auth=basic)

    def call(self, token: str, seller_id: str | None) -> Answer:
        """As an API would answer that asks us whom the client may act for."""
        try:
            seller = self._seller(seller_id)
        except Refusal as refusal:
            return _answer(refusal.status, {"code": refusal.code})
        return _answer(200, {"seller": seller})

    def _seller(self, seller_id: str | None) -> dict[str, object] | None:
        with reading() as session:
            client = session.get(Client, self._client_id)
            if client is None or client.revoked_at or client.disabled_at:
                raise TokenInvalid
            link = presented.acting_for(session, client.id, seller_id)
            if link is None:
                return None
            return {
                "seller_id": link.seller_id,
                "shop_name": link.shop_name,
                "confirmed_at": link.confirmed_at and link.confirmed_at.isoformat(),
                "status": "suspended" if presented.is_suspended(session, link) else "active",
            }


def _answer(status: int, body: dict[str, object]) -> Answer:
    return Answer(status, json.dumps(body).encode())
