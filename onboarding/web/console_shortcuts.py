"""Keys instead of the mouse: what they are, and the choice to have none of them.

The script shows the same page in front of another one; without it, this is how they are found out about.
"""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding.db import reading
from onboarding.web import console_frame, pages
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

PATH: Final = f"{console_frame.HOME}/shortcuts"
_REMEMBERED: Final = timedelta(days=365)


@router.get("/{locale}/console/shortcuts")
def shortcuts(request: Request, locale: str) -> Response:
    """Every key, and whether they are on in this browser."""
    with reading() as session:
        who = console_frame.who(session, request)
    return console_frame.page(request, who, "shortcuts.html")


@router.post("/{locale}/console/shortcuts")
def choose(request: Request, locale: str, keys: Text = "") -> Response:
    """Have them or not, in this browser: it is nothing that the trail tells, and nobody else's."""
    with reading() as session:
        console_frame.who(session, request)
    response = RedirectResponse(pages.path_for(request, PATH), 303)
    if keys == "off":
        seconds = int(_REMEMBERED.total_seconds())
        console_frame.keep(response, request, console_frame.SHORTCUTS, keys, seconds)
    else:
        console_frame.drop(response, request, console_frame.SHORTCUTS)
    return response
