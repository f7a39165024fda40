"""The first page: what needs us, why, and what is late."""

from collections.abc import Iterable
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import audit, care, changes, db, finding, marks, queries, reception, stuck
from onboarding.chart import NEXT_MOVE
from onboarding.db import reading
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
    whose = dict.fromkeys(move.whom for move in NEXT_MOVE.values())
    # What we owe comes first.
    per = dict.fromkeys(sorted(whose, key=lambda whom: whom != "platform"), (0, 0))
    for each in population:
        whom = str(queries.waits_on(each.state))
        standing, overdue = per[whom]
        per[whom] = (standing + each.standing, overdue + each.overdue)
    return [(whom, *figures) for whom, figures in per.items()]
