"""How far onboardings get, and how long each state takes; told apart as one likes."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from onboarding import exports, reports
from onboarding.db import snapshot
from onboarding.errors import Invalid, NotFound
from onboarding.reports import DAYS, SPLITS, Funnel, Stay
from onboarding.web import console_frame
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

CHOICES: Final = (7, DAYS, reports.DAYS_AT_MOST)
_DIGITS: Final = 3


@router.get("/{locale}/console/reports")
def figures(request: Request, locale: str, by: str = SPLITS[0], days: str = str(DAYS)) -> Response:
    """Both reports, of one instant. What it cannot read, it says, and shows the usual ones."""
    errors = {}
    try:
        asked = _asked(by, days)
    except Invalid as error:
        errors, asked = error.fields, (SPLITS[0], DAYS)
    with snapshot() as session:
        who = console_frame.who(session, request)
        funnel, times = reports.funnel(session, *asked), reports.times(session, *asked)
    return console_frame.page(
        request,
        who,
        "reports.html",
        422 if errors else 200,
        errors=errors,
        by=asked[0],
        days=asked[1],
        splits=SPLITS,
        choices=sorted({*CHOICES, asked[1]}),
        funnel=funnel,
        times=times,
        length=_length,
    )


@router.get("/{locale}/console/reports/{name}.csv")
def as_csv(
    request: Request, locale: str, name: str, by: str = SPLITS[0], days: str = str(DAYS)
) -> Response:
    """A report as a file. It names nobody, so no trail is kept of it."""
    if name not in {"funnel", "times"}:
        raise NotFound
    asked = _asked(by, days)
    with snapshot() as session:
        console_frame.who(session, request)
        content = (
            exports.table(Funnel._fields, reports.funnel(session, *asked))
            if name == "funnel"
            else exports.table(Stay._fields, reports.times(session, *asked))
        )
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")


def _length(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _asked(by: str, days: str) -> tuple[str, int]:
    number = int(days) if days.isdecimal() and len(days) <= _DIGITS else 0
    reports.check(by, number)
    return by, number
