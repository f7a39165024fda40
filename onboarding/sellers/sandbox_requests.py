"""What a browser or a client asks of the sandbox, and every reason to say no to it."""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from fastapi import Request

_MOST_BYTES: Final = 32 * 1024
_MOST_FIELDS: Final = 40
_FORM: Final = "application/x-www-form-urlencoded"
_S256: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_AGE: Final = re.compile(r"[0-9]{1,9}")
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})


class Wrong(Exception):
    """The request is refused, with an error code of OAuth or OpenID Connect."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


async def parameters(request: Request) -> dict[str, str]:
    """The fields of the query, or of the form of a POST. Raises Wrong."""
    sent = request.url.query.encode() if request.method == "GET" else await _form(request)
    try:
        pairs = parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Wrong("invalid_request", "The request cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Wrong("invalid_request", "A parameter is repeated.")
    return fields


def check_authorization(asked: Mapping[str, str]) -> None:
    """Raises Wrong for an authorization request that a strict provider refuses."""
    prompts = asked.get("prompt", "").split()
    rules = (
        ("response_type" in asked, "invalid_request", "response_type is missing."),
        (asked.get("response_type") == "code", "unsupported_response_type", "Send code."),
        ("request" not in asked, "request_not_supported", "Send plain parameters."),
        ("request_uri" not in asked, "request_uri_not_supported", "Send plain parameters."),
        (
            asked.get("response_mode", "query") == "query",
            "invalid_request",
            "Only the response mode query is supported.",
        ),
        ("openid" in asked.get("scope", "").split(), "invalid_scope", "openid is missing."),
        ("code_challenge" in asked, "invalid_request", "code_challenge is missing (PKCE)."),
        (asked.get("code_challenge_method") == "S256", "invalid_request", "Only S256 is accepted."),
        (
            _S256.fullmatch(asked.get("code_challenge", "")),
            "invalid_request",
            "code_challenge is not a SHA-256 in base64url.",
        ),
        (_AGE.fullmatch(asked.get("max_age", "0")), "invalid_request", "max_age is not seconds."),
        (_PROMPTS.issuperset(prompts), "invalid_request", "prompt is unknown."),
        ("none" not in prompts or len(prompts) == 1, "invalid_request", "none stands alone."),
    )
    for holds, error, description in rules:
        if not holds:
            raise Wrong(error, description)


def earlier_sign_in(
    asked: Mapping[str, str], session: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """The sign-in of before, where it will do. Raises Wrong where nobody may be asked again."""
    prompts = asked.get("prompt", "").split()
    age = time.time() - session["auth_time"] if session else 0
    if session and not ("max_age" in asked and age >= int(asked["max_age"])):
        return None if {"login", "select_account"} & set(prompts) else session
    if "none" in prompts:
        raise Wrong("login_required", "The seller has to sign in.")
    return None


def check_client(
    header: str | None, form: Mapping[str, str], client_id: str, client_secret: str
) -> None:
    """Raises Wrong unless the client proves itself, in one of the two ways."""
    if header is not None and "client_secret" in form:
        raise Wrong("invalid_request", "Authenticate in one way, not in two.")
    pair = _basic(header) if header is not None else _in_form(form)
    known = f"{client_id}:{client_secret}".encode()
    if not hmac.compare_digest(":".join(pair).encode(), known):
        raise Wrong("invalid_client", "The client ID or the client secret is wrong.")


def check_grant(form: Mapping[str, str], code: Mapping[str, Any]) -> None:
    """Raises Wrong unless the code is redeemed by whoever asked for it."""
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not hmac.compare_digest(challenge, code["code_challenge"]):
        raise Wrong("invalid_grant", "The code verifier does not match.")
    if form["redirect_uri"] != code["redirect_uri"]:
        raise Wrong("invalid_grant", "The redirect URI is another one.")


def check_token_request(form: Mapping[str, str]) -> None:
    """Raises Wrong for a token request that lacks something."""
    if "grant_type" not in form:
        raise Wrong("invalid_request", "grant_type is missing.")
    if form["grant_type"] != "authorization_code":
        raise Wrong("unsupported_grant_type", "Only authorization_code is supported.")
    for name in ("code", "redirect_uri", "code_verifier"):
        if name not in form:
            raise Wrong("invalid_request", f"{name} is missing.")
    if not _VERIFIER.fullmatch(form["code_verifier"]):
        raise Wrong("invalid_request", "code_verifier is not 43 to 128 unreserved characters.")


async def _form(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Wrong("invalid_request", f"Send {_FORM}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Wrong("invalid_request", "The request is too long.")
    return bytes(body)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        pair = ""
    client_id, _, client_secret = pair.partition(":")
    if scheme.lower() != "basic":
        raise Wrong("invalid_client", "Only Basic is understood here.")
    return unquote_plus(client_id), unquote_plus(client_secret)


def _in_form(form: Mapping[str, str]) -> tuple[str, str]:
    return form.get("client_id", ""), form.get("client_secret", "")
