"""The chart, with those who stand in it: how many, for how long, and how many for too long."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from onboarding import db, drawing, drawing_picture, stuck
from onboarding.chart import MAY_FIRE, NEXT_MOVE, NOTICES, ON_ENTRY, Move
from onboarding.commands import printing
from onboarding.db import snapshot
from onboarding.drawing import Arrow
from onboarding.drawing_picture import Say, Told
from onboarding.stuck import Ages, InState
from onboarding.web import console_frame, console_words, pages
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


class Row(NamedTuple):
    """Moves that differ in where they start only; what they promise, and what the new state asks."""

    event: str
    sources: str
    target: str
    guard: str
    who: list[str]
    promises: list[str]
    move: Move | None


@router.get("/{locale}/console/machine")
def machine(request: Request, locale: str) -> Response:
    """The picture and the same as tables, of one instant."""
    with snapshot() as session:
        who = console_frame.who(session, request)
        standing, now = stuck.in_each_state(session), db.clock(session)
    told = {each.state: _told(request, each, now) for each in standing}
    say = pages.translator_of(request)
    return console_frame.page(
        request,
        who,
        "machine.html",
        # What is told is escaped where the picture is drawn.
        picture=Markup(drawing_picture.svg(told=told, say=say)),  # noqa: S704 - see above
        standing=standing,
        rows=list(rows()),
        now=now,
    )


def rows() -> Iterator[Row]:
    """Every move of the chart."""
    groups: dict[tuple[str, str, str], list[Arrow]] = {}
    for arrow in drawing.arrows():
        groups.setdefault((arrow.event, arrow.target, arrow.guard), []).append(arrow)
    for (event, target, guard), moves in groups.items():
        notice = NOTICES.get((event, target))
        promises = [*ON_ENTRY.get(target, ()), *([f"send_email: {notice}"] if notice else [])]
        move = NEXT_MOVE.get(target)
        sources = drawing.sources(moves)
        yield Row(event, sources, target, guard, sorted(MAY_FIRE[event]), promises, move)


def _told(request: Request, each: InState, now: datetime) -> Told:
    """In figures for the eye, and in words for the ear."""
    _ = pages.translator_of(request)
    names: Mapping[str, str] = console_words.STATES
    words = _(
        "%(state)s: %(number)s, of these %(late)s late",
        state=_(names[each.state]),
        number=each.number,
        late=each.late,
    )
    href = pages.path_for(request, f"{console_frame.HOME}/onboardings?state={each.state}")
    number = str(each.number)
    if each.late:
        number = _("%(number)s · %(late)s late", number=each.number, late=each.late)
    return Told(href, words, number, _ages(each.ages, now, _))


def _ages(ages: Ages | None, now: datetime, say: Say) -> str:
    if ages is None:
        return ""
    both = (printing.age(now - since) for since in (ages.half_since, ages.most_since))
    return " · ".join(drawing_picture.short(age, say) for age in both)
