"""Signs a seller in at the marketplace's identity provider, whichever it is.

The authorization code flow of OpenID Connect with PKCE: `begin` says where to send the browser,
`complete` turns what the browser brings back into an identity. Plain HTTP and `joserfc`, because
every check should be readable here.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx

from onboarding.sellers import SellerAccount, SellerIdentity, SignInRefused, SignInUnavailable
from onboarding.sellers.bounded_json import get_json, post_form
from onboarding.sellers.id_token import MAX_SKEW, signed_in_at, verified_claims
from onboarding.sellers.provider import Provider, discover

__all__ = ["Pending", "Provider", "begin", "complete", "discover", "sign_out_url"]

_LONGEST_PARAMETER: Final = 8192  # characters of a code or a token


@dataclass(frozen=True)
class Pending:
    """A sign-in that has begun. Store it, bound to the browser, and use it for one `complete`.

    `signed_in_after` is in seconds since 1970, or empty when an earlier sign-in will do.
    """

    issuer: str
    redirect_uri: str
    state: str
    nonce: str
    verifier: str = field(repr=False)
    signed_in_after: str


def begin(
    provider: Provider,
    redirect_uri: str,
    locale: str,
    fresh: bool,  # noqa: FBT001  (both answers are ordinary, so it has no default to be named against)
) -> tuple[str, Pending]:
    """Where to send the browser, and what to remember meanwhile.

    `fresh` makes the seller sign in again, which is also how to choose another account.
    """
    pending = Pending(
        issuer=provider.issuer,
        redirect_uri=redirect_uri,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(32),
        signed_in_after=str(int(time.time())) if fresh else "",
    )
    endpoint = provider.metadata().authorization_endpoint
    joint = "&" if urlsplit(endpoint).query else "?"
    return endpoint + joint + urlencode(_question(provider, pending, locale)), pending


def sign_out_url(provider: Provider, locale: str) -> str | None:
    """Where the seller signs out at the provider; None: it has no such page.

    No page of ours is named to come back to: a provider that does not know it would refuse.
    Raises SignInRefused, SignInUnavailable.
    """
    endpoint = provider.metadata().end_session_endpoint
    asked = urlencode({"client_id": provider.client_id, "ui_locales": locale})
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{asked}" if endpoint else None


def complete(provider: Provider, pending: Pending, query: Mapping[str, str]) -> SellerIdentity:
    """Which seller signed in. Raises SignInRefused, SignInUnavailable, as `answered` does."""
    about = answered(provider, pending, query)
    return SellerIdentity(
        issuer=provider.issuer,
        subject=about["sub"],
        name=about["name"],
        auth_time=signed_in_at(about),
        accounts=_accounts(about.get(provider.accounts_claim, [])),
    )


def answered(provider: Provider, pending: Pending, query: Mapping[str, str]) -> dict[str, Any]:
    """What the provider says of whoever signed in, from what the browser brought back.

    A `Pending` is for one attempt, whatever comes of it: forget it before this is called. Raises
    SignInRefused, SignInUnavailable.
    """
    code = _authorized_code(provider, pending, query)
    tokens = _redeem(provider, pending, code)
    claims = verified_claims(
        tokens["id_token"], provider.keys, provider.issuer, provider.client_id, pending.nonce
    )
    if signed_in_at(claims).timestamp() < int(pending.signed_in_after or 0) - MAX_SKEW:
        raise SignInRefused("stale")
    about = claims | _userinfo(provider, claims, tokens["access_token"])
    name = str(about.get("name") or "")[:200]
    return about | {"sub": _text(claims["sub"], "subject", longest=255), "name": name}


def _question(provider: Provider, pending: Pending, locale: str) -> dict[str, str]:
    digest = hashlib.sha256(pending.verifier.encode()).digest()
    question = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": pending.redirect_uri,
        "scope": provider.scope,
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        "ui_locales": locale,
    }
    # With max_age a provider has to tell auth_time, which proves that it did ask.
    return question | ({"prompt": "login", "max_age": "0"} if pending.signed_in_after else {})


def _authorized_code(provider: Provider, pending: Pending, query: Mapping[str, str]) -> str:
    """The code, if this answer is from this provider and to our question."""
    if not hmac.compare_digest(query.get("state", "").encode(), pending.state.encode()):
        raise SignInRefused("state")
    answered_by = query.get("iss", "" if provider.metadata().announces_issuer else pending.issuer)
    if not answered_by == pending.issuer == provider.issuer:
        raise SignInRefused("issuer")
    if "error" in query:
        raise _provider_said(query["error"])
    code = query.get("code", "")
    if not 0 < len(code) <= _LONGEST_PARAMETER:
        raise SignInRefused("code")
    return code


def _provider_said(error: str) -> SignInRefused | SignInUnavailable:
    if error in {"server_error", "temporarily_unavailable"}:
        return SignInUnavailable(error)
    return SignInRefused("cancelled" if error == "access_denied" else "provider_error")


def _redeem(provider: Provider, pending: Pending, code: str) -> dict[str, str]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": pending.redirect_uri,
        "code_verifier": pending.verifier,
    }
    metadata, headers = provider.metadata(), {}
    if metadata.basic_auth:
        headers["Authorization"] = _basic(provider.client_id, provider.client_secret)
    else:
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    answer = post_form(provider.http, metadata.token_endpoint, provider.timeout, form, headers)
    tokens = _granted(answer, "token_request")
    if str(tokens.get("token_type")).lower() != "bearer":
        raise SignInRefused("token_type")
    return {name: _text(tokens.get(name), name) for name in ("id_token", "access_token")}


def _userinfo(provider: Provider, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
    """What the ID token left out; asked for only where it names no seller accounts."""
    url = provider.metadata().userinfo_endpoint
    if provider.accounts_claim in claims or not url:
        return {}
    headers = {"Authorization": f"Bearer {access_token}"}
    about = _granted(get_json(provider.http, url, provider.timeout, headers), "userinfo")
    if about.get("sub") != claims["sub"]:
        raise SignInRefused("userinfo_subject")
    return {name: about[name] for name in ("name", provider.accounts_claim) if name in about}


def _accounts(listed: object) -> tuple[SellerAccount, ...]:
    if not isinstance(listed, list):
        raise SignInRefused("seller_accounts")
    return tuple(_account(entry) for entry in listed)


def _account(entry: object) -> SellerAccount:
    """One account. What the provider does not say is taken for the least that it could say."""
    if not isinstance(entry, dict):
        raise SignInRefused("seller_accounts")
    return SellerAccount(
        seller_id=_text(entry.get("seller_id"), "seller_accounts", longest=64),
        shop_name=str(entry.get("shop_name") or "")[:200],
        status=str(entry.get("status") or "unknown"),
        role=str(entry.get("role") or "member"),
        may_connect_api=entry.get("may_connect_api") is True,
    )


def _granted(answer: tuple[int, dict[str, Any]], asked: str) -> dict[str, Any]:
    """The body of a 200. Three statuses are refusals, which trying again does not change."""
    status, body = answer
    if status in {400, 401, 403}:
        raise SignInRefused(asked)
    if status != httpx.codes.OK:
        raise SignInUnavailable(f"http_{status}")
    return body


def _basic(client_id: str, client_secret: str) -> str:
    """OAuth encodes both parts as in a form before HTTP's own encoding (RFC 6749, 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _text(value: object, reason: str, longest: int = _LONGEST_PARAMETER) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise SignInRefused(reason)
    return value
