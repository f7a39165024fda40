"""What every page of the console has in common: who is there, the way around, and what is down."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from onboarding import actions, canaries, developers, operators, queries
from onboarding.broker import Glance
from onboarding.causes import CAUSES
from onboarding.chart import NEXT_MOVE
from onboarding.db import transaction
from onboarding.errors import Invalid, Refusal
from onboarding.operators import SESSION_LASTS, Who
from onboarding.settings import Settings
from onboarding.web import console_codes, console_words, pages, runbooks

# Seconds that a page waits for a word of the broker.
_GLANCE: Final = 0.05
# Where its pages are, behind the language.
HOME: Final = "/console"
# A sign-in that has begun.
PENDING: Final = "console-sign-in"
# Whether somebody wants no keys of the console's in this browser.
SHORTCUTS: Final = "console-shortcuts"
_SESSION: Final = "console"


def who(session: Session, request: Request, permission: str = "look") -> Who:
    """Who is at this browser. Raises SignInNeeded, or RoleNeeded for what the role does not allow."""
    found = operators.who(session, kept(request, _SESSION))
    found.require(permission)
    request.state.workers_away = _takes_nobody_work(session)
    return found


def page(
    request: Request, who: Who, template: str, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page of the console, in the language of the request."""
    frame = {
        "who": who,
        "console": pages.path_for(request, HOME),
        "words": console_words,
        "codes": console_codes,
        "broker_away": _is_away(request.app.state.broker),
        "workers_away": request.state.workers_away,
        "moves": NEXT_MOVE,
        "whose_move": developers.whose_move,
        "known_causes": CAUSES,
        "runbooks": runbooks.PATH,
        "public_url": request.app.state.settings.base_url,
        "shortcuts": kept(request, SHORTCUTS) != "off",
        # What was the latest before the page was made, where it keeps itself up to date.
        "live": None,
    }
    return pages.page(request, f"console/{template}", status, **(frame | context))


def write_down(request: Request, reference: str, action: str, reason: str, error: Refusal) -> None:
    """That somebody tried: the transaction in which they did is undone."""
    with transaction() as session:
        found = who(session, request)
        onboarding_id = queries.by_reference(session, reference).id
        ring = request.app.state.ring
        actions.refused(session, ring, found, action, onboarding_id, reason, error)


def wrong(
    request: Request, error: Invalid, words: Mapping[str, str] = console_words.ERRORS
) -> dict[str, str]:
    """What is wrong with each field, in the language of the request; `words` say it for some of them."""
    _ = pages.translator_of(request)
    return {name: _(words.get(name, why)) for name, why in error.fields.items()}


def remember(response: Response, request: Request, token: str) -> None:
    """Give the browser an operator's cookie."""
    keep(response, request, _SESSION, token, int(SESSION_LASTS.total_seconds()))


def forget(session: Session, response: Response, request: Request) -> None:
    """End the session of this browser, and take its cookie back."""
    token = kept(request, _SESSION)
    if token:
        operators.sign_out(session, token)
    drop(response, request, _SESSION)


def keep(response: Response, request: Request, name: str, value: str, seconds: int) -> None:
    """Give the browser a cookie of the console."""
    response.set_cookie(
        _cookie(request, name),
        value,
        max_age=seconds,
        secure=_is_https(request),
        httponly=True,
        samesite="lax",
    )


def kept(request: Request, name: str) -> str | None:
    """What the browser brings back."""
    return request.cookies.get(_cookie(request, name))


def drop(response: Response, request: Request, name: str) -> None:
    """Have the browser throw a cookie away."""
    https = _is_https(request)
    response.delete_cookie(_cookie(request, name), secure=https, httponly=True, samesite="lax")


def _cookie(request: Request, name: str) -> str:
    return f"__Host-{name}" if _is_https(request) else name


def _is_https(request: Request) -> bool:
    settings: Settings = request.app.state.settings
    return settings.base_url.startswith("https:")


def _takes_nobody_work(session: Session) -> bool:
    """False as well where nobody has asked yet, as in a process that was started alone."""
    silence = canaries.silence(session)
    return silence is not None and silence > canaries.SILENT_AFTER


def _is_away(broker: Glance | None) -> bool:
    return broker is not None and not broker.answers(_GLANCE)
