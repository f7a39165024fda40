"""Sending again and enabling again at the console: looked at first, then carried out with a reason."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, db, previews, reception, resending
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, Refusal, SignInNeeded
from onboarding.operators import Who
from onboarding.previews import Preview
from onboarding.reception import Reception
from onboarding.web import console_frame, console_webhooks, pages
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_NAMES = {"redeliver": resending.REDELIVER, "enable": resending.ENABLE}


@router.get("/{locale}/console/webhooks/{webhook_id}/redeliver")
def look_at_redelivery(request: Request, locale: str, webhook_id: str) -> Response:
    """How many would be sent again. Nothing is written."""
    return _preview(request, webhook_id, "redeliver")


@router.get("/{locale}/console/webhooks/{webhook_id}/enable")
def look_at_enabling(request: Request, locale: str, webhook_id: str) -> Response:
    """What enabling it does. Nothing is written."""
    return _preview(request, webhook_id, "enable")


@router.post("/{locale}/console/webhooks/{webhook_id}/redeliver")
def redeliver(
    request: Request, locale: str, webhook_id: str, reason: Text = "", preview: Text = ""
) -> Response:
    """Send again what was looked at."""
    return _carry_out(request, webhook_id, "redeliver", reason, preview)


@router.post("/{locale}/console/webhooks/{webhook_id}/enable")
def enable(
    request: Request, locale: str, webhook_id: str, reason: Text = "", preview: Text = ""
) -> Response:
    """Send there again."""
    return _carry_out(request, webhook_id, "enable", reason, preview)


def _carry_out(
    request: Request, webhook_id: str, action: str, reason: str, preview: str
) -> Response:
    ring = request.app.state.ring
    try:
        with transaction() as session:
            who = console_frame.who(session, request, resending.PERMISSION)
            chosen = previews.opened(ring, preview, who.id, db.clock(session))
            _require(chosen, action, reception.one(session, webhook_id))
            do = resending.enable if action == "enable" else resending.carry_out
            do(session, ring, who, chosen, reason)
    except (SignInNeeded, NotFound):
        raise
    except Refusal as error:
        _write_down(request, webhook_id, action, reason, error)
        if isinstance(error, Invalid):
            return _preview(request, webhook_id, action, error, {"reason": reason})
        raise
    here = f"{console_frame.HOME}/webhooks/{webhook_id}"
    return RedirectResponse(pages.path_for(request, here), 303)


def _require(chosen: Preview, action: str, found: Reception) -> None:
    """What was looked at is what is asked for. Raises NotFound."""
    if (chosen.action, chosen.items[0][0]) != (_NAMES[action], found.webhook.id):
        raise NotFound


def _preview(
    request: Request,
    webhook_id: str,
    action: str,
    wrong: Invalid | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    try:
        with reading() as session:
            who = console_frame.who(session, request, resending.PERMISSION)
            found = reception.one(session, webhook_id)
            chosen = _looked_at(session, request, who, found, action)
    except Invalid as error:
        return console_webhooks.page(
            request, webhook_id, wrong=error, typed=dict(request.query_params)
        )
    return console_frame.page(
        request,
        who,
        "webhook_action.html",
        422 if wrong else 200,
        found=found,
        action=action,
        number=chosen.items[0][1],
        query=chosen.query,
        options=resending.read(dict(parse_qsl(chosen.query))).options(),
        sealed=previews.sealed(request.app.state.ring, chosen),
        reason=actions.REASON,
        errors=console_frame.wrong(request, wrong) if wrong else {},
        typed=typed or {},
    )


def _looked_at(
    session: Session, request: Request, who: Who, found: Reception, action: str
) -> Preview:
    if action == "enable":
        return resending.look_at_enabling(session, who, found)
    return resending.look(session, who, found.webhook, resending.read(request.query_params))


def _write_down(
    request: Request, webhook_id: str, action: str, reason: str, error: Refusal
) -> None:
    with transaction() as session:
        who = console_frame.who(session, request)
        ring = request.app.state.ring
        resending.refused(session, ring, who, _NAMES[action], webhook_id, reason, error.code)
