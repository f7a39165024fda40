"""How an onboarding ends, or begins again: done, cancelled, expired, started over."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from onboarding import connections, deciding, further_sellers
from onboarding.afterwards import DONE
from onboarding.connections import Ended
from onboarding.db import reading
from onboarding.errors import NotFound
from onboarding.models import Onboarding
from onboarding.settings import Settings
from onboarding.web import browser, pages, wizard_frame, wizard_link
from onboarding.web.fields import Sequence
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


def show(session: Session, request: Request, onboarding: Onboarding) -> Response:
    """The page of a state that nothing follows."""
    if onboarding.state not in DONE:
        gone: dict[str, Any] = {**connections.taken_back(session, onboarding)}
        return wizard_frame.framed(request, onboarding, f"{onboarding.state}.html", **gone)
    made = wizard_link.parts(session, onboarding)
    made["further"] = further_sellers.alive(session, onboarding.id)
    ended = None if _is_whole(onboarding, made) else connections.ended(session, onboarding)
    if ended:
        return _show_ended(request, onboarding, ended, made)
    facts = _ready(request, made)
    return wizard_frame.framed(request, onboarding, f"{onboarding.state}.html", **facts)


@router.get("/{locale}/onboardings/{onboarding_id}/record")
def save_record(request: Request, locale: str, onboarding_id: str) -> Response:
    """What was set up, as a text file to keep. It holds no secret."""
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        if onboarding.state not in DONE:
            raise NotFound
        made = wizard_link.parts(session, onboarding)
        made["further"] = further_sellers.alive(session, onboarding.id)
    template = pages.environment(locale).get_template("wizard/record.txt")
    text = template.render(onboarding=onboarding, **made)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{onboarding.reference}.txt"',
    }
    return Response(text, headers=headers, media_type="text/plain; charset=utf-8")


@router.get("/{locale}/onboardings/{onboarding_id}/start-over")
def ask_to_start_over(request: Request, locale: str, onboarding_id: str) -> Response:
    """What starting over revokes, before it is done."""
    return _ask(request, onboarding_id, "start_over")


@router.post("/{locale}/onboardings/{onboarding_id}/start-over")
def start_over(
    request: Request, locale: str, onboarding_id: str, sequence: Sequence = None
) -> Response:
    """Revoke what was issued and ask from the beginning."""
    return wizard_frame.fire(request, onboarding_id, "start_over", sequence)


@router.get("/{locale}/onboardings/{onboarding_id}/cancel")
def ask_to_cancel(request: Request, locale: str, onboarding_id: str) -> Response:
    """What cancelling revokes, before it is done."""
    return _ask(request, onboarding_id, "cancel")


@router.post("/{locale}/onboardings/{onboarding_id}/cancel")
def cancel(
    request: Request, locale: str, onboarding_id: str, sequence: Sequence = None
) -> Response:
    """Revoke what was issued and end the request."""
    return wizard_frame.fire(request, onboarding_id, "cancel", sequence)


def _is_whole(onboarding: Onboarding, made: Mapping[str, Any]) -> bool:
    """Whether all is there that it was done with, so that nothing can have ended."""
    linked = onboarding.state == "confirmed"
    return made["client"] is not None and (made["link"] is not None or not linked)


def _show_ended(
    request: Request, onboarding: Onboarding, ended: Ended, made: dict[str, Any]
) -> Response:
    """Done, and something of it ended since: what, and what is left."""
    lasts = request.app.state.settings.token_lasts
    end = connections.tokens_end_at(ended.client, lasts) if ended.client else None
    about = {"ended": ended, "tokens_end_at": end, "step": None}
    return wizard_frame.framed(request, onboarding, "over.html", **(made | about))


def _ready(request: Request, made: dict[str, Any]) -> dict[str, Any]:
    """The values to enter, and where to ask for an access token with them."""
    settings: Settings = request.app.state.settings
    seen = {"calls_are_seen": not settings.tells_another}
    return {"token_url": settings.token_endpoint, **seen, **made}


def _ask(request: Request, onboarding_id: str, event: str) -> Response:
    """The page that asks whether to fire an event; where it is not allowed, what is the case."""
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        if event not in deciding.allowed(deciding.facts_of(onboarding), "seller"):
            return wizard_frame.to_home(request, onboarding_id)
        made = wizard_link.parts(session, onboarding)
    back = wizard_frame.home(request, onboarding_id)
    return wizard_frame.framed(
        request, onboarding, f"{event}.html", back=back, **(made | {"cancel": None})
    )
