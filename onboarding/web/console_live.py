"""What changes, as a stream of events: for the script that keeps a page in front up to date."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from onboarding.db import reading
from onboarding.web import console_frame
from onboarding.web.live import Streams
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


@router.get("/{locale}/console/live")
def live(request: Request, locale: str, after: str = "") -> Response:
    """Events without content; `after`, or the header when a browser comes again, is what was seen last."""
    with reading() as session:
        who = console_frame.who(session, request)
    streams: Streams = request.app.state.live
    place = streams.enter(who.id)
    seen = request.headers.get("last-event-id", after)
    # A proxy that collects answers would hold it back.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        streams.told(place, seen), headers=headers, media_type="text/event-stream"
    )
