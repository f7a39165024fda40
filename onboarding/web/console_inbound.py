"""What the marketplace's own systems have told us: what waits, and why; and having it offered again."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, inbound, reoffering, sources
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, Refusal, SignInNeeded
from onboarding.operators import least_role
from onboarding.web import console_frame, pages
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_PAGE: Final = 50


@router.get("/{locale}/console/inbound")
def listed(request: Request, locale: str, after: str = "") -> Response:
    """Those that wait, then all of them, newest first; and who may tell us something."""
    place = _uuid(after) if after else None
    with reading() as session:
        who = console_frame.who(session, request)
        # Those that nobody understands come first: no event that follows sets them right.
        waiting = [
            event
            for status in ("unknown", "parked")
            for event in inbound.listed(session, limit=_PAGE, status=status)
            if place is None
        ]
        found = inbound.listed(session, limit=_PAGE + 1, after=place)
        known = sources.all_of_them(session)
    return console_frame.page(
        request,
        who,
        "inbound.html",
        waiting=waiting,
        found=found[:_PAGE],
        next_after=found[_PAGE - 1].id if len(found) > _PAGE else None,
        sources=known,
        subject=inbound.subject,
    )


@router.get("/{locale}/console/inbound/{event_id}")
def one(request: Request, locale: str, event_id: str) -> Response:
    """One of them, and what can be done about it."""
    return _page(request, event_id)


@router.post("/{locale}/console/inbound/{event_id}/retry")
def retry(request: Request, locale: str, event_id: str, reason: Text = "") -> Response:
    """Offer it again; its page says what became of it."""
    ring = request.app.state.ring
    try:
        with transaction() as session:
            who = console_frame.who(session, request, reoffering.PERMISSION)
            reoffering.retry(session, ring, who, inbound.one(session, event_id), reason)
    except (SignInNeeded, NotFound):
        raise
    except Refusal as error:
        with transaction() as session:
            who = console_frame.who(session, request)
            reoffering.refused(session, ring, who, _uuid(event_id), reason, error.code)
        if isinstance(error, Invalid):
            return _page(request, event_id, error, {"reason": reason})
        raise
    here = f"{console_frame.HOME}/inbound/{event_id}"
    return RedirectResponse(pages.path_for(request, here), 303)


def _page(
    request: Request,
    event_id: str,
    wrong: Invalid | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    with reading() as session:
        who = console_frame.who(session, request)
        event = inbound.one(session, event_id)
    return console_frame.page(
        request,
        who,
        "inbound_event.html",
        422 if wrong else 200,
        event=event,
        subject=inbound.subject,
        waits=event.status in inbound.WAITING,
        needs=None if who.may(reoffering.PERMISSION) else least_role(reoffering.PERMISSION),
        reason=actions.REASON,
        errors=console_frame.wrong(request, wrong) if wrong else {},
        typed=typed or {},
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
