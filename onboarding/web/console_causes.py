"""Causes: all of them, one closely, and what operators say about it."""

from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, care, db, marks, stuck, symptoms
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, RoleNeeded
from onboarding.marks import Marked, Said
from onboarding.models.operating import CAUSE_STATUSES
from onboarding.operators import Who
from onboarding.stuck import CauseName
from onboarding.web import console_frame, console_undo, note_texts, pages
from onboarding.web.fields import Text, trimmed
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_HISTORY: Final = 20
_OWNERS: Final = ("keep", "me", "nobody")


async def _asked(task: str, code: str, state: str = "", event: str = "") -> CauseName:
    """Of an address: a cause wherever it is met, or in the place that its query names."""
    return _named(task, code, state, event)


async def _sent(
    task: str,
    code: str,
    state: Annotated[str, Form()] = "",
    event: Annotated[str, Form()] = "",
) -> CauseName:
    """Of a form: a field says the place."""
    return _named(task, code, state, event)


@router.get("/{locale}/console/causes")
def every(request: Request, locale: str) -> Response:
    """Every cause of a failure that is not over, those first that nobody has marked."""
    with reading() as session:
        who = console_frame.who(session, request)
        found = marks.marked(session, stuck.causes(session))
        now = db.clock(session)
    return console_frame.page(request, who, "causes.html", causes=found, now=now)


@router.get("/{locale}/console/causes/{task}/{code}")
def one(request: Request, locale: str, name: Annotated[CauseName, Depends(_asked)]) -> Response:
    """One of them closely."""
    return _page(request, name)


@router.post("/{locale}/console/causes/{task}/{code}/mark")
def mark(
    request: Request,
    locale: str,
    name: Annotated[CauseName, Depends(_sent)],
    *,
    status: Text = "",
    release: Text = "",
    until: Text = "",
    owner: Text = "keep",
    reason: Text = "",
) -> Response:
    """Say how it stands, or who looks after it, and why."""
    ring = request.app.state.ring
    try:
        with transaction() as session:
            who = console_frame.who(session, request, "act")
            _require(session, name)
            owner_id = _owner(session, who, name, owner)
            said = Said(status, trimmed(release), trimmed(until), owner_id)
            marks.mark(session, ring, who, name, said, actions.checked(reason))
            here = console_undo.after(session, address(name))
    except Invalid as error:
        typed = {
            "status": status,
            "release": release,
            "until": until,
            "owner": owner,
            "reason": reason,
        }
        return _page(request, name, error, typed)
    except RoleNeeded as error:
        _write_down(request, marks.ACTION, name, reason, error)
        raise
    return RedirectResponse(pages.path_for(request, here), 303)


@router.post("/{locale}/console/causes/{task}/{code}/note")
def note(
    request: Request, locale: str, name: Annotated[CauseName, Depends(_sent)], *, note: Text = ""
) -> Response:
    """Write something down about it, for whoever looks next."""
    try:
        with transaction() as session:
            who = console_frame.who(session, request, "act")
            _require(session, name)
            said, lines = actions.checked(note), actions.in_lines(note)
            marks.note(session, request.app.state.ring, who, name, said, lines)
    except Invalid as error:
        return _page(request, name, Invalid({"note": str(error)}), {"note": note})
    except RoleNeeded as error:
        _write_down(request, marks.NOTE, name, note, error)
        raise
    return RedirectResponse(pages.path_for(request, address(name)), 303)


@router.get("/{locale}/console/causes/{task}/{code}/mark")
@router.get("/{locale}/console/causes/{task}/{code}/note")
def go_back(request: Request, locale: str, name: Annotated[CauseName, Depends(_asked)]) -> Response:
    """Where a form with a mistake was shown: reloaded, or in the other language, it is new again."""
    with reading() as session:
        console_frame.who(session, request, "act")
    return RedirectResponse(pages.path_for(request, address(name)), 303)


def address(name: CauseName) -> str:
    """The page of a cause."""
    place = {"state": name.state, "event": name.event}
    query = urlencode({part: value for part, value in place.items() if value})
    path = f"{console_frame.HOME}/causes/{quote(name.task)}/{quote(name.code)}"
    return f"{path}?{query}" if query else path


def _page(
    request: Request,
    name: CauseName,
    wrong: Invalid | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with reading() as session:
        who = console_frame.who(session, request)
        _require(session, name)
        found = symptoms.of(session, name)
        places = marks.marked(session, found.places) if found else []
        context: dict[str, Any] = {
            "name": name,
            "found": found,
            "places": places,
            "standing": _standing(session, name, places),
            "kept": marks.of(session, name),
            "history": marks.history(session, name, _HISTORY),
            "names": care.names(session),
            "now": db.clock(session),
            "done": console_undo.done(session, request, who),
            "note_html": note_texts.html,
        }
    return console_frame.page(
        request,
        who,
        "cause.html",
        422 if wrong else 200,
        statuses=CAUSE_STATUSES,
        owners=_OWNERS,
        errors=_wrong(request, wrong) if wrong else {},
        typed=typed or {},
        **context,
    )


def _wrong(request: Request, error: Invalid) -> dict[str, str]:
    """As everywhere at the console, but that the day is one and no instant."""
    said = console_frame.wrong(request, error)
    if "until" in said:
        _ = pages.translator_of(request)
        said["until"] = _("Say until when: a day to come, as 2026-11-27.")
    return said


def _named(task: str, code: str, state: str, event: str) -> CauseName:
    """Raises NotFound for what no table of ours can hold."""
    if not (task + code + state + event).isprintable():
        raise NotFound
    return CauseName(task, code, state, event)


def _require(session: Session, name: CauseName) -> None:
    if not marks.is_known(session, name):
        raise NotFound


def _standing(session: Session, name: CauseName, places: list[Marked]) -> Marked | None:
    if not places or name.has_place:
        return places[0] if places else None
    (whole,) = marks.together(session, [place.cause for place in places])
    return whole


def _owner(session: Session, who: Who, name: CauseName, chosen: str) -> UUID | None:
    if chosen == "me":
        return who.operator_id
    kept = marks.of(session, name)
    return kept.owner_id if kept and chosen == "keep" else None


def _write_down(
    request: Request, action: str, name: CauseName, said: str, error: RoleNeeded
) -> None:
    with transaction() as session:
        who = console_frame.who(session, request)
        ring = request.app.state.ring
        marks.refused(session, ring, who, action, name, said, error.code)
