"""Views that operators keep under a name: saved from the list, and deleted there."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import filters, names, views
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.filters import Filter
from onboarding.ids import read_uuid
from onboarding.web import console_frame, console_list, console_undo, pages
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


@router.post("/{locale}/console/views")
def save(
    request: Request, locale: str, name: Text = "", query: Text = "", shared: Text = ""
) -> Response:
    """Keep the filter of the list under a name; what is wrong with it is said on the list."""
    wanted = filters.parse(query)
    try:
        with transaction() as session:
            who = console_frame.who(session, request)
            views.save(session, who, names.shown(name), wanted, shared=bool(shared))
    except Invalid as error:
        typed = {"name": name, "shared": shared}
        return console_list.listed(request, wanted, console_frame.wrong(request, error), typed)
    return to_list(request, wanted)


@router.get("/{locale}/console/views")
def look(request: Request, locale: str) -> Response:
    """They are listed above the onboardings."""
    with reading() as session:
        console_frame.who(session, request)
    return to_list(request, Filter())


@router.post("/{locale}/console/views/{view_id}/delete")
def delete(request: Request, locale: str, view_id: str) -> Response:
    """Forget one, and show the list of all."""
    with transaction() as session:
        who = console_frame.who(session, request)
        shared = views.remove(session, request.app.state.ring, who, read_uuid(view_id))
        listed = f"{console_frame.HOME}/onboardings"
        here = console_undo.after(session, listed) if shared else listed
    return RedirectResponse(pages.path_for(request, here), 303)


def to_list(request: Request, wanted: Filter) -> RedirectResponse:
    """To all that a filter finds."""
    listed = pages.path_for(request, f"{console_frame.HOME}/onboardings")
    return RedirectResponse(f"{listed}?{wanted.query()}".rstrip("?"), 303)
