"""The page of an onboarding: whatever state it is in, its address stays the same."""

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from onboarding import developers
from onboarding.chart import STATES
from onboarding.db import reading
from onboarding.errors import StateUnknown
from onboarding.models import BrowserSession, Onboarding
from onboarding.web import (
    browser,
    wizard_client_id,
    wizard_developer,
    wizard_ends,
    wizard_frame,
    wizard_link,
    wizard_questions,
    wizard_secret,
)
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_LINK = (
    "checking_aggregator",
    "awaiting_aggregator",
    "awaiting_seller",
    "seller_linked",
    "verifying",
)


@router.get("/{locale}/onboardings/{onboarding_id}")
def show(request: Request, locale: str, onboarding_id: str) -> Response:
    """Where the onboarding stands, and the one thing to do next."""
    with reading() as session:
        visitor, onboarding = browser.owned(session, request, onboarding_id)
        return page_of(session, request, visitor, onboarding)


@router.get("/{locale}/onboardings/{onboarding_id}/sequence")
def sequence(request: Request, locale: str, onboarding_id: str) -> Response:
    """The number of its latest transition, for a page that waits for the next."""
    _visitor, onboarding = wizard_frame.look(request, onboarding_id)
    return PlainTextResponse(str(onboarding.sequence), headers={"Cache-Control": "no-store"})


def page_of(
    session: Session, request: Request, visitor: BrowserSession, onboarding: Onboarding
) -> Response:
    """The page of the state that it is in, as this browser is to see it. Raises StateUnknown.

    All that it looks at it looks at in one session: to open another takes as long as to ask something.
    """
    match onboarding.state:
        case state if state not in STATES:
            raise StateUnknown
        case "started":
            return wizard_questions.show(request, onboarding)
        case "redirected_to_soap":
            return wizard_questions.show_soap(request, onboarding)
        case "type_chosen":
            return wizard_client_id.show(session, request, visitor, onboarding)
        case state if state in wizard_secret.STATES:
            return _page_of_secret(session, request, visitor, onboarding)
        case state if state in _LINK:
            return wizard_link.show(session, request, visitor, onboarding)
        case _:
            return wizard_ends.show(session, request, onboarding)


def _page_of_secret(
    session: Session, request: Request, visitor: BrowserSession, onboarding: Onboarding
) -> Response:
    """While a developer is named, the secret is no longer the seller's to see."""
    if developers.is_waited_for(onboarding):
        return wizard_developer.show(session, request, visitor, onboarding)
    return wizard_secret.show(session, request, onboarding)
