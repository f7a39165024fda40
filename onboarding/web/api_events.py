"""The log of events for other systems: page by page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from onboarding import event_bodies, following
from onboarding.db import reading
from onboarding.event_log import BEGINNING, Cursor
from onboarding.following import Wanted
from onboarding.models import ApiKey
from onboarding.web.api_access import Reader
from onboarding.web.api_route import StrictRoute
from onboarding.web.event_schemas import EventBody, EventPage, Following

router = APIRouter(prefix="/events", tags=["Events"], route_class=StrictRoute)


@router.get("")
def listed(key: Reader, asked: Annotated[Following, Query()], request: Request) -> EventPage:
    """What has happened to this key's onboardings, in one order that never changes.

    A page may be empty and the log go on: ask again from `next` while `more` says so, and later on.
    """
    after = Cursor.read(asked.after) if asked.after is not None else BEGINNING
    source = event_bodies.source(request.app.state.settings.base_url)
    with reading() as session:
        page = following.page(session, _wanted(key, asked), after, asked.limit)
    items = [EventBody.model_validate(each) for each in page.bodies(source)]
    return EventPage(items=items, next=str(page.next), more=page.more)


def _wanted(key: ApiKey, asked: Following) -> Wanted:
    return Wanted(key.id, tuple(asked.type), asked.onboarding)
