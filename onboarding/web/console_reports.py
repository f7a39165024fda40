"""How far onboardings get, and how long each state takes; told apart as one likes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from onboarding import exports, reports
from onboarding.db import snapshot
from onboarding.errors import Invalid
from onboarding.reports import DAYS, SPLITS, Funnel, Stay
from onboarding.web import console_frame, console_words
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
        errors = console_frame.wrong(request, error, console_words.REPORT_ERRORS)
        asked = SPLITS[0], DAYS
    with snapshot() as session:
        who = console_frame.who(session, request)
        steps, stays = reports.funnel(session, *asked), reports.times(session, *asked)
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
        funnel=steps,
        times=stays,
        length=_length,
    )


@router.get("/{locale}/console/reports/funnel.csv")
def funnel(request: Request, locale: str, by: str = SPLITS[0], days: str = str(DAYS)) -> Response:
    """How far they got, as a file. It names nobody, so no trail is kept of it."""
    asked = _asked(by, days)
    with snapshot() as session:
        console_frame.who(session, request)
        rows = reports.funnel(session, *asked)
    return _file("funnel", Funnel._fields, rows)


@router.get("/{locale}/console/reports/times.csv")
def times(request: Request, locale: str, by: str = SPLITS[0], days: str = str(DAYS)) -> Response:
    """How long each state took, as a file; of nobody in particular either."""
    asked = _asked(by, days)
    with snapshot() as session:
        console_frame.who(session, request)
        rows = reports.times(session, *asked)
    return _file("times", Stay._fields, rows)


def _file(name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    content = exports.table(columns, rows)
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")


def _length(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _asked(by: str, days: str) -> tuple[str, int]:
    number = int(days) if days.isdecimal() and len(days) <= _DIGITS else 0
    reports.check(by, number)
    return by, number
