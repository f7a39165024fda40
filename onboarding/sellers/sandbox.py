"""The sandbox Seller Portal: a strict OpenID provider with sample sellers and no real account.

It stands in for the marketplace until an operator names a real issuer. Nobody has a password here:
whoever signs in chooses a sample seller. Include the router under the path of the issuer. The
handlers are `async` because the process that serves them also calls them.
"""

import time
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from onboarding import words
from onboarding.sellers.sandbox_accounts import (
    SAMPLE_SELLERS,
    SampleSeller,
    chosen,
    claims_about,
)
from onboarding.sellers.sandbox_pages import STYLE, best_locale, page, page_headers
from onboarding.sellers.sandbox_requests import (
    Wrong,
    check_authorization,
    check_client,
    check_grant,
    check_token_request,
    earlier_sign_in,
    parameters,
)
from onboarding.sellers.sandbox_tokens import (
    client_secret,
    id_token,
    read_note,
    signing_key,
    write_note,
)

COOKIE: Final = "sandbox_seller"
# Seconds. A code is redeemed at once; a person may read the page for a while.
_CODE_LASTS, _PAGE_LASTS, _TOKEN_LASTS, _SESSION_LASTS = 60, 900, 300, 8 * 3600


def portal(
    issuer: str,
    key: bytes,
    redirect_uris: Collection[str],
    client_id: str,
) -> APIRouter:
    """The provider's routes, for one client. `key` is 32 bytes, the same in every web process."""
    sandbox = _Portal(issuer, key, redirect_uris, client_id)
    router = APIRouter(include_in_schema=False)
    for path, methods, handler in (
        ("/.well-known/openid-configuration", ["GET"], sandbox.configuration),
        ("/jwks", ["GET"], sandbox.jwks),
        ("/authorize", ["GET", "POST"], sandbox.authorize),
        ("/sign-in", ["POST"], sandbox.sign_in),
        ("/token", ["POST"], sandbox.token),
        ("/userinfo", ["GET", "POST"], sandbox.userinfo),
        ("/end-session", ["GET", "POST"], sandbox.end_session),
        ("/style.css", ["GET"], sandbox.style),
    ):
        router.add_api_route(path, handler, methods=methods, response_model=None)
    return router


def sandbox_client_secret(key: bytes) -> str:
    """The client secret that the sandbox with this key expects from its client."""
    return client_secret(key)


class _Portal:
    def __init__(
        self, issuer: str, key: bytes, redirect_uris: Collection[str], client_id: str
    ) -> None:
        self.issuer, self.key, self.client_id = issuer, key, client_id
        self.redirect_uris = frozenset(redirect_uris)
        self.headers = page_headers(redirect_uris)
        self.used_codes: dict[str, int] = {}

    async def configuration(self) -> Response:
        return JSONResponse(_configuration(self.issuer))

    async def jwks(self) -> Response:
        return JSONResponse({"keys": [signing_key(self.key).as_dict(private=False)]})

    async def style(self) -> Response:
        return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    async def authorize(self, request: Request) -> Response:
        try:
            asked = await parameters(request)
            self._check_way_back(asked)
        except Wrong as wrong:
            # Without a known client and address there is nowhere to send the browser back to.
            return self._page("stopped", _locale(request), 400, why=wrong.description)
        try:
            check_authorization(asked)
            session = earlier_sign_in(asked, self._session(request))
        except Wrong as wrong:
            return self._back(asked, error=wrong.error, error_description=wrong.description)
        if session:
            return self._back(asked, code=self._code(asked, session))
        return self._ask_who(asked, _locale(request, asked.get("ui_locales", "")))

    async def sign_in(self, request: Request) -> Response:
        try:
            form = await parameters(request)
        except Wrong as wrong:
            return self._page("stopped", _locale(request), 400, why=wrong.description)
        asked = read_note(self.key, "question", form.get("question", ""))
        if asked is None:
            return self._page("stopped", _locale(request), 400, why="")
        if form.get("action") == "cancel":
            return self._back(asked, error="access_denied")
        seller = SAMPLE_SELLERS.get(form.get("seller", ""))
        if seller is None:
            return self._ask_who(asked, asked["ui_locales"], 400)
        seller_ids = chosen(seller, form.get("shop", ""))
        if not seller_ids:
            return self._ask_which(asked, seller, 400 if "shop" in form else 200)
        return self._signed_in(asked, seller, seller_ids)

    async def token(self, request: Request) -> Response:
        try:
            form = await parameters(request)
            secret = client_secret(self.key)
            check_client(request.headers.get("authorization"), form, self.client_id, secret)
            check_token_request(form)
            grant = self._redeemed(form)
        except Wrong as wrong:
            return _refused(wrong)
        return JSONResponse(self._tokens(grant), headers={"Cache-Control": "no-store"})

    async def userinfo(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        grant = read_note(self.key, "access token", token) if scheme.lower() == "bearer" else None
        if grant is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return JSONResponse({"error": "invalid_token"}, 401, challenge)
        return JSONResponse(claims_about(grant), headers={"Cache-Control": "no-store"})

    async def end_session(self, request: Request) -> Response:
        response = self._page("signed_out", _locale(request))
        response.delete_cookie(COOKIE, path=urlsplit(self.issuer).path)
        return response

    def _check_way_back(self, asked: Mapping[str, str]) -> None:
        if asked.get("client_id") != self.client_id:
            raise Wrong("invalid_request", "client_id is unknown.")
        if asked.get("redirect_uri") not in self.redirect_uris:
            raise Wrong("invalid_request", "redirect_uri is not registered.")

    def _session(self, request: Request) -> Mapping[str, Any] | None:
        session = read_note(self.key, "session", request.cookies.get(COOKIE, ""))
        return session if session and session["sub"] in SAMPLE_SELLERS else None

    def _back(self, asked: Mapping[str, str], **answer: str) -> Response:
        """To the client, which learns who answers (RFC 9207) and which of its questions."""
        answer |= {"iss": self.issuer} | ({"state": asked["state"]} if "state" in asked else {})
        joint = "&" if urlsplit(asked["redirect_uri"]).query else "?"
        url = asked["redirect_uri"] + joint + urlencode(answer)
        return RedirectResponse(url, 303, self.headers)

    def _page(self, name: str, locale: str, status: int = 200, **facts: Any) -> HTMLResponse:
        response = page(name, locale, status, **facts)
        response.headers.update(self.headers)
        return response

    def _ask_who(self, asked: Mapping[str, str], locale: str, status: int = 200) -> Response:
        question = write_note(self.key, "question", {**asked, "ui_locales": locale}, _PAGE_LASTS)
        asked_by_client = {name: asked[name] for name in asked if name not in {"jti", "exp"}}
        queries = {
            language: urlencode({**asked_by_client, "ui_locales": language})
            for language in words.LOCALES
        }
        return self._page(
            "sign_in",
            locale,
            status,
            question=question,
            sellers=SAMPLE_SELLERS.values(),
            queries=queries,
            languages=words.LANGUAGES,
            wrong=status != HTTPStatus.OK,
        )

    def _ask_which(self, asked: Mapping[str, str], seller: SampleSeller, status: int) -> Response:
        locale = asked["ui_locales"]
        question = write_note(self.key, "question", dict(asked), _PAGE_LASTS)
        wrong = status != HTTPStatus.OK
        return self._page("shops", locale, status, question=question, seller=seller, wrong=wrong)

    def _signed_in(
        self, asked: Mapping[str, str], seller: SampleSeller, seller_ids: list[str]
    ) -> Response:
        session = {
            "sub": seller.subject,
            "seller_ids": seller_ids,
            "auth_time": int(time.time()),
        }
        response = self._back(asked, code=self._code(asked, session))
        response.set_cookie(
            COOKIE,
            write_note(self.key, "session", session, _SESSION_LASTS),
            path=urlsplit(self.issuer).path,
            secure=self.issuer.startswith("https:"),
            httponly=True,
            samesite="lax",
        )
        return response

    def _code(self, asked: Mapping[str, str], session: Mapping[str, Any]) -> str:
        kept = ("redirect_uri", "nonce", "scope", "code_challenge")
        facts = {name: asked[name] for name in kept if name in asked}
        facts |= {name: session[name] for name in ("sub", "seller_ids", "auth_time")}
        return write_note(self.key, "code", facts, _CODE_LASTS)

    def _redeemed(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """What the code stands for. A code is spent by the first attempt, good or bad."""
        code = read_note(self.key, "code", form["code"])
        if code is None or code["jti"] in self.used_codes:
            raise Wrong("invalid_grant", "The code is unknown, too old or used.")
        now = time.time()
        self.used_codes = {used: end for used, end in self.used_codes.items() if end > now}
        self.used_codes[code["jti"]] = code["exp"]
        check_grant(form, code)
        return code

    def _tokens(self, grant: Mapping[str, Any]) -> dict[str, Any]:
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.issuer, "aud": self.client_id, "azp": self.client_id}
        claims |= {"iat": now, "exp": now + _TOKEN_LASTS}
        claims |= {name: grant[name] for name in ("auth_time", "nonce") if name in grant}
        access = {name: grant[name] for name in ("sub", "seller_ids", "scope")}
        return {
            "access_token": write_note(self.key, "access token", access, _TOKEN_LASTS),
            "token_type": "Bearer",
            "expires_in": _TOKEN_LASTS,
            "scope": grant["scope"],
            "id_token": id_token(self.key, claims | claims_about(grant)),
        }


def _locale(request: Request, wanted: str = "") -> str:
    return best_locale(wanted, request.headers.get("accept-language"))


def _refused(wrong: Wrong) -> Response:
    unknown = wrong.error == "invalid_client"
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": "Basic"} if unknown else {})
    body = {"error": wrong.error, "error_description": wrong.description}
    return JSONResponse(body, 401 if unknown else 400, headers)


def _configuration(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/end-session",
        "scopes_supported": ["openid", "profile"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "claims_supported": ["sub", "auth_time", "name", "locale", "seller_accounts"],
        "ui_locales_supported": [*words.LOCALES],
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
