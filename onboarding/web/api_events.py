"""The log of events for other systems: page by page, or as a stream that goes on."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from onboarding import access, event_bodies, event_log, following
from onboarding.db import reading
from onboarding.errors import Refusal
from onboarding.event_log import BEGINNING, Cursor
from onboarding.following import Wanted
from onboarding.models import ApiKey
from onboarding.web.api_access import Overseer, Reader
from onboarding.web.api_route import StrictRoute
from onboarding.web.event_schemas import EventBody, EventPage, Following, Streaming
from onboarding.web.live import Streams

router = APIRouter(prefix="/events", tags=["Events"], route_class=StrictRoute)
# An address of its own: what a key finds under the other does not depend on what else it may do.
overseen = APIRouter(prefix="/operations/events", tags=["Events"], route_class=StrictRoute)

# Seconds between two questions, whether there is news for any stream of this process.
ASKS: Final = 0.5
# Events that a stream reads at once.
_AT_ONCE: Final = 100

# Instead of a place: where the log ends at the moment.
NOW: Final = "now"

_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."}
}

# As refusals name headers.
LAST_EVENT_ID: Final = "last-event-id"
LastEventId = Annotated[str | None, Header(max_length=70)]


@router.get("")
def listed(key: Reader, asked: Annotated[Following, Query()], request: Request) -> EventPage:
    """What has happened to this key's onboardings, in one order that never changes.

    A page may be empty and the log go on: ask again from `next` while `more` says so, and later on.
    """
    return _page(request, asked, _owner(key))


@overseen.get("")
def listed_of_all(
    key: Overseer, asked: Annotated[Following, Query()], request: Request
) -> EventPage:
    """What has happened to every onboarding, whoever started it, in the same order.

    No event names a person, so nothing is masked.
    """
    return _page(request, asked, None)


@router.get("/stream", response_class=StreamingResponse, responses=_STREAM)
def stream(
    key: Reader,
    asked: Annotated[Streaming, Query()],
    request: Request,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """The same as it happens. Whoever comes again with the last ID that it got misses nothing.

    A stream ends after five minutes, and a sign of life comes at least every 15 seconds.
    """
    return _stream(request, key, asked, last_event_id, _owner(key))


@overseen.get("/stream", response_class=StreamingResponse, responses=_STREAM)
def stream_of_all(
    key: Overseer,
    asked: Annotated[Streaming, Query()],
    request: Request,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """The same of every onboarding, whoever started it."""
    return _stream(request, key, asked, last_event_id, None)


def latest(session: Session) -> str:
    """The one question of all streams: how far does the log go?"""
    return str(event_log.end(session))


def _page(request: Request, asked: Following, owner: UUID | None) -> EventPage:
    wanted = Wanted(owner, tuple(asked.type), asked.onboarding)
    with reading() as session:
        after = _place(session, asked.after)
        page = following.page(session, wanted, after, asked.limit)
    items = [EventBody.model_validate(each) for each in page.bodies(_source(request))]
    return EventPage(items=items, next=str(page.next), more=page.more)


def _stream(
    request: Request,
    key: ApiKey,
    asked: Streaming,
    last_event_id: str | None,
    owner: UUID | None,
) -> StreamingResponse:
    wanted = Wanted(owner, tuple(asked.type), asked.onboarding)
    with reading() as session:
        if last_event_id is None:
            after = _place(session, NOW if asked.after is None else asked.after)
        else:
            after = _place(session, last_event_id, LAST_EVENT_ID)
    streams: Streams = request.app.state.event_streams
    place = streams.enter(str(key.id))
    tell = partial(_tell, key.id, wanted, _source(request))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        streams.told(place, str(after), tell), headers=headers, media_type="text/event-stream"
    )


def _place(session: Session, text: str | None, said_in: str = "after") -> Cursor:
    """Where to go on. Raises Invalid for what is no cursor of ours."""
    if text is None:
        return BEGINNING
    return event_log.end(session) if text == NOW else Cursor.read(text, said_in)


async def _tell(
    key_id: UUID, wanted: Wanted, source: str, seen: str, latest: str
) -> tuple[Sequence[str], str]:
    """What a stream says of the next part of the log, and where it is then.

    Async, because the event loop holds streams (decision 21); it reads in a thread.
    """
    if Cursor.read(latest or seen) <= Cursor.read(seen):
        return [], seen
    return await run_in_threadpool(_read, key_id, wanted, source, seen)


def _read(key_id: UUID, wanted: Wanted, source: str, seen: str) -> tuple[Sequence[str], str]:
    """A key that has ended meanwhile is told nothing; what does not answer has no news."""
    try:
        with reading() as session:
            if not access.still_works(session, key_id):
                return [], seen
            page = following.page(session, wanted, Cursor.read(seen), _AT_ONCE)
    except (Refusal, SQLAlchemyError):
        return [], seen
    places = [Cursor.of(transition) for transition, _ in page.items]
    bodies = page.bodies(source)
    said = [_event(place, body) for place, body in zip(places, bodies, strict=True)]
    # An ID alone is no event, but whoever comes again need not look at all that was not theirs.
    if not places or places[-1] != page.next:
        said.append(f"id: {page.next}\n\n")
    return said, str(page.next)


def _event(place: Cursor, body: dict[str, object]) -> str:
    return f"id: {place}\nevent: {body['type']}\ndata: {event_bodies.encoded(body)}\n\n"


def _source(request: Request) -> str:
    return event_bodies.source(request.app.state.settings.base_url)


def _owner(key: ApiKey) -> UUID:
    """Whose events a key sees."""
    return key.system_id
