"""The page of an onboarding: whatever state it is in, its address stays the same."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from onboarding import developers
from onboarding.chart import STATES
from onboarding.errors import StateUnknown
from onboarding.models import BrowserSession, Onboarding
from onboarding.web import (
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
    visitor, onboarding = wizard_frame.look(request, onboarding_id)
    return page_of(request, visitor, onboarding)


@router.get("/{locale}/onboardings/{onboarding_id}/sequence")
def sequence(request: Request, locale: str, onboarding_id: str) -> Response:
    """The number of its latest transition, for a page that waits for the next."""
    _visitor, onboarding = wizard_frame.look(request, onboarding_id)
    return PlainTextResponse(str(onboarding.sequence), headers={"Cache-Control": "no-store"})


def page_of(request: Request, visitor: BrowserSession, onboarding: Onboarding) -> Response:
    """The page of the state that it is in, as this browser is to see it. Raises StateUnknown."""
    match onboarding.state:
        case state if state not in STATES:
            raise StateUnknown
        case "started":
            return wizard_questions.show(request, onboarding)
        case "redirected_to_soap":
            return wizard_questions.show_soap(request, onboarding)
        case "type_chosen":
            return wizard_client_id.show(request, visitor, onboarding)
        case state if state in wizard_secret.STATES:
            return _page_of_secret(request, visitor, onboarding)
        case state if state in _LINK:
            return wizard_link.show(request, visitor, onboarding)
        case _:
            return wizard_ends.show(request, visitor, onboarding)


def _page_of_secret(request: Request, visitor: BrowserSession, onboarding: Onboarding) -> Response:
    """While a developer is named, the secret is no longer the seller's to see."""
    if developers.is_waited_for(onboarding):
        return wizard_developer.show(request, visitor, onboarding)
    return wizard_secret.show(request, onboarding)
