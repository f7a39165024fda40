"""Coming in and going out: the printed link of the sandbox, and signing out."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import db, operators
from onboarding.db import reading, transaction
from onboarding.errors import SignInNeeded
from onboarding.operators import DEVELOPMENT
from onboarding.web import console_frame, console_words, pages
from onboarding.web.console_frame import HOME
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)
entrance = APIRouter(include_in_schema=False)


@entrance.get("/console/enter/{token}")
def choose_language(request: Request, token: str) -> Response:
    """The same in the browser's language: whoever prints a link does not know who reads it."""
    return RedirectResponse(pages.path_for(request, request.url.path), 307)


@router.get("/{locale}/console/enter/{token}")
def ask(request: Request, locale: str, token: str) -> Response:
    """What the link is good for. A look at it signs nobody in: links are opened by scanners, too."""
    role = _role(request, token)
    words = console_words.ROLES[role]
    return pages.page(request, "console/enter.html", role=words, action=request.url.path)


@router.post("/{locale}/console/enter/{token}")
def enter(request: Request, locale: str, token: str) -> Response:
    """Sign in as the link says."""
    role = _role(request, token)
    with transaction() as session:
        name = f"{role.capitalize()} ({DEVELOPMENT})"
        operator = operators.known(session, DEVELOPMENT, role, name, role)
        cookie = operators.sign_in(session, operator)
    response = RedirectResponse(pages.path_for(request, HOME), 303)
    console_frame.remember(response, request, cookie)
    return response


@router.post("/{locale}/console/sign-out")
def sign_out(request: Request, locale: str) -> Response:
    """End the session."""
    response = RedirectResponse(pages.path_for(request, HOME), 303)
    with transaction() as session:
        console_frame.forget(session, response, request)
    return response


def _role(request: Request, token: str) -> str:
    """Where there are real sellers, a link is no way in. Raises SignInNeeded."""
    if not request.app.state.settings.sandbox:
        raise SignInNeeded
    with reading() as session:
        return operators.role_of_link(request.app.state.ring, token, db.clock(session))
