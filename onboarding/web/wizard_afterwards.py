"""The pages of a connection that works: another name, the end of its link, the end of its credentials.

Each says what will happen before it happens. What cannot be taken back asks for a new proof of who it is.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import connections, further_sellers, ownership, proofs
from onboarding.access import Actor
from onboarding.afterwards import DONE
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, FreshProofNeeded, Invalid, MovedOn, NotEligible
from onboarding.models import BrowserSession, Onboarding
from onboarding.names import CONNECTION_AT_MOST
from onboarding.web import browser, pages, wizard_frame, wizard_link
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed, sequence_of

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

Verb = Callable[[Session, Onboarding, Actor], object]
Proof = Callable[[Session, BrowserSession, Onboarding], None]


@router.get("/{locale}/onboardings/{onboarding_id}/name")
def ask_for_name(request: Request, locale: str, onboarding_id: str) -> Response:
    """The name of the connection, to be changed."""
    return _ask(request, onboarding_id, "name.html")


@router.post("/{locale}/onboardings/{onboarding_id}/name")
def rename(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """Give it this name. Of two tabs the later one has its way."""
    name = typed.get("connection_name", "")
    try:
        with transaction() as session:
            visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            connections.rename(session, onboarding.id, proofs.actor(visitor), name)
    except Invalid:
        errors = {"connection_name": _fault(request, name)}
        return _ask(request, onboarding_id, "name.html", 422, errors=errors, typed=typed)
    except EventNotAllowed:
        return wizard_frame.to_home(request, onboarding_id)
    return _to_connections(request)


@router.get("/{locale}/onboardings/{onboarding_id}/revoke")
def ask_to_revoke(request: Request, locale: str, onboarding_id: str) -> Response:
    """What revoking the credentials ends, before it is done."""
    return _ask(request, onboarding_id, "revoke.html", needs="client")


@router.post("/{locale}/onboardings/{onboarding_id}/revoke")
def revoke(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """End the client ID, its secret and its link."""
    expected = sequence_of(typed)

    def verb(session: Session, onboarding: Onboarding, who: Actor) -> None:
        connections.revoke(session, onboarding.id, who, expected=expected)

    return _end(request, onboarding_id, "revoke_credentials", expected, verb)


@router.get("/{locale}/onboardings/{onboarding_id}/end-link")
def ask_to_unlink(request: Request, locale: str, onboarding_id: str) -> Response:
    """What ending the link does, before it is done."""
    return _ask(request, onboarding_id, "end_link.html", needs="link")


@router.post("/{locale}/onboardings/{onboarding_id}/end-link")
def unlink(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """End the link with the seller account."""
    expected = sequence_of(typed)

    def verb(session: Session, onboarding: Onboarding, who: Actor) -> None:
        connections.unlink(session, onboarding.id, who, expected=expected)

    return _end(request, onboarding_id, "end_link", expected, verb, _proof_for_the_link)


def _end(
    request: Request,
    onboarding_id: str,
    event: str,
    expected: int | None,
    verb: Verb,
    require: Proof = browser.require_fresh,
) -> Response:
    """Carry it out, then show what is left. Whoever was signed in to what was linked may not look any more."""
    try:
        with transaction() as session:
            visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            require(session, visitor, onboarding)
            verb(session, onboarding, proofs.actor(visitor))
            stays = proofs.may_move(session, visitor, onboarding.id)
    except FreshProofNeeded:
        then = "end-link" if event == "end_link" else "revoke"
        here = f"{wizard_frame.home(request, onboarding_id)}/proof?before={event}&then={then}"
        return RedirectResponse(here, 303)
    except NotEligible:
        return wizard_frame.to_home(request, onboarding_id)
    except (MovedOn, EventNotAllowed):
        return wizard_frame.too_late(request, onboarding_id, event, expected)
    return wizard_frame.to_home(request, onboarding_id) if stays else _to_connections(request)


def _proof_for_the_link(session: Session, visitor: BrowserSession, onboarding: Onboarding) -> None:
    """Whose account is linked may end that, whoever has made the client ID. Raises FreshProofNeeded."""
    if not ownership.is_of_link(session, visitor, onboarding) or not proofs.is_fresh(
        session, visitor
    ):
        browser.require_fresh(session, visitor, onboarding)


def _ask(
    request: Request,
    onboarding_id: str,
    template: str,
    status: int = 200,
    *,
    needs: str | None = None,
    **more: Any,
) -> Response:
    """A page that asks; where there is nothing to ask about, what is the case."""
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        made = wizard_link.parts(session, onboarding)
        others = len(further_sellers.alive(session, onboarding.id))
    if onboarding.state not in DONE or (needs and made[needs] is None):
        return wizard_frame.to_home(request, onboarding_id)
    lasts = -(-request.app.state.settings.token_lasts // 60)
    asked = {
        "others": others,
        "step": None,
        "back": pages.path_for(request, "/connections"),
        "minutes": lasts,
    }
    return wizard_frame.framed(
        request, onboarding, template, status, longest=CONNECTION_AT_MOST, **(made | asked | more)
    )


def _fault(request: Request, name: str) -> str:
    _ = pages.translator_of(request)
    if not name:
        return _("Enter a name for the connection")
    if len(name) > CONNECTION_AT_MOST:
        sentence = "The name of the connection must be %(longest)s characters or fewer"
        return _(sentence, longest=CONNECTION_AT_MOST)
    return _("The name of the connection holds a character that we cannot read")


def _to_connections(request: Request) -> RedirectResponse:
    return RedirectResponse(pages.path_for(request, "/connections"), 303)
