"""Being told by e-mail when a saved view holds more than so many: asked for at the view itself."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from onboarding import views, watching
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.filters import Filter
from onboarding.ids import read_uuid
from onboarding.web import console_frame, console_list, console_views, pages
from onboarding.web.fields import Text, trimmed
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


@router.post("/{locale}/console/views/{view_id}/alert")
def ask(request: Request, locale: str, view_id: str, above: Text = "") -> Response:
    """Have oneself told; what is wrong with the number is said at the view."""
    ring, wanted_id = request.app.state.ring, read_uuid(view_id)
    try:
        with transaction() as session:
            who = console_frame.who(session, request)
            language = pages.locale_of(request)
            watching.ask(session, ring, who, wanted_id, trimmed(above), language)
    except Invalid as error:
        wrong = console_frame.wrong(request, error)
        return console_list.listed(request, _of(request, view_id), wrong, {"above": above})
    return console_views.to_list(request, _of(request, view_id))


@router.post("/{locale}/console/views/{view_id}/alert/stop")
def stop(request: Request, locale: str, view_id: str) -> Response:
    """Be told no more."""
    with transaction() as session:
        who = console_frame.who(session, request)
        watching.stop(session, request.app.state.ring, who, read_uuid(view_id))
    return console_views.to_list(request, _of(request, view_id))


def _of(request: Request, view_id: str) -> Filter:
    with reading() as session:
        console_frame.who(session, request)
        return views.named(session, str(read_uuid(view_id)))
