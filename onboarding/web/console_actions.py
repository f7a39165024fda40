"""Doing something to an onboarding: looked at first, then carried out with a reason."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import actions, db, deadlines, notices, previews, queries, runs, standing, undoing
from onboarding.actions import ACTIONS, letters
from onboarding.chart import MAY_FIRE
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, Refusal, SignInNeeded
from onboarding.models import Onboarding
from onboarding.runs import ALONE
from onboarding.web import console_frame, console_undo, pages
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

# Their letters are about where it stands; the others' are about where it will.
_ABOUT_NOW: Final = frozenset({"resend", "nudge"})


@router.get("/{locale}/console/onboardings/{reference}/{action}")
def look(request: Request, locale: str, reference: str, action: str) -> Response:
    """What an action will do, before it is done. Nothing is written."""
    return _preview(request, reference, action)


@router.post("/{locale}/console/onboardings/{reference}/{action}")
def carry_out(
    request: Request,
    locale: str,
    reference: str,
    action: str,
    reason: Text = "",
    choice: Text = "",
    preview: Text = "",
) -> Response:
    """Do what was looked at. Whatever comes of it is in the trail."""
    ring, here = request.app.state.ring, f"{console_frame.HOME}/onboardings/{reference}"
    try:
        with transaction() as session:
            who = console_frame.who(session, request, actions.of(action).permission)
            onboarding = queries.by_reference(session, reference)
            chosen = previews.opened(ring, preview, who.id, db.clock(session))
            if (chosen.action, chosen.items[0][0]) != (action, onboarding.id):
                raise NotFound
            if runs.needs_another(request.app.state.settings, action, many=False):
                run = runs.begin(session, ring, who, chosen, reason, ALONE, proposed=True)
                here = f"{console_frame.HOME}/bulk/{run.number}"
            else:
                actions.carry_out(session, ring, who, chosen, reason, choice)
                here = console_undo.after(session, here)
    except Invalid as error:
        console_frame.write_down(request, reference, action, reason, error)
        return _preview(request, reference, action, error, {"reason": reason, "choice": [choice]})
    except SignInNeeded:
        raise
    except Refusal as error:
        if action in ACTIONS:
            console_frame.write_down(request, reference, action, reason, error)
        raise
    return RedirectResponse(pages.path_for(request, here), 303)


def letter_of(
    request: Request, session: Session, onboarding: Onboarding, action: str
) -> tuple[str, str] | None:
    """Subject and text of what would be sent for where it stands now; None for what is not a letter."""
    if action not in _ABOUT_NOW:
        return None
    stands = standing.of(session, onboarding)
    if (notice := ACTIONS[action].letter(stands)) is None:
        return None
    about, sequence = {"notice": notice}, onboarding.sequence
    if action == "resend":
        about, sequence = letters.about_latest(session, stands), stands.news.sequence
    settings = request.app.state.settings
    return notices.previewed(session, onboarding, about, sequence, settings)


def _preview(
    request: Request,
    reference: str,
    action: str,
    wrong: Invalid | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    with reading() as session:
        who = console_frame.who(session, request)
        onboarding = queries.by_reference(session, reference)
        chosen = actions.preview(session, onboarding, action, who)
        options = actions.options(session, ACTIONS[action])
        letter = letter_of(request, session, onboarding, action)
    return console_frame.page(
        request,
        who,
        "action.html",
        422 if wrong else 200,
        onboarding=onboarding,
        action=ACTIONS[action],
        sealed=previews.sealed(request.app.state.ring, chosen),
        options=options,
        letter=letter,
        may_fire=MAY_FIRE,
        proposed=runs.needs_another(request.app.state.settings, action, many=False),
        ends_at=deadlines.ends_at(onboarding),
        reason=actions.REASON,
        reversible=action in undoing.REVERSIBLE,
        errors=console_frame.wrong(request, wrong) if wrong else {},
        typed=typed or {},
    )
