"""`report`: how far onboardings get, how long each state takes, and who stands where."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from onboarding import db, exports, reports, stuck
from onboarding.commands import printing
from onboarding.db import snapshot
from onboarding.reports import Funnel, Stay
from onboarding.stuck import Ages

_EMPTY = "Nobody was started in that time."


def funnel(by: str, days: int, form: str, *, as_json: bool) -> None:
    """How many of each group have taken each step."""
    with snapshot() as session:
        db.without_hurry(session)
        found = reports.funnel(session, by, days)
    if form == "csv":
        _write(Funnel._fields, found)
        return
    head = (
        "",
        "Started",
        "Type",
        "ID",
        "Shown",
        "Saved",
        "Linked",
        "Confirmed",
        "Credentials",
        "Called",
    )
    rows = [("–" if each is None else str(each) for each in row) for row in found]
    lines = [each._asdict() for each in found]
    printing.listed(lines, head, [[*row] for row in rows], empty=_EMPTY, as_json=as_json)


def times(by: str | None, days: int, form: str, *, as_json: bool) -> None:
    """How long each state took those who have left it."""
    with snapshot() as session:
        db.without_hurry(session)
        found = reports.times(session, by, days)
    if form == "csv":
        _write(Stay._fields, found)
        return
    head = ("", "State", "Stays", "p50", "p90", "p99")
    rows = [
        (stay.group or "–", stay.state, str(stay.stays), *map(_age, (stay.p50, stay.p90, stay.p99)))
        for stay in found
    ]
    lines = [each._asdict() for each in found]
    printing.listed(lines, head, rows, empty=_EMPTY, as_json=as_json)


def standing(*, as_json: bool) -> None:
    """How many stand in each state, how many are late, and how long half and most of them are there."""
    with snapshot() as session:
        found, now = stuck.in_each_state(session), db.clock(session)
    lines = [
        {
            "state": each.state,
            "standing": each.number,
            "overdue": each.late,
            "half_since": each.ages.half_since if each.ages else None,
            "most_since": each.ages.most_since if each.ages else None,
        }
        for each in found
    ]
    rows = [
        (each.state, str(each.number), str(each.late), *_ages(each.ages, now)) for each in found
    ]
    head = ("State", "Standing", "Late", "p50", "p95")
    printing.listed(lines, head, rows, empty=_EMPTY, as_json=as_json)


def _ages(ages: Ages | None, now: datetime) -> tuple[str, str]:
    if ages is None:
        return "–", "–"
    return printing.age(now - ages.half_since), printing.age(now - ages.most_since)


def _write(columns: Sequence[str], found: Sequence[Sequence[object]]) -> None:
    sys.stdout.buffer.write(exports.table(columns, found))


def _age(seconds: float) -> str:
    return printing.age(timedelta(seconds=seconds))
