"""What was just done, above the page that it led to; and, where it can be taken back, the button for that."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import audit, db, marks, queries, undoing, views
from onboarding.db import reading, transaction
from onboarding.errors import NotEligible
from onboarding.models import AuditEntry
from onboarding.operators import Who
from onboarding.web import console_frame, pages
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

# A row of the trail has a number of 64 bits.
_DIGITS_AT_MOST: Final = 18


@dataclass(frozen=True, slots=True)
class Done:
    """A row of the trail as a page tells it: what was done, and whether it can be undone now."""

    number: int
    action: str
    can_be_undone: bool


def done(session: Session, request: Request, who: Who) -> Done | None:
    """What the address says that this one has just done."""
    number = _number(request.query_params.get("done", ""))
    entry = session.get(AuditEntry, number) if number else None
    if entry is None or (entry.actor, entry.outcome) != (who.id, "done"):
        return None
    if entry.at <= db.clock(session) - undoing.LASTS:
        return None
    return Done(entry.number, entry.action, undoing.offered(session, who, entry.number))


def after(session: Session, path: str) -> str:
    """Where to go after what this transaction did: the page says what that was."""
    return f"{path}{'&' if '?' in path else '?'}done={audit.head(session)}"


@router.post("/{locale}/console/undo/{number}")
def undo(request: Request, locale: str, number: str) -> Response:
    """Take it back. What somebody has changed since stays as it is."""
    wanted, ring = _number(number), request.app.state.ring
    try:
        with transaction() as session:
            who = console_frame.who(session, request)
            entry = undoing.undo(session, ring, who, wanted)
            here = after(session, _place(session, entry))
    except NotEligible as error:
        with transaction() as session:
            who = console_frame.who(session, request)
            undoing.refused(session, ring, who, wanted, error.code)
        raise
    return RedirectResponse(pages.path_for(request, here), 303)


@router.get("/{locale}/console/undo/{number}")
def go_back(request: Request, locale: str, number: str) -> Response:
    """Where a refusal was shown: in the other language, there is nothing to see."""
    with reading() as session:
        console_frame.who(session, request)
    return RedirectResponse(pages.path_for(request, console_frame.HOME), 303)


def _number(text: str) -> int:
    """0 is nobody's row."""
    plain = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_AT_MOST
    return int(text) if plain else 0


def _place(session: Session, entry: AuditEntry) -> str:
    """The page of what it was about."""
    told = entry.details
    if entry.onboarding_id:
        reference = queries.references(session, [entry.onboarding_id])[entry.onboarding_id]
        return f"{console_frame.HOME}/onboardings/{reference}"
    if told["action"] == marks.ACTION:
        return f"{console_frame.HOME}/causes/{quote(told['task'])}/{quote(told['code'])}"
    return f"{console_frame.HOME}/onboardings?{views.query_of(session, told['view'])}"
