"""Runs: one action on all onboardings of a view, looked at, begun, and steered."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, changes, db, filters, finding, previews, queries, runs, steering
from onboarding.actions import ACTIONS
from onboarding.care import names as operator_names
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, Refusal, SignInNeeded
from onboarding.filters import Filter
from onboarding.models import OUTCOMES, Run
from onboarding.operators import Who
from onboarding.runs import Plan, Verdict
from onboarding.web import console_bulk_words, console_frame, console_list, pages
from onboarding.web.console_actions import letter_of
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_PAGE: Final = 50
_SAMPLES: Final = 20
_DIGITS: Final = 9
_BULK: Final = f"{console_frame.HOME}/bulk"


@router.get("/{locale}/console/bulk")
def bulk(request: Request, locale: str) -> Response:
    """Every run, newest first; those that wait for somebody on top."""
    with reading() as session:
        who = console_frame.who(session, request)
        found = sorted(runs.latest(session, _PAGE), key=lambda run: run.status != "proposed")
        counts = {run.id: runs.tally(session, run.id) for run in found}
        names = operator_names(session)
    return _page(request, who, "bulk.html", runs=found, counts=counts, names=names)


@router.get("/{locale}/console/bulk/new")
def look(request: Request, locale: str, action: str = "", choice: str = "") -> Response:
    """What an action will do to all of a view. Nothing is written."""
    wanted = console_list.filter_of(request, "action", "choice")
    with reading() as session:
        who = console_frame.who(session, request, "act")
        return _preview(request, session, who, wanted, action, choice)


@router.get("/{locale}/console/bulk/new.csv")
def verdicts(request: Request, locale: str, action: str = "", choice: str = "") -> Response:
    """The same for every single one, as a table."""
    wanted = console_list.filter_of(request, "action", "choice")
    with reading() as session:
        who = console_frame.who(session, request, "act")
        seen = runs.look(session, who, action, choice, wanted)
    rows = ((each.reference, each.state, each.why_not or "") for each in seen)
    return _table("preview.csv", ("reference", "state", "why_not"), rows)


@router.post("/{locale}/console/bulk")
def begin(
    request: Request,
    locale: str,
    preview: Text = "",
    reason: Text = "",
    first: Text = "",
    pace: Text = "",
    stop_above: Text = "",
) -> Response:
    """Begin what was looked at, or propose it where a second person must agree."""
    ring, settings = request.app.state.ring, request.app.state.settings
    typed = {"reason": reason, "first": first, "pace": pace, "stop_above": stop_above}
    try:
        with transaction() as session:
            who = console_frame.who(session, request, "act")
            chosen = previews.opened(ring, preview, who.id, db.clock(session))
            proposed = runs.needs_another(settings, chosen.action, many=True)
            plan = _plan(first, pace, stop_above)
            number = runs.begin(session, ring, who, chosen, reason, plan, proposed=proposed).number
    except Invalid as error:
        wanted = filters.parse(chosen.query)
        with reading() as session:
            again = chosen.action, chosen.choice
            return _preview(request, session, who, wanted, *again, error, typed)
    except SignInNeeded:
        raise
    except Refusal as error:
        with transaction() as session:
            runs.refused(session, ring, console_frame.who(session, request), reason, error)
        raise
    return RedirectResponse(pages.path_for(request, f"{_BULK}/{number}"), 303)


@router.get("/{locale}/console/bulk/{number}")
def show(
    request: Request, locale: str, number: str, outcome: str = "", after: str = ""
) -> Response:
    """How far a run is, what came of each, and what can be done about it."""
    with reading() as session:
        who = console_frame.who(session, request)
        return _run(request, session, who, _by_number(session, number), outcome, after)


@router.get("/{locale}/console/bulk/{number}/items.csv")
def results(request: Request, locale: str, number: str) -> Response:
    """What came of each, as a table."""
    with reading() as session:
        console_frame.who(session, request)
        found = runs.items(session, _by_number(session, number).id, runs.AT_MOST)
        named = queries.references(session, [item.onboarding_id for item in found])
    rows = (
        (
            named[item.onboarding_id],
            item.outcome,
            item.why or "",
            item.at.isoformat() if item.at else "",
        )
        for item in found
    )
    return _table(f"run-{int(number)}.csv", ("reference", "outcome", "why", "at"), rows)


@router.post("/{locale}/console/bulk/{number}/{step}")
def steer(request: Request, locale: str, number: str, step: str, reason: Text = "") -> Response:
    """Agree, decline, pause, go on, or end it."""
    if step not in steering.STEPS:
        raise NotFound
    ring = request.app.state.ring
    try:
        with transaction() as session:
            who = console_frame.who(session, request, "act")
            run = _by_number(session, number)
            steering.STEPS[step](session, ring, who, run.number, reason)
    except Invalid as error:
        with reading() as session:
            who = console_frame.who(session, request)
            run = _by_number(session, number)
            return _run(request, session, who, run, "", "", error, {"reason": reason})
    except SignInNeeded:
        raise
    except Refusal as error:
        # Where there is such a run at all.
        with suppress(NotFound), transaction() as session:
            who = console_frame.who(session, request)
            steering.refused(session, ring, who, _by_number(session, number), step, reason, error)
        raise
    return RedirectResponse(pages.path_for(request, f"{_BULK}/{number}"), 303)


def _preview(
    request: Request,
    session: Session,
    who: Who,
    wanted: Filter,
    action: str,
    choice: str,
    wrong: Invalid | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """Which action, then which of its choices, then what it would do."""
    found: dict[str, Any] = {
        "wanted": wanted,
        "count": finding.count(session, wanted),
        "possible": [name for name, each in ACTIONS.items() if who.may(each.permission)],
        "action": actions.of(action) if action else None,
        "choice": choice,
        "options": actions.options(session, actions.of(action)) if action else [],
        "at_most": runs.AT_MOST,
        "reason": actions.REASON,
        "errors": console_frame.wrong(request, wrong) if wrong else {},
        "typed": typed or {},
    }
    if action and (choice or not found["options"]):
        seen = runs.look(session, who, action, choice, wanted)
        found |= _seen(request, session, who, wanted, action, choice, seen)
    return _page(request, who, "bulk_new.html", 422 if wrong else 200, **found)


def _seen(
    request: Request,
    session: Session,
    who: Who,
    wanted: Filter,
    action: str,
    choice: str,
    seen: Sequence[Verdict],
) -> dict[str, Any]:
    """The verdicts, summed up, and the text that begins it."""
    able = [each for each in seen if each.why_not is None]
    found: dict[str, Any] = {
        "seen": seen,
        "able": len(able),
        "letters": sum(each.letter is not None for each in able),
        "why_not": Counter(each.why_not for each in seen if each.why_not).most_common(),
        "samples": [*able[:_SAMPLES], *[each for each in seen if each.why_not][:_SAMPLES]],
        "plan": Plan(),
        "proposed": runs.needs_another(request.app.state.settings, action, many=True),
    }
    # One of each language, as its first would be.
    firsts = {each.locale: each.id for each in reversed(able)}
    found["shown"] = [
        (locale, letter)
        for locale, first in sorted(firsts.items())
        if (letter := letter_of(request, session, queries.by_id(session, first), action))
    ]
    if able:
        chosen = runs.preview(session, who, action, choice, wanted, seen)
        found["sealed"] = previews.sealed(request.app.state.ring, chosen)
    return found


def _run(
    request: Request,
    session: Session,
    who: Who,
    run: Run,
    outcome: str,
    after: str,
    wrong: Invalid | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    # Before the rest: what changes meanwhile is seen as a change.
    latest = changes.latest(session)
    counts = runs.tally(session, run.id)
    chosen = outcome if outcome in OUTCOMES else None
    position = int(after) if after.isdecimal() and len(after) <= _DIGITS else 0
    items = runs.items(session, run.id, _PAGE + 1, outcome=chosen, after=position)
    named = queries.references(session, [item.onboarding_id for item in items])
    mine = run.actor == who.id
    steps = [
        step for step in steering.POSSIBLE.get(run.status, ()) if not (mine and step == "agree")
    ]
    return _page(
        request,
        who,
        "bulk_run.html",
        422 if wrong else 200,
        run=run,
        counts=counts,
        todo=counts.total() - counts["not_eligible"],
        finished=counts["done"] + counts["failed"] + counts["refused"],
        items=items[:_PAGE],
        next_after=items[_PAGE - 1].position if len(items) > _PAGE else None,
        outcome=chosen,
        named=named,
        names=operator_names(session),
        options=actions.options(session, actions.of(run.action)) if run.choice else [],
        steps=steps if who.may(actions.of(run.action).permission) else [],
        reason=actions.REASON,
        errors=console_frame.wrong(request, wrong) if wrong else {},
        typed=typed or {},
        # A form with a mistake stays as it is.
        live=None if wrong else latest,
    )


def _page(request: Request, who: Who, template: str, status: int = 200, **context: Any) -> Response:
    return console_frame.page(
        request, who, template, status, run_words=console_bulk_words, **context
    )


def _by_number(session: Session, number: str) -> Run:
    if not number.isdecimal() or len(number) > _DIGITS:
        raise NotFound
    return runs.by_number(session, int(number))


def _plan(first: str, pace: str, stop_above: str) -> Plan:
    """Raises Invalid for what is no number, or out of bounds."""
    given = {"first": first, "pace": pace, "stop_above": stop_above}
    wrong = {name: "" for name, text in given.items() if not _is_number(text)}
    if wrong:
        raise Invalid(wrong)
    return Plan(int(first), int(pace), int(stop_above))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS


def _table(name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Response:
    """Nothing in it was typed by anybody, so no cell can be a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(text.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")
