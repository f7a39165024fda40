"""Operators sign in at their identity provider, whose groups say which role they have.

What is remembered meanwhile is in a cookie of the browser's own, which nobody can change: an answer
counts in the browser that asked, within some minutes.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import db, logs, operators, sealing
from onboarding.db import reading, transaction
from onboarding.errors import SignInNeeded
from onboarding.sellers import SignInRefused, SignInUnavailable, oidc
from onboarding.sellers.provider import Provider
from onboarding.settings import Settings
from onboarding.web import console_frame, fields, pages
from onboarding.web.console_frame import HOME
from onboarding.web.retried_route import RetriedRoute

log = logs.get(__name__)

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)
# Without a language: the identity provider has to know it by one address.
callback = APIRouter(include_in_schema=False, route_class=RetriedRoute)

CALLBACK: Final = f"{HOME}/sign-in/callback"
LASTS: Final = timedelta(minutes=15)
_CONTEXT: Final = "console-sign-in-v1"


@router.get("/{locale}/console/sign-in")
def ask(request: Request, locale: str) -> Response:
    """The way in: a button, or what to do where there is no identity provider."""
    return _page(request)


@router.post("/{locale}/console/sign-in")
def leave(request: Request, locale: str) -> Response:
    """To the identity provider, by a page of ours."""
    provider = _provider(request)
    settings: Settings = request.app.state.settings
    try:
        url, pending = oidc.begin(provider, settings.base_url + CALLBACK, locale, fresh=False)
    except (SignInRefused, SignInUnavailable) as error:
        return _failed(request, error)
    response = pages.page(request, "console/leaving.html", url=url)
    with reading() as session:
        until = db.clock(session) + LASTS
    said = {"pending": asdict(pending), "until": until.isoformat(), "locale": locale}
    text = sealing.signed(request.app.state.ring, _CONTEXT, said)
    seconds = int(LASTS.total_seconds())
    console_frame.keep(response, request, console_frame.PENDING, text, seconds)
    return response


@callback.get(CALLBACK)
def come_back(request: Request) -> Response:
    """Somebody has signed in: which role do their groups give?"""
    provider, said = _provider(request), _remembered(request)
    pending = oidc.Pending(**said["pending"])
    try:
        about = oidc.answered(provider, pending, request.query_params)
    except (SignInRefused, SignInUnavailable) as error:
        return _failed(request, error)
    settings: Settings = request.app.state.settings
    role = operators.role_of(about.get(provider.accounts_claim), settings.console_roles)
    name = "".join(each for each in about["name"] if each.isprintable())[:120] or role
    with transaction() as session:
        email = _address(about)
        operator = operators.known(session, provider.issuer, about["sub"], name, role, email)
        token = operators.sign_in(session, operator)
    response = RedirectResponse(f"/{said['locale']}{HOME}", 303)
    console_frame.remember(response, request, token)
    console_frame.drop(response, request, console_frame.PENDING)
    return response


def _address(about: Mapping[str, Any]) -> str | None:
    """Their e-mail address, where the provider says that it is theirs."""
    said = about.get("email")
    verified = about.get("email_verified") is True
    return fields.email(said) if verified and isinstance(said, str) else None


def _provider(request: Request) -> Provider:
    """Raises SignInNeeded where there is none."""
    provider: Provider | None = request.app.state.console_provider
    if provider is None:
        raise SignInNeeded
    return provider


def _remembered(request: Request) -> dict[str, Any]:
    """What this browser began. Raises SignInNeeded: nothing, or too long ago."""
    text = console_frame.kept(request, console_frame.PENDING) or ""
    said = sealing.read_signed(request.app.state.ring, _CONTEXT, text)
    with reading() as session:
        now = db.clock(session)
    if said is None or now > datetime.fromisoformat(said["until"]):
        raise SignInNeeded
    return said


def _failed(request: Request, error: SignInRefused | SignInUnavailable) -> Response:
    log.warning("operator_sign_in_failed", code=error.code, reason=error.reason)
    _ = pages.translator_of(request)
    wrong = (
        _("The identity provider does not answer. Try again in a few minutes.")
        if isinstance(error, SignInUnavailable)
        else _("The sign-in did not succeed. Try again.")
    )
    return _page(request, {"": wrong})


def _page(request: Request, errors: dict[str, str] | None = None) -> Response:
    return pages.page(
        request,
        "console/sign_in.html",
        401 if errors else 200,
        errors=errors or {},
        provider=request.app.state.console_provider is not None,
        sandbox=request.app.state.settings.sandbox,
        action=pages.path_for(request, f"{HOME}/sign-in"),
    )
