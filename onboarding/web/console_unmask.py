"""One value that leads to a person, in full for five minutes: who wants to see it, why, and until when."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, queries, unmasking
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, RoleNeeded
from onboarding.models import MASKED
from onboarding.web import console_frame, pages
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


@router.get("/{locale}/console/onboardings/{reference}/unmask/{field}")
def ask(request: Request, locale: str, reference: str, field: str) -> Response:
    """Why must it be seen? Nothing is shown yet."""
    return _page(request, reference, field)


@router.post("/{locale}/console/onboardings/{reference}/unmask/{field}")
def unmask(
    request: Request, locale: str, reference: str, field: str, reason: Text = ""
) -> Response:
    """Show it in this browser, and write down who wanted to see it and why."""
    try:
        with transaction() as session:
            who = console_frame.who(session, request, unmasking.PERMISSION)
            found = queries.by_reference(session, reference)
            ring = request.app.state.ring
            unmasking.show(session, ring, who, found.id, _known(field), actions.checked(reason))
    except Invalid as error:
        console_frame.write_down(request, reference, unmasking.ACTION, reason, error)
        return _page(request, reference, field, error, {"reason": reason})
    except RoleNeeded as error:
        console_frame.write_down(request, reference, unmasking.ACTION, reason, error)
        raise
    return _back(request, reference)


@router.post("/{locale}/console/onboardings/{reference}/mask/{field}")
def mask(request: Request, locale: str, reference: str, field: str) -> Response:
    """Enough was seen before the time was over."""
    with transaction() as session:
        who = console_frame.who(session, request, unmasking.PERMISSION)
        found = queries.by_reference(session, reference)
        unmasking.end(session, request.app.state.ring, who, found.id, _known(field))
    return _back(request, reference)


def _page(
    request: Request,
    reference: str,
    field: str,
    wrong: Invalid | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    with reading() as session:
        who = console_frame.who(session, request, unmasking.PERMISSION)
        onboarding = queries.by_reference(session, reference)
    return console_frame.page(
        request,
        who,
        "unmask.html",
        422 if wrong else 200,
        onboarding=onboarding,
        field=_known(field),
        minutes=int(unmasking.LASTS.total_seconds() // 60),
        reason=actions.REASON,
        errors=console_frame.wrong(request, wrong) if wrong else {},
        typed=typed or {},
    )


def _known(field: str) -> str:
    if field not in MASKED:
        raise NotFound
    return field


def _back(request: Request, reference: str) -> RedirectResponse:
    here = f"{console_frame.HOME}/onboardings/{reference}"
    return RedirectResponse(pages.path_for(request, here), 303)
