"""What an onboarding waits for, and which events its caller may fire to move it."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter

from onboarding import developers, events, requirements
from onboarding.causes import CAUSES
from onboarding.db import reading
from onboarding.requirements import Alternative, Due, Requirements
from onboarding.web import runbooks
from onboarding.web.api_access import Reader, own
from onboarding.web.api_route import StrictRoute
from onboarding.web.schemas import (
    AllowedEvent,
    AllowedEventList,
    AlternativeView,
    DueItem,
    RequirementsView,
)

router = APIRouter(prefix="/onboardings", tags=["Onboardings"], route_class=StrictRoute)

# Where the page about the API says what each code asks for.
HELP: Final = "/docs#due-"
# What an event has a place of its own for.
_ELSEWHERE: Final = {"reveal_secret": "secret-reveal"}


@router.get("/{onboarding_id}/requirements")
def due(onboarding_id: str, key: Reader) -> RequirementsView:
    """What is due, from whom, since when and until when, and what else could be done."""
    with reading() as session:
        return shown(requirements.of(session, own(session, key, onboarding_id)))


@router.get("/{onboarding_id}/allowed-events")
def allowed(onboarding_id: str, key: Reader) -> AllowedEventList:
    """The events that the caller may fire now, what each takes, and where to send it."""
    with reading() as session:
        onboarding = own(session, key, onboarding_id)
        names = developers.allowed(onboarding, "api")
        return AllowedEventList(items=[_allowed(onboarding.id, name) for name in names])


def shown(found: Requirements) -> RequirementsView:
    """Requirements as a calling system sees them."""
    blocked = found.blocked_reason
    return RequirementsView(
        currently_due=_items(found.currently_due),
        past_due=_items(found.past_due),
        eventually_due=_items(found.eventually_due),
        pending_verification=_items(found.pending_verification),
        deadline=found.deadline,
        blocked_reason=blocked,
        blocked_help_url=runbooks.of_cause(blocked) if blocked and blocked in CAUSES else None,
        alternatives=[_alternative(each) for each in found.alternatives],
    )


def _items(several: tuple[Due, ...]) -> list[DueItem]:
    return [
        DueItem(
            code=each.code,
            waiting_on=each.waiting_on,
            since=each.since,
            due_at=each.due_at,
            help_url=HELP + each.code,
        )
        for each in several
    ]


def _alternative(each: Alternative) -> AlternativeView:
    return AlternativeView(event=each.event, leads_to=[*each.leads_to], who=[*each.who])


def _allowed(onboarding_id: UUID, event: str) -> AllowedEvent:
    takes, needs = events.fields(event)
    place = _ELSEWHERE.get(event, "events")
    return AllowedEvent(
        event=event,
        takes=[*takes],
        needs=[*needs],
        href=f"/v1/onboardings/{onboarding_id}/{place}",
    )
