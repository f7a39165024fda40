"""The address of a form that was sent, opened again."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from onboarding.web import wizard_frame
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


@router.get("/{locale}/onboardings/{onboarding_id}/{form}")
def leave_form(request: Request, locale: str, onboarding_id: str, form: str) -> Response:
    """By hand or in another language: look afresh."""
    return wizard_frame.to_home(request, onboarding_id)
