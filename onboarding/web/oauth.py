"""The authorization server: tokens for client credentials (RFC 6749 §4.4), and what each is worth.

Its address book is RFC 8414's, its tokens are RFC 9068's; introspection is RFC 7662, revocation
RFC 7009. There are no scopes: what a client may do is decided by the link to a seller account. All of it
is closed where the marketplace has an authorization server of its own.
"""

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Depends
from fastapi.security import SecurityScopes
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onboarding import presented, token_keys, tokens
from onboarding.db import reading, transaction
from onboarding.presented import TokenOver, Verified
from onboarding.public_keys import SIGNING
from onboarding.tokens import Claims, Issuer, NotOurs
from onboarding.web import api_access, oauth_clients
from onboarding.web.oauth_route import NEVER_KEPT, OAuthError, OAuthRoute, Sent, needed
from onboarding.web.refusals import TokensElsewhere


async def _only_here(request: Request) -> None:
    """Beside another authorization server there is none here, and nothing that would look like one.

    Raises TokensElsewhere.
    """
    if request.app.state.settings.tells_another:
        raise TokensElsewhere


router = APIRouter(
    include_in_schema=False, route_class=OAuthRoute, dependencies=[Depends(_only_here)]
)

GRANT: Final = "client_credentials"
METADATA: Final = "/.well-known/oauth-authorization-server"
KEYS: Final = "/oauth2/jwks"
_TOKEN, _INTROSPECT, _REVOKE = oauth_clients.ENDPOINT, "/oauth2/introspect", "/oauth2/revoke"
_AUTHENTICATION: Final = {
    "auth_methods": oauth_clients.METHODS,
    "auth_signing_alg_values": SIGNING,
}
# Seconds that a verifier may keep keys and addresses; a key is published before it is needed.
_KEPT_FOR: Final = int(token_keys.PUBLISHED_FOR.total_seconds())


@router.post(_TOKEN)
def issue(request: Request, form: Sent) -> Response:
    """An access token for a client that proves to have its secret, or its private key."""
    grant = needed(form, "grant_type")
    client = oauth_clients.authenticated(request, form)
    if grant != GRANT:
        raise OAuthError("unsupported_grant_type", f"The grant is {GRANT}.")
    if "scope" in form:
        raise OAuthError("invalid_scope", "There are no scopes: leave the parameter out.")
    issuer = issuer_of(request)
    token = issuer.issue(client.client_id, client.version, client.now)
    oauth_clients.note(client)
    body = {"access_token": token, "token_type": "Bearer", "expires_in": issuer.lasts}
    return JSONResponse(body, headers=NEVER_KEPT)


@router.post(_INTROSPECT)
def introspect(request: Request, form: Sent) -> dict[str, Any]:
    """What a token is worth now: to an API by its key, and to the client that it was issued to."""
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        api_access.caller(request, SecurityScopes(["tokens:introspect"]), None)
        return _worth(request, needed(form, "token"), None)
    client = oauth_clients.authenticated(request, form)
    return _worth(request, needed(form, "token"), client.client_id)


@router.post(_REVOKE)
def revoke(request: Request, form: Sent) -> Response:
    """End a token before its time. One that is unknown or over is as good as revoked (RFC 7009 §2.2)."""
    client = oauth_clients.authenticated(request, form)
    try:
        claims = issuer_of(request).read(needed(form, "token"))
    except NotOurs:
        return JSONResponse({}, headers=NEVER_KEPT)
    if claims.client_id != client.client_id:
        raise OAuthError("invalid_grant", "The token was issued to another client.")
    with transaction() as session:
        presented.revoke_token(session, claims)
    return JSONResponse({}, headers=NEVER_KEPT)


@router.get(METADATA)
def metadata(request: Request) -> Response:
    """Where everything is, so that no program has to know it (RFC 8414)."""
    base = request.app.state.settings.base_url
    described = {
        "issuer": base,
        "token_endpoint": base + _TOKEN,
        "jwks_uri": base + KEYS,
        "introspection_endpoint": base + _INTROSPECT,
        "revocation_endpoint": base + _REVOKE,
        "response_types_supported": [],
        "grant_types_supported": [GRANT],
        **{
            f"{each}_endpoint_{name}_supported": [*supported]
            for each in ("token", "introspection", "revocation")
            for name, supported in _AUTHENTICATION.items()
        },
        "service_documentation": request.app.state.settings.documentation_url,
    }
    return _kept(described)


@router.get(KEYS)
def keys(request: Request) -> Response:
    """The keys that tokens are verified with (RFC 7517)."""
    return _kept(issuer_of(request).jwks(datetime.now(UTC)))


def issuer_of(request: Request) -> Issuer:
    """Made once for a process, and anew with a key that has come: another process may sign with it already."""
    state = request.app.state
    ids = state.ring.ids(token_keys.KEYS)
    if getattr(state, "issuer_keys", None) != ids:
        state.issuer, state.issuer_keys = tokens.issuer(state.settings, state.ring), ids
    found: Issuer = state.issuer
    return found


def _worth(request: Request, token: str, asker: str | None) -> dict[str, Any]:
    """The answer of RFC 7662; of whatever else it is, only that it is not active."""
    try:
        claims = issuer_of(request).read(token)
        if asker not in (None, claims.client_id):
            return {"active": False}
        with reading() as session:
            client = presented.by_token(session, claims)
            return _active(session, issuer_of(request), claims, client)
    except (NotOurs, TokenOver):
        return {"active": False}


def _active(session: Session, issuer: Issuer, claims: Claims, client: Verified) -> dict[str, Any]:
    return {
        "active": True,
        "client_id": client.client_id,
        "sub": client.client_id,
        "token_type": "Bearer",
        "iss": issuer.url,
        "aud": issuer.audience,
        "jti": str(claims.id),
        "iat": int(claims.issued_at.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
        # For whom it may act: an extension that RFC 7662 §2.2 leaves room for.
        "seller_ids": presented.acts_for(session, client.client_id),
    }


def _kept(body: dict[str, Any]) -> Response:
    return JSONResponse(body, headers={"Cache-Control": f"public, max-age={_KEPT_FOR}"})
