"""The life of an onboarding for programs: states, events, guards, whose turn it is, in every language."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response, Security
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from onboarding import drawing, words
from onboarding.chart import EVENT_TYPES, MAY_FIRE, MILESTONES, NEXT_MOVE, OPEN, STATES
from onboarding.models import ApiKey
from onboarding.web import api_conditional, console_words
from onboarding.web.api_access import caller
from onboarding.web.api_conditional import IfNoneMatch
from onboarding.web.api_route import StrictRoute

router = APIRouter(tags=["Chart"], route_class=StrictRoute)

AnyKey = Annotated[ApiKey, Security(caller)]
Form = Literal["json", "mermaid"] | None

MERMAID: Final = "text/vnd.mermaid"
# Whoever keeps it asks each time whether it is still the same.
_KEPT: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept"}


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class Turn(_Shown):
    """Whose turn it is in a state, for how long that is fine, and what time does if nobody moves."""

    whom: str
    overdue_after_seconds: int
    reminders_after_seconds: list[int]
    then: str | None
    then_after_seconds: int | None


class StateOfChart(_Shown):
    """A state; an end has no next move."""

    name: str
    final: bool
    labels: dict[str, str]
    next_move: Turn | None


class MoveOfChart(_Shown):
    """A legal move: from where to where, and what must hold; an empty guard is none."""

    source: str
    target: str
    guard: str


class EventOfChart(_Shown):
    """An event: who may fire it, and all that it may do."""

    name: str
    type: str
    labels: dict[str, str]
    who: list[str]
    moves: list[MoveOfChart]


class ChartView(_Shown):
    """All of the chart; `version` is another one once any legal move is."""

    version: str
    languages: list[str]
    initial: str
    states: list[StateOfChart]
    events: list[EventOfChart]
    milestones: list[str]
    mermaid: str


@router.get(
    "/chart",
    response_model=ChartView,
    responses={200: {"content": {MERMAID: {"schema": {"type": "string"}}}}, 304: {}},
)
def chart(
    request: Request,
    key: AnyKey,
    form: Annotated[Form, Query(alias="format", description="Instead of Accept.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The chart that decides; `format=mermaid` is the picture's text alone."""
    drawn = form == "mermaid" if form else MERMAID in request.headers.get("accept", "")
    text, media_type = (drawing.mermaid(), MERMAID) if drawn else (_json(), "application/json")
    headers = _KEPT | {"ETag": api_conditional.tag_of(text)}
    if api_conditional.has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(text, headers=headers, media_type=media_type)


@cache
def _json() -> str:
    return ChartView(
        version=drawing.version(),
        languages=[*words.LOCALES],
        initial=STATES[0],
        states=[_state(name) for name in STATES],
        events=[_event(name) for name in MAY_FIRE],
        milestones=[*MILESTONES],
        mermaid=drawing.mermaid(),
    ).model_dump_json()


def _state(name: str) -> StateOfChart:
    labels = _labels(console_words.STATES, name)
    return StateOfChart(name=name, final=name not in OPEN, labels=labels, next_move=_turn(name))


def _turn(state: str) -> Turn | None:
    move = NEXT_MOVE.get(state)
    if move is None:
        return None
    return Turn(
        whom=move.whom,
        overdue_after_seconds=int(move.overdue_after.total_seconds()),
        reminders_after_seconds=[int(each.total_seconds()) for each in move.reminders],
        then=move.then,
        then_after_seconds=int(move.then_after.total_seconds()) if move.then_after else None,
    )


def _event(name: str) -> EventOfChart:
    moves = [each for each in drawing.arrows() if each.event == name]
    return EventOfChart(
        name=name,
        type=EVENT_TYPES[name],
        labels=_labels(console_words.EVENTS, name),
        who=sorted(MAY_FIRE[name]),
        moves=[MoveOfChart(source=a.source, target=a.target, guard=a.guard) for a in moves],
    )


def _labels(texts: Mapping[str, str], name: str) -> dict[str, str]:
    return {locale: words.translate(locale, texts[name]) for locale in words.LOCALES}
