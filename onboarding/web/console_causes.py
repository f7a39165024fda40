"""Causes: all of them, one closely, and what operators say about it."""

from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, causes, db, marks, stuck, symptoms
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, RoleNeeded
from onboarding.marks import Marked, Said
from onboarding.models.operating import CAUSE_STATUSES
from onboarding.operators import Who
from onboarding.web import console_detail, console_frame, console_undo, pages
from onboarding.web.fields import Text, trimmed
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_HISTORY: Final = 20
_OWNERS: Final = ("keep", "me", "nobody")


@router.get("/{locale}/console/causes")
def every(request: Request, locale: str) -> Response:
    """Every cause of a failure that is not over, those first that nobody has marked."""
    with reading() as session:
        who = console_frame.who(session, request)
        found = marks.marked(session, stuck.causes(session))
        now = db.clock(session)
    return console_frame.page(request, who, "causes.html", causes=found, now=now)


@router.get("/{locale}/console/causes/{task}/{code}")
def one(request: Request, locale: str, task: str, code: str) -> Response:
    """One of them closely."""
    return _page(request, task, code)


@router.post("/{locale}/console/causes/{task}/{code}/mark")
def mark(
    request: Request,
    locale: str,
    task: str,
    code: str,
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
            if not _is_known(session, task, code):
                raise NotFound
            owner_id = _owner(session, who, task, code, owner)
            said = Said(status, trimmed(release), trimmed(until), owner_id)
            marks.mark(session, ring, who, (task, code), said, actions.checked(reason))
            here = console_undo.after(session, _address(task, code))
    except Invalid as error:
        typed = {
            "status": status,
            "release": release,
            "until": until,
            "owner": owner,
            "reason": reason,
        }
        return _page(request, task, code, error, typed)
    except RoleNeeded as error:
        with transaction() as session:
            who = console_frame.who(session, request)
            marks.refused(session, ring, who, (task, code), reason, error.code)
        raise
    return RedirectResponse(pages.path_for(request, here), 303)


@router.get("/{locale}/console/causes/{task}/{code}/mark")
def go_back(request: Request, locale: str, task: str, code: str) -> Response:
    """Where a form with a mistake was shown: reloaded, or in the other language, it is new again."""
    with reading() as session:
        console_frame.who(session, request, "act")
    return RedirectResponse(pages.path_for(request, _address(task, code)), 303)


def _page(
    request: Request,
    task: str,
    code: str,
    wrong: Invalid | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    with reading() as session:
        who = console_frame.who(session, request)
        if not _is_known(session, task, code):
            raise NotFound
        found = symptoms.of(session, task, code)
        context: dict[str, Any] = {
            "task": task,
            "code": code,
            "found": found,
            "kept": marks.of(session, task, code),
            "standing": _standing(session, found),
            "history": marks.history(session, task, code, _HISTORY),
            "names": console_detail.operator_names(session),
            "now": db.clock(session),
            "done": console_undo.done(session, request, who),
        }
    return console_frame.page(
        request,
        who,
        "cause.html",
        422 if wrong else 200,
        statuses=CAUSE_STATUSES,
        owners=_OWNERS,
        errors=wrong.fields if wrong else {},
        typed=typed or {},
        **context,
    )


def _address(task: str, code: str) -> str:
    return f"{console_frame.HOME}/causes/{quote(task)}/{quote(code)}"


def _standing(session: Session, found: symptoms.Symptoms | None) -> Marked | None:
    return marks.marked(session, [found.cause])[0] if found else None


def _is_known(session: Session, task: str, code: str) -> bool:
    """A code of ours, one that fails now, or one that was marked once."""
    if not (task + code).isprintable():
        return False
    failing = any((c.task, c.code) == (task, code) for c in stuck.causes(session))
    return failing or code in causes.CAUSES or marks.of(session, task, code) is not None


def _owner(session: Session, who: Who, task: str, code: str, chosen: str) -> UUID | None:
    if chosen == "me":
        return who.operator_id
    kept = marks.of(session, task, code)
    return kept.owner_id if kept and chosen == "keep" else None
