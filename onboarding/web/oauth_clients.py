"""Who asks the authorization server: a client with its secret, in one of the two ways of RFC 6749 §2.3.1.

Or with an assertion that it has signed (RFC 7523 §2.2).
"""

import base64
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus

from pydantic import SecretStr
from starlette.requests import Request

from onboarding import assertions, logs, outages, presented, uses
from onboarding.assertions import NotAccepted
from onboarding.db import reading, transaction
from onboarding.presented import Verified
from onboarding.web.oauth_route import OAuthError
from onboarding.web.quotas import network

log = logs.get(__name__)

METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
# The same words whatever is wrong, so that nobody learns which clients there are.
UNKNOWN: Final = (
    "The client ID, the client secret or the client assertion is wrong, or the client was revoked."
)
# The address that assertions are for, where they do not name the issuer.
ENDPOINT: Final = "/oauth2/token"
_REALM: Final = 'Basic realm="oauth2", charset="UTF-8"'
_LONGEST: Final = 200


def authenticated(request: Request, form: Mapping[str, str]) -> Verified:
    """The client that asks. Raises OAuthError, or QuotaExceeded for whoever guesses or asks too often."""
    if "client_assertion" in form or "client_assertion_type" in form:
        return _by_assertion(request, form)
    return known(request, *_presented(request, form))


def known(request: Request, client_id: str, secret: SecretStr) -> Verified:
    """The client with this ID and secret; guesses are counted. Raises as `authenticated` does."""
    with reading() as session:
        found = presented.by_secret(session, client_id, secret, request.app.state.ring)
    if found is None:
        _count_guess(request, client_id)
        raise refused()
    request.app.state.quotas.of_tokens.take(request, found.client_id)
    return found


def note(verified: Verified) -> None:
    """Note the use, at most once a minute; a client is not turned away because nothing can be written."""
    if not verified.to_be_noted:
        return
    try:
        with transaction() as session:
            uses.note(session, verified)
    except Exception as error:
        if outages.outage(error) is None:
            raise
        log.info("use_not_noted", error=type(error).__name__)


def refused() -> OAuthError:
    """No client, or not with this secret."""
    return OAuthError("invalid_client", UNKNOWN, 401, WWW_Authenticate=_REALM)


def _by_assertion(request: Request, form: Mapping[str, str]) -> Verified:
    """The client that has signed; each assertion counts once."""
    if "client_secret" in form or "authorization" in request.headers:
        raise OAuthError("invalid_request", "Prove who you are in one way only.")
    if hasattr(request.state, "asserted"):
        # The handler runs again, for the database has rolled back what came after.
        again: Verified = request.state.asserted
        return again
    named = form.get("client_id", "")
    try:
        found = _accepted(request, form)
    except NotAccepted as refusal:
        log.info("assertion_refused", reason=refusal.reason)
        _count_guess(request, named or refusal.client_id)
        raise refused() from None
    request.state.asserted = found
    return found


def _accepted(request: Request, form: Mapping[str, str]) -> Verified:
    if form.get("client_assertion_type") != assertions.TYPE:
        raise NotAccepted("type")
    base = request.app.state.settings.base_url
    assertion = assertions.read(form.get("client_assertion", ""), {base, f"{base}{ENDPOINT}"})
    if form.get("client_id", assertion.client_id) != assertion.client_id:
        raise NotAccepted("subject", assertion.client_id)
    with reading() as session:
        found = assertions.verify(session, assertion)
    request.app.state.quotas.of_tokens.take(request, found.client_id)
    with transaction() as session:
        assertions.spend(session, assertion)
    return found


def _count_guess(request: Request, client_id: str) -> None:
    quotas = request.app.state.quotas
    quotas.of_bad_secrets.take(request, network(request))
    # What names no client is counted where it comes from.
    quotas.of_guessed_clients.take(request, client_id[:_LONGEST] or network(request))


def _presented(request: Request, form: Mapping[str, str]) -> tuple[str, SecretStr]:
    """Client ID and secret: from the header or the form, never from the URL, and not from both."""
    if "client_secret" in request.query_params:
        log.warning("client_secret_in_url")
        raise OAuthError(
            "invalid_request", "A client secret stands in the URL, where logs keep it: replace it."
        )
    headers = request.headers.getlist("authorization")
    if not headers:
        return _checked(form.get("client_id", ""), form.get("client_secret", ""))
    if "client_secret" in form or len(headers) > 1:
        raise OAuthError("invalid_request", "Send the client secret in one way only.")
    client_id, secret = _basic(headers[0])
    if form.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_request", "The header and the form name two clients.")
    return _checked(client_id, secret)


def _basic(header: str) -> tuple[str, str]:
    """Both are form-encoded before they are joined; ours have no letter that this changes."""
    scheme, _, encoded = header.partition(" ")
    try:
        joined = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        raise refused() from None
    client_id, _, secret = joined.partition(":")
    if scheme.lower() != "basic":
        raise refused()
    return unquote_plus(client_id), unquote_plus(secret)


def _checked(client_id: str, secret: str) -> tuple[str, SecretStr]:
    """Longer ones than there are look like wrong ones: nothing is computed from them."""
    if not client_id or not secret:
        raise refused()
    return client_id[: _LONGEST + 1], SecretStr(secret if len(secret) <= _LONGEST else "")
