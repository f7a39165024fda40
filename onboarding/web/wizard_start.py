"""The start page, and starting an onboarding from it: once, however often its form is sent.

The page's one-time number counts together with a cookie that only this browser has, so a number
seen by somebody else opens nothing.
"""

import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import credentials, lifecycle, ownership, proofs, queries, routing
from onboarding.db import reading, transaction
from onboarding.errors import TooMany
from onboarding.models import BrowserSession, Onboarding
from onboarding.routing_questions import START, TREE
from onboarding.settings import Settings
from onboarding.web import browser, pages, wizard_answers, wizard_questions
from onboarding.web.quotas import WINDOW, Quota, network
from onboarding.web.refusals import QuotaExceeded
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed
from onboarding.web.wizard_frame import to_home
from onboarding.words import LOCALES

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

# The start page tells of so many client IDs; "Your API connections" has them all.
_MOST_TOLD: Final = 3
# Clicks whose answers may be lost, each of which makes a session of its own: no more of them are free.
CLICKS: Final = 5
_FIRST: Final = TREE[START].question


@router.api_route("/", methods=["GET", "HEAD"])
def welcome(request: Request) -> Response:
    """The start page in the language that the browser prefers."""
    response = _start_page(request)
    response.headers["Vary"] = "Accept-Language"
    return response


def welcome_in(request: Request) -> Response:
    """The start page in one language."""
    return _start_page(request)


def back_to_the_start(request: Request) -> Response:
    """Where a form with a mistake was shown: reloaded, or in the other language, it is new again."""
    return RedirectResponse(pages.path_for(request, "/"), 303)


# One by one: a placeholder would also take the first words of other people's addresses.
for _locale in LOCALES:
    router.add_api_route(f"/{_locale}", welcome_in, methods=["GET", "HEAD"])
    router.add_api_route(f"/{_locale}/", welcome_in, methods=["GET", "HEAD"])
    router.add_api_route(f"/{_locale}/onboardings", back_to_the_start)


@router.post("/{locale}/onboardings")
def start(request: Request, locale: str, typed: Typed) -> Response:
    """Start an onboarding with its first answer."""
    values = wizard_answers.given(_FIRST, typed)
    errors = wizard_answers.faults(request, _FIRST, values, ())
    key = _start_key(request, typed)
    if errors or key is None:
        said = errors or _no_cookie(request)
        return _start_page(request, 422, errors=said, typed=values)
    try:
        _count(request, key)
    except QuotaExceeded:
        return _too_many(request, values)
    with transaction() as session:
        visitor, token = browser.known_or_new(session, request)
        onboarding_id = _start_once(session, visitor, locale, key, values)
    response = to_home(request, onboarding_id)
    browser.remember(response, request, token)
    return response


def _count(request: Request, key: str) -> None:
    """A start counts once, however often its form is sent. Raises QuotaExceeded.

    Of clicks at one instant none finds what another is about to begin.
    """
    starts: Quota = request.app.state.quotas.of_starts
    with reading() as session:
        holders = ownership.holders(session, key)
        again = holders is not None and (
            holders < CLICKS or browser.known(session, request) is not None
        )
    if holders is None:
        starts.take_once(request, network(request), key, CLICKS - 1)
    elif not again:
        starts.take(request, network(request))


def _start_page(request: Request, status: int = 200, **context: Any) -> Response:
    with reading() as session:
        visitor = browser.known(session, request)
        theirs = _theirs(session, visitor) if visitor else []
        endings = _endings(session, theirs)
    frame = {
        "action": pages.path_for(request, "/onboardings"),
        "hidden": {"nonce": secrets.token_urlsafe(16)},
        "endings": endings,
        "connections": pages.path_for(request, "/connections"),
        "begun": bool(theirs),
        "answers": {},
        "home": None,
    }
    response = pages.page(request, "wizard/started.html", status, **(frame | context))
    _mark(response, request)
    return response


def _start_once(
    session: Session,
    visitor: BrowserSession,
    locale: str,
    key: str,
    values: Mapping[str, str],
) -> UUID:
    """The onboarding of this start key; the answer counts as long as nothing is chosen for good."""
    actor = proofs.actor(visitor)
    rules = routing.CURRENT.version
    started = lifecycle.start(session, actor, locale=locale, rule_set=rules, start_key=key)
    # Locked before it is granted: a grant refers to the row, and two that refer to it would wait for
    # each other to lock it.
    onboarding = lifecycle.lock(session, started.id)
    proofs.grant(session, visitor, onboarding.id)
    if onboarding.state == "started":
        wizard_questions.take(session, actor, onboarding, _FIRST.code, values)
    return onboarding.id


def _theirs(session: Session, visitor: BrowserSession) -> list[Onboarding]:
    """What this browser has begun, and what the seller who signed in has linked."""
    found = [*queries.for_browser(session, visitor.id)]
    if visitor.issuer and visitor.subject:
        found += queries.for_seller(session, visitor.issuer, visitor.subject)
    return list({onboarding.id: onboarding for onboarding in found}.values())


def _endings(session: Session, onboardings: Sequence[Onboarding]) -> list[str]:
    """The last four characters of client IDs that are alive."""
    clients = (credentials.live_client(session, onboarding.id) for onboarding in onboardings)
    return [client.id[-4:] for client in clients if client][:_MOST_TOLD]


def _start_key(request: Request, typed: Mapping[str, str]) -> str | None:
    """What makes a second click the same start; None for a browser that keeps no cookie."""
    mark = request.cookies.get(_mark_name(request))
    if not mark:
        return None
    nonce = typed.get("nonce") or secrets.token_urlsafe(16)
    return f"browser:{sha256(f'{mark} {nonce}'.encode()).hexdigest()}"


def _no_cookie(request: Request) -> dict[str, str]:
    """What is wrong where nothing that was entered is."""
    _ = pages.translator_of(request)
    return {"": _("Your browser did not send our cookie. Allow cookies, then try again.")}


def _too_many(request: Request, values: Mapping[str, str]) -> Response:
    """Nothing is started, and what was entered stays in the form."""
    _ = pages.translator_of(request)
    wait = _(
        "Too many requests were started from your network. Wait a minute, then press the button again."
    )
    page = _start_page(request, TooMany.status, errors={"": wait}, typed=values)
    page.headers["Retry-After"] = str(WINDOW)
    return page


def _mark(response: Response, request: Request) -> None:
    """Tell this browser from others before it has a session: looking writes nothing down."""
    if request.cookies.get(_mark_name(request)):
        return
    settings: Settings = request.app.state.settings
    response.set_cookie(
        _mark_name(request),
        secrets.token_urlsafe(32),
        secure=settings.base_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def _mark_name(request: Request) -> str:
    return f"{browser.cookie_name(request.app.state.settings)}-start"
