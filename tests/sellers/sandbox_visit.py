"""A program with the sandbox Seller Portal in it, and the steps of a browser and a client there."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from bs4 import BeautifulSoup
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.requests import Request

from onboarding.sellers.oidc import Pending, Provider, begin, complete
from onboarding.sellers.sandbox import portal, sandbox_client_secret
from onboarding.web.app import closing

KEY = bytes(range(32))
PATH = "/sandbox/seller-portal"
CLIENT_ID = "onboarding"
SECRET = sandbox_client_secret(KEY)
# The pair of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def app_at(url: str) -> FastAPI:
    """A program that signs sellers in at the portal that it serves itself."""
    http = httpx.Client(trust_env=False, verify=False)
    app = FastAPI(lifespan=closing(http))
    app.include_router(
        portal(url + PATH, KEY, [f"{url}/callback", f"{url}/other?tab=1"], CLIENT_ID), prefix=PATH
    )
    provider = Provider(url + PATH, CLIENT_ID, SECRET, http)
    begun: dict[str, Pending] = {}

    @app.get("/begin")
    def leave() -> JSONResponse:
        address, pending = begin(provider, f"{url}/callback", "en", fresh=True)
        begun[pending.state] = pending
        return JSONResponse(address)

    @app.get("/callback")
    def come_back(request: Request) -> JSONResponse:
        pending = begun.pop(request.query_params["state"])
        who = complete(provider, pending, request.query_params)
        return JSONResponse([who.subject, who.name, [a.seller_id for a in who.accounts]])

    return app


def ask(visitor: httpx.Client, **changed: str | None) -> httpx.Response:
    """An authorization request, right but for what is changed; None takes a parameter away."""
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": str(visitor.base_url.join("/callback")),
        "scope": "openid profile",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }
    present = {name: value for name, value in asked.items() if value is not None}
    return visitor.get(f"{PATH}/authorize", params=present)


def choose(visitor: httpx.Client, page: httpx.Response, **chosen: str) -> httpx.Response:
    """Send the form of a page."""
    hidden = {
        str(field["name"]): str(field["value"])
        for field in BeautifulSoup(page.text, "html.parser").select("input[type=hidden]")
    }
    return visitor.post(f"{PATH}/sign-in", data=hidden | chosen)


def brought(answer: httpx.Response) -> dict[str, str]:
    """What the browser takes back to the client."""
    assert answer.status_code == 303
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def code_for(visitor: httpx.Client, seller: str = "one-shop", **changed: str | None) -> str:
    """A code for a seller who signs in for it."""
    question = ask(visitor, **({"prompt": "login"} | changed))
    return brought(choose(visitor, question, seller=seller))["code"]


def redeem(
    visitor: httpx.Client, code: str, auth: Any = (CLIENT_ID, SECRET), **changed: str | None
) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": str(visitor.base_url.join("/callback")),
        "code_verifier": VERIFIER,
        **changed,
    }
    present = {name: value for name, value in form.items() if value is not None}
    return visitor.post(f"{PATH}/token", data=present, auth=auth)
