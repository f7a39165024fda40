"""What the marketplace's own systems have told us: what waits, and why; having it offered again, or dismissing it."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, db, inbound, reoffering, sources
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, Refusal, SignInNeeded
from onboarding.ids import read_uuid
from onboarding.operators import Who, least_role
from onboarding.web import console_frame, pages
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_PAGE: Final = 50
_TEMPLATES: Final = {
    reoffering.RETRY: "inbound_event.html",
    reoffering.DISMISS: "inbound_dismiss.html",
}


@router.get("/{locale}/console/inbound")
def listed(request: Request, locale: str, after: str = "") -> Response:
    """Those that wait, then all of them, newest first; and who may tell us something."""
    place = read_uuid(after) if after else None
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
        known, now = sources.all_of_them(session), db.clock(session)
    return console_frame.page(
        request,
        who,
        "inbound.html",
        waiting=waiting,
        found=found[:_PAGE],
        next_after=found[_PAGE - 1].id if len(found) > _PAGE else None,
        sources=known,
        subject=inbound.subject,
        now=now,
    )


@router.get("/{locale}/console/inbound/{event_id}")
def one(request: Request, locale: str, event_id: str) -> Response:
    """One of them, and what can be done about it."""
    return _page(request, event_id, reoffering.RETRY)


@router.post("/{locale}/console/inbound/{event_id}/retry")
def retry(request: Request, locale: str, event_id: str, reason: Text = "") -> Response:
    """Offer it again; its page says what became of it."""
    return _carry_out(request, event_id, reoffering.RETRY, reason)


@router.get("/{locale}/console/inbound/{event_id}/dismiss")
def look_at_dismissing(request: Request, locale: str, event_id: str) -> Response:
    """What it means to dismiss it. Nothing is written."""
    with reading() as session:
        console_frame.who(session, request, reoffering.PERMISSIONS[reoffering.DISMISS])
    return _page(request, event_id, reoffering.DISMISS)


@router.post("/{locale}/console/inbound/{event_id}/dismiss")
def dismiss(request: Request, locale: str, event_id: str, reason: Text = "") -> Response:
    """Have it wait no more."""
    return _carry_out(request, event_id, reoffering.DISMISS, reason)


def _carry_out(request: Request, event_id: str, action: str, reason: str) -> Response:
    ring = request.app.state.ring
    try:
        with transaction() as session:
            who = console_frame.who(session, request, reoffering.PERMISSIONS[action])
            event = inbound.one(session, event_id)
            reoffering.carry_out(session, ring, who, action, event, reason)
    except (SignInNeeded, NotFound):
        raise
    except Refusal as error:
        with transaction() as session:
            who = console_frame.who(session, request)
            why = error.code
            reoffering.refused(session, ring, who, action, read_uuid(event_id), reason, why)
        if isinstance(error, Invalid):
            return _page(request, event_id, action, error, {"reason": reason})
        raise
    here = f"{console_frame.HOME}/inbound/{event_id}"
    return RedirectResponse(pages.path_for(request, here), 303)


def _page(
    request: Request,
    event_id: str,
    action: str,
    wrong: Invalid | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """The event's own, with the form of what is done about it."""
    with reading() as session:
        who = console_frame.who(session, request)
        event, now = inbound.one(session, event_id), db.clock(session)
    needed = {each: _needed(who, needs) for each, needs in reoffering.PERMISSIONS.items()}
    return console_frame.page(
        request,
        who,
        _TEMPLATES[action],
        422 if wrong else 200,
        event=event,
        subject=inbound.subject,
        waits=event.status in inbound.WAITING,
        now=now,
        needs=needed[reoffering.RETRY],
        needs_to_dismiss=needed[reoffering.DISMISS],
        reason=actions.REASON,
        errors=console_frame.wrong(request, wrong) if wrong else {},
        typed=typed or {},
    )


def _needed(who: Who, permission: str) -> str | None:
    """The role that somebody lacks."""
    return None if who.may(permission) else least_role(permission)
