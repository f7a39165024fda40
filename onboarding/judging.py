"""From an answer of a token endpoint or an API to a case of `verdicts`; the same for whoever asked."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. It does not print its body, which may hold a token."""

    status: int
    body: bytes = field(repr=False)

    @property
    def json(self) -> dict[str, Any] | None:
        """The JSON object, if it is one."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


# A refusal's code that says more than that the client is not linked.
_FORBIDDEN: Final = {
    "link_not_confirmed": "link_not_confirmed",
    "seller_suspended": "other_seller",
}
_BY_ERROR: Final = {
    "invalid_client": "invalid_client",
    "unauthorized_client": "unauthorized_client",
}


def of_token(answer: Answer) -> str | None:
    """What is wrong with the answer to a question for a token; None: it is one."""
    if (general := _in_general(answer)) is not None:
        return general
    said = answer.json or {}
    if isinstance(said.get("access_token"), str) and answer.status == HTTPStatus.OK:
        return None
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return "invalid_client"
    return _BY_ERROR.get(str(said.get("error")), "malformed_request")


def of_call(answer: Answer, seller_id: str | None) -> str:
    """What the API's answer to a first call means, for this seller or for whichever is linked."""
    if (general := _in_general(answer)) is not None:
        return general
    said = answer.json or {}
    match answer.status:
        case HTTPStatus.OK:
            return _of_seller(said.get("seller"), seller_id)
        case HTTPStatus.UNAUTHORIZED:
            return "token_refused"
        case HTTPStatus.FORBIDDEN:
            return _FORBIDDEN.get(str(said.get("code")), "not_linked")
        case HTTPStatus.NOT_FOUND:
            return "seller_unknown"
    return "malformed_request"


def _in_general(answer: Answer) -> str | None:
    """What is the same whoever was asked."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return "too_many"
    if (
        answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or answer.status == HTTPStatus.REQUEST_TIMEOUT
    ):
        return "try_again"
    return "not_json" if answer.json is None else None


def _of_seller(seller: Any, wanted: str | None) -> str:
    if not isinstance(seller, dict):
        return "works_unlinked" if wanted is None else "other_seller"
    if wanted is not None and seller.get("seller_id") != wanted:
        return "other_seller"
    if seller.get("status", "active") != "active":
        return "other_seller"
    return "works" if seller.get("confirmed_at") else "link_not_confirmed"
