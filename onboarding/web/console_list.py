"""Lists of onboardings: every view is an address, and can be sent to somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import changes, db, exports, filters, finding, operators, registry, views, watching
from onboarding.chart import CONNECTION_TYPES, STATES
from onboarding.db import reading
from onboarding.errors import Invalid
from onboarding.filters import WHOM, Filter
from onboarding.finding import Place
from onboarding.operators import Who
from onboarding.views import View
from onboarding.web import api_operations, console_frame, console_undo, console_words, pages
from onboarding.web.fields import Text, trimmed
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

PAGE: Final = 50


@router.get("/{locale}/console/onboardings")
def onboardings(request: Request, locale: str) -> Response:
    """One page of a view. What it cannot read, it says, and shows all."""
    wanted, errors = _wanted(request)
    typed = {name: request.query_params.get(name, "") for name in filters.NAMES}
    return listed(request, wanted, errors, typed)


def listed(
    request: Request, wanted: Filter, errors: Mapping[str, str], typed: Mapping[str, str]
) -> Response:
    """One page of a view, below those that have a name."""
    after = _after(request)
    with reading() as session:
        who = console_frame.who(session, request)
        latest = changes.latest(session)
        found = finding.page(session, wanted, PAGE + 1, after=after)
        named = _named(session, who, wanted)
        aggregators = {each.id: each.name for each in registry.known(session)}
        now = db.clock(session)
        done = console_undo.done(session, request, who)
    more = len(found) > PAGE
    return console_frame.page(
        request,
        who,
        "onboardings.html",
        422 if errors else 200,
        errors=errors,
        typed=typed,
        wanted=wanted,
        found=found[:PAGE],
        next_after=finding.place_of(wanted, found[PAGE - 1]).text() if more else None,
        counted_at_most=finding.COUNTED_AT_MOST,
        exported_at_most=exports.AT_MOST,
        choices={
            "state": STATES,
            "type": CONNECTION_TYPES,
            "waiting_on": WHOM,
            "since": _spans(wanted),
            "aggregator": aggregators,
        },
        now=now,
        done=done,
        same_as=_same_as(wanted, after),
        without=_without(wanted),
        # A form with a mistake stays as it is.
        live=None if errors else latest,
        **named,
    )


@router.post("/{locale}/console/find")
def find(request: Request, locale: str, q: Text = "") -> Response:
    """The search box. What is found once is shown at once; else it leads to a view.

    An aggregator has a view of its own, and an e-mail address stays out of what can be sent.
    """
    try:
        wanted = filters.read({"q": trimmed(q)})
    except Invalid:
        # Whatever that is, nobody is called so.
        wanted = Filter()
    with reading() as session:
        console_frame.who(session, request)
        wanted = finding.meant(session, wanted)
        found = finding.page(session, wanted, 2) if wanted.q else []
    if len(found) == 1:
        here = f"{console_frame.HOME}/onboardings/{found[0].reference}"
        return RedirectResponse(pages.path_for(request, here), 303)
    listed = pages.path_for(request, f"{console_frame.HOME}/onboardings")
    return RedirectResponse(f"{listed}?{wanted.by_hash().query()}", 303)


def filter_of(request: Request, *own: str) -> Filter:
    """What an address asks for, besides what its page has of its `own`. Raises Invalid."""
    given = request.query_params
    return filters.read({name: given[name] for name in given if name not in own})


def _wanted(request: Request) -> tuple[Filter, dict[str, str]]:
    try:
        return filter_of(request, "after", "done"), {}
    except Invalid as error:
        return Filter(), console_frame.wrong(request, error, console_words.VIEW_ERRORS)


def _named(session: Session, who: Who, wanted: Filter) -> dict[str, Any]:
    """The views that have a name, and how many there are in each and in this one: one question.

    Those that no index counts have their number where they are open only.
    """
    quick = views.quick(who.operator_id)
    saved = [v for v in views.saved(session, who.operator_id) if v.wanted]
    tabs = [*quick.items(), *((view.name, view.wanted) for view in saved if view.wanted)]
    counted = dict.fromkeys([wanted, *(each for _, each in tabs if finding.is_cheap(each))])
    counts = dict(zip(counted, finding.counts(session, [*counted]), strict=True))
    return {
        "count": counts[wanted],
        "tabs": [(name, each, counts.get(each)) for name, each in tabs],
        "quick": quick,
        "watched": _watched(session, who, [v for v in saved if v.wanted == wanted]),
        "can_be_told": operators.address(session, who.operator_id) is not None,
        "removable": [v for v in saved if v.wanted == wanted and views.may_remove(who, v)],
    }


def _watched(session: Session, who: Who, here: Sequence[View]) -> tuple[View, int | None] | None:
    """A saved view of this filter, and above how many this operator is told; of several, that one."""
    asked = watching.asked_by(session, who) if here else {}
    ordered = sorted(here, key=lambda view: view.id not in asked)
    return (ordered[0], asked.get(ordered[0].id)) if ordered else None


def _spans(wanted: Filter) -> tuple[str, ...]:
    """Since when; what a view says besides can be chosen as well."""
    return tuple(dict.fromkeys([*console_words.SINCE, *([wanted.since] if wanted.since else [])]))


def _after(request: Request) -> Place | None:
    return finding.read_place(request.query_params.get("after", ""))


def _without(wanted: Filter) -> dict[str, str]:
    """What the form has no field for, and the view without it."""
    hidden = [name for name in ("q", "run", "email") if getattr(wanted, name)]
    return {name: replace(wanted, **{name: None}).query() for name in hidden}


def _same_as(wanted: Filter, after: Place | None) -> dict[str, str]:
    """The same page of the view at a terminal and for a program, and the whole view as a file."""
    line = f"onboarding ls {wanted.options()}".strip()
    here = {"limit": str(PAGE)} | ({"after": after.text()} if after else {})
    options = " ".join(f"--{name} {value}" for name, value in here.items())
    query = urlencode(wanted.given() | here)
    return {
        "cli": f"{line} {options}",
        "path": f"{api_operations.PATH}?{query}",
        "export": f"{line} --format csv",
    }
