"""What may follow an answer, as links of OpenAPI 3.1 (4.8.20): the way from a start to a secret that is in use.

A program that knows nothing else can walk it, and schemathesis does: `test_openapi_walked`. Each link
says all that its operation needs; a request body is the whole body.
"""

from typing import Any, Final

Link = dict[str, Any]
# Method, path, and status of the answer that they follow.
Answered = tuple[str, str, str]

_START: Final = "/v1/onboardings"
_ONE: Final = "/v1/onboardings/{onboarding_id}"
_SECRETS: Final = f"{_ONE}/client/secrets"
_AT: Final = {"onboarding_id": "$response.body#/id"}
# Of an answer that does not say whose it is.
_SAME: Final = {"onboarding_id": "$request.path.onboarding_id"}
_SEEN: Final = {"If-Match": "$response.header.ETag"}
# What is said by version need not be seen by number as well.
_ANY: Final = {"If-Match": "*"}
_FIRST_VERSION: Final = {"version": "$response.body#/secrets/0/version"}


def links() -> dict[Answered, dict[str, Link]]:
    """By the answer that they follow, and by name: the next step, and `show`, which leads to all others."""
    return {
        ("post", _START, "201"): {"choose_credentials_only": _choose(), "show": _show(_AT)},
        ("post", f"{_ONE}/events", "200"): _on_the_way() | {"show": _show(_AT)},
        ("get", _ONE, "200"): {"choose_credentials_only": _choose()}
        | _on_the_way()
        | _looks()
        | {"cancel": _event("cancel", "End it. What was issued is revoked.")},
        ("post", f"{_ONE}/secret-reveal", "200"): {
            "acknowledge": _acknowledge(),
            "show": _show(_SAME),
        },
        ("post", _SECRETS, "202"): {
            "reveal_new": _reveal(_SAME | _ANY),
            "end_old": _end_old(),
            "show": _show(_SAME),
        },
    }


def _on_the_way() -> dict[str, Link]:
    """What leads to a secret, and to the next one."""
    issue = "Issue the client ID, once a type is chosen; the answer waits for the secret."
    return {
        "issue_id": _event("issue_id", issue),
        "reveal": _reveal(_AT | _SEEN),
        "replace_secret": _replace(_AT),
    }


def _show(whose: dict[str, str]) -> Link:
    return _link("onboardings_show", whose, "Where it stands now.")


def _looks() -> dict[str, Link]:
    return {
        "requirements": _link("onboardings_due", _AT, "What is due, and from whom."),
        "allowed": _link("onboardings_allowed", _AT, "What may be done next."),
        "history": _link("onboardings_history", _AT, "What has happened."),
        "client": _link("clients_client", _AT, "The client, and the versions of its secret."),
        "seller_links": _link("clients_links", _AT, "The seller accounts that are linked."),
    }


def _choose() -> Link:
    only = {"connection_type": "credentials_only"}
    return _event("choose_type", "Choose the shortest way: a client ID and a secret.", **only)


def _acknowledge() -> Link:
    """The version says which secret, so it does not matter where the onboarding was seen."""
    link = _event(
        "acknowledge_secret",
        "Say that the secret is saved: only then does it count.",
        version="$response.body#/version",
        ending="$response.body#/ending",
    )
    return link | {"parameters": _SAME | _ANY}


def _event(event: str, says: str, **data: str) -> Link:
    """Fired from where it was seen, and answered once the platform has moved."""
    parameters = _AT | _SEEN | {"prefer": "wait=10"}
    body = {"event": event, "data": data} if data else {"event": event}
    return _link("onboardings_fire", parameters, says) | {"requestBody": body}


def _reveal(parameters: dict[str, str]) -> Link:
    says = "Take the secret, once it is made. Without an Idempotency-Key: it is shown once."
    return _link("onboardings_reveal_secret", parameters, says)


def _replace(whose: dict[str, str]) -> Link:
    says = "Have a new secret made, once the first is in use; the old one goes on for three days."
    return _link("clients_replace", whose, says) | {"requestBody": {"overlap_days": 3}}


def _end_old() -> Link:
    says = "End the first secret before its time, once another has replaced it."
    return _link("clients_end_old", _SAME | _FIRST_VERSION, says)


def _link(operation: str, parameters: dict[str, str], says: str) -> Link:
    return {"operationId": operation, "description": says, "parameters": parameters}
