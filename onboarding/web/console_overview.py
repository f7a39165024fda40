"""The first page: what needs us, why, and what is late."""

from collections.abc import Iterable
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import audit, care, changes, db, finding, marks, queries, reception, stuck
from onboarding.db import reading
from onboarding.filters import DEVELOPER, WHOM
from onboarding.stuck import Population
from onboarding.web import console_frame, pages
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)
entrance = APIRouter(include_in_schema=False)

_LATEST = 5


@entrance.get("/console")
def choose_language(request: Request) -> Response:
    """The console in the browser's language."""
    return RedirectResponse(pages.path_for(request, console_frame.HOME), 307)


@router.get("/{locale}/console")
def overview(request: Request, locale: str) -> Response:
    """Whom it all waits for, the causes of what fails, and the oldest of each state."""
    with reading() as session:
        who = console_frame.who(session, request)
        latest = changes.latest(session)
        population, now = stuck.population(session), db.clock(session)
        waiting, oldest = queries.unfinished(session)
        entries = audit.latest(session, _LATEST) if who.may("audit") else []
        ids = [entry.onboarding_id for entry in entries if entry.onboarding_id]
        return console_frame.page(
            request,
            who,
            "overview.html",
            turns=_turns(population),
            counted_at_most=finding.COUNTED_AT_MOST,
            population=[each for each in population if each.standing],
            causes=marks.together(session, stuck.causes(session)),
            endpoints=reception.ill(session),
            waiting=waiting,
            # What rests is to come.
            waited=max(now - oldest, timedelta()) if oldest else timedelta(),
            entries=entries,
            named=queries.references(session, ids),
            names=care.names(session) if entries else {},
            now=now,
            live=latest,
        )


def _turns(population: Iterable[Population]) -> list[tuple[str, int, int]]:
    """For each whom: how many wait for them, and how many of these for too long."""
    # What we owe comes first.
    per = {whom: [0, 0] for whom in sorted(WHOM, key=lambda whom: whom != "platform")}
    for each in population:
        of_developers = (each.developers, each.developers_late)
        for place, number in enumerate((each.standing, each.overdue)):
            theirs = of_developers[place]
            per[DEVELOPER][place] += theirs
            # Where not all were counted, there are too many to take any away.
            others = number if number >= finding.COUNTED_AT_MOST else number - theirs
            per[str(queries.waits_on(each.state))][place] += others
    return [(whom, standing, late) for whom, (standing, late) in per.items()]
