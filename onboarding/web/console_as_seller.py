"""What the seller sees now: their page, made of where the onboarding stands, for an operator to look at.

No session of the seller's is made or used: no cookie is set, nothing is granted, and nothing on the
page does anything. It shows personal data, so it takes a reason, and each look is in the trail.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, audit, ownership, queries
from onboarding.audit import Attempt
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, MovedOn, RoleNeeded
from onboarding.ids import new_id
from onboarding.models import BrowserSession, Onboarding
from onboarding.operators import Who
from onboarding.web import console_frame, inert, pages, wizard_states
from onboarding.web.assets import static_url
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_PERMISSION = "decide"
_ACTION = "view_as"


@router.post("/{locale}/console/onboardings/{reference}/as-seller")
def look(request: Request, locale: str, reference: str, reason: Text = "") -> Response:
    """The seller's page, once, and who wanted to see it and why."""
    try:
        with transaction() as session:
            who = console_frame.who(session, request, _PERMISSION)
            onboarding = queries.by_reference(session, reference)
            attempt = Attempt(
                who.id, who.role, _ACTION, actions.checked(reason), onboarding_id=onboarding.id
            )
            audit.append(session, request.app.state.ring, attempt)
    except (RoleNeeded, Invalid) as error:
        console_frame.write_down(request, reference, _ACTION, reason, error)
        raise
    return _shown(request, who, onboarding)


@router.get("/{locale}/console/onboardings/{reference}/as-seller")
def go_back(request: Request, locale: str, reference: str) -> Response:
    """Reloaded, or in the other language, nothing is shown: each look has its reason."""
    with reading() as session:
        console_frame.who(session, request, _PERMISSION)
    return RedirectResponse(_back(request, reference), 303)


def _shown(request: Request, who: Who, onboarding: Onboarding) -> Response:
    """Their page under a banner. Raises MovedOn where they would be sent to another one just now."""
    with reading() as session:
        theirs = wizard_states.page_of(
            session, _as_theirs(request, onboarding), _visitor(onboarding), onboarding
        )
    if not theirs.body:
        raise MovedOn(onboarding.state, onboarding.sequence)
    locale = pages.locale_of(request)
    banner = pages.environment(locale).get_template("console/_as_seller.html")
    return inert.page(
        bytes(theirs.body).decode(),
        200,
        head=f'<link rel="stylesheet" href="{static_url("console.css")}">',
        banner=banner.render(
            onboarding=onboarding, who=who, back=_back(request, onboarding.reference)
        ),
    )


def _as_theirs(request: Request, onboarding: Onboarding) -> Request:
    """The request that their browser would send for this page, without anybody's cookie."""
    path = f"/{onboarding.locale}/onboardings/{onboarding.id}"
    changed = {
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name, value) for name, value in request.scope["headers"] if name == b"host"],
        "path_params": {"locale": onboarding.locale, "onboarding_id": str(onboarding.id)},
    }
    return Request({**request.scope, **changed})


def _visitor(onboarding: Onboarding) -> BrowserSession:
    """The browser that they used last, as it is known; one that is nobody's where there is none."""
    with reading() as session:
        known = ownership.browser_of(session, onboarding.id)
    return known or BrowserSession(id=new_id(), accounts={})


def _back(request: Request, reference: str) -> str:
    return pages.path_for(request, f"{console_frame.HOME}/onboardings/{reference}")
