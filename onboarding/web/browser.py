"""Whose browser this is: the cookie, the session behind it, and what it may move.

An ID in an address is never a capability: an onboarding that a browser was not granted looks like
one that does not exist.
"""

from sqlalchemy import delete
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from onboarding import ownership, proofs
from onboarding.errors import FreshProofNeeded, NotFound
from onboarding.ids import read_uuid
from onboarding.models import BrowserSession, Onboarding
from onboarding.settings import Settings

# Longer than a session may be idle; the server decides, the browser only keeps.
_COOKIE_LASTS = 90 * 24 * 3600


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host and to https; plain http, in development, has none."""
    return "__Host-onboarding" if settings.base_url.startswith("https:") else "onboarding"


def known(session: Session, request: Request) -> BrowserSession | None:
    """The session of this browser, if it has one."""
    token = request.cookies.get(cookie_name(request.app.state.settings))
    return proofs.find_session(session, token) if token else None


def known_or_new(session: Session, request: Request) -> tuple[BrowserSession, str | None]:
    """The session of this browser, made now if need be; then with the cookie to `remember`."""
    browser = known(session, request)
    return (browser, None) if browser else proofs.open_session(session)


def remember(response: Response, request: Request, token: str | None) -> None:
    """Give the browser its cookie, where there is a new one."""
    if token is None:
        return
    settings: Settings = request.app.state.settings
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=_COOKIE_LASTS,
        secure=settings.base_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def forget(session: Session, request: Request) -> None:
    """End the session of this browser, with those before it, their grants and begun sign-ins."""
    browser = known(session, request)
    if browser is not None:
        session.execute(delete(BrowserSession).where(BrowserSession.id == browser.id))


def take_back(response: Response, request: Request) -> None:
    """Have the browser throw its cookie away."""
    settings: Settings = request.app.state.settings
    https = settings.base_url.startswith("https:")
    response.delete_cookie(cookie_name(settings), secure=https, httponly=True, samesite="lax")


def owned(
    session: Session, request: Request, onboarding_id: str
) -> tuple[BrowserSession, Onboarding]:
    """This browser and the onboarding it asks for. Raises NotFound, whatever is wrong."""
    token = request.cookies.get(cookie_name(request.app.state.settings))
    found = proofs.find_owned(session, token, read_uuid(onboarding_id)) if token else None
    if found is None:
        raise NotFound
    return found


def require_fresh(session: Session, browser: BrowserSession, onboarding: Onboarding) -> None:
    """Ask for a new proof before a secret is shown. Raises FreshProofNeeded."""
    if not (proofs.is_fresh(session, browser) and ownership.is_about(session, browser, onboarding)):
        raise FreshProofNeeded
