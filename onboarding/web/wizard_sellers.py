"""Whom the client of a connection may act for: its sellers, and links by which more of them are asked.

The owner asks; the seller consents, on the pages of `wizard_invited`.
"""

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import further_sellers, invitations, links, ownership, presented, proofs
from onboarding.db import reading, transaction
from onboarding.errors import FreshProofNeeded, NotEligible, NotFound
from onboarding.ids import read_uuid
from onboarding.models import BrowserSession, FurtherLink, Onboarding, SellerInvitation
from onboarding.presented import Linked
from onboarding.web import browser, pages, wizard_frame
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


@router.get("/{locale}/onboardings/{onboarding_id}/sellers")
def show(request: Request, locale: str, onboarding_id: str) -> Response:
    """The sellers of a connection, and the links that are open."""
    return _show(request, onboarding_id)


@router.post("/{locale}/onboardings/{onboarding_id}/sellers")
def invite(request: Request, locale: str, onboarding_id: str) -> Response:
    """Make a link for one more seller. It opens nothing, so no proof is asked for."""
    try:
        with transaction() as session:
            _visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            invitations.invite(session, onboarding.id)
    except NotEligible as error:
        return _show(request, onboarding_id, error.status, wrong=error.why)
    return _to_sellers(request, onboarding_id)


@router.post("/{locale}/onboardings/{onboarding_id}/sellers/withdraw")
def withdraw(request: Request, locale: str, onboarding_id: str, invitation: Text = "") -> Response:
    """Take a link back before a seller has consented."""
    with transaction() as session:
        _visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
        invitations.withdraw(session, onboarding.id, read_uuid(invitation))
    return _to_sellers(request, onboarding_id)


@router.get("/{locale}/onboardings/{onboarding_id}/sellers/withdraw")
def leave_form(request: Request, locale: str, onboarding_id: str) -> Response:
    """The address of a form that was sent, opened again: look afresh."""
    return _to_sellers(request, onboarding_id)


@router.get("/{locale}/seller-links/{link_id}/end")
def ask_to_end(request: Request, locale: str, link_id: str) -> Response:
    """What ending the link with another seller does, before it is done: to its owner, and to that seller."""
    with reading() as session:
        visitor, link, owns = _found(session, request, link_id)
        fresh = owns or ownership.has_just_signed_in(session, visitor)
    back = _back(request, link, owns=owns)
    if link.ended_at is not None:
        return RedirectResponse(back, 303)
    return pages.page(
        request, "wizard/end_further_link.html", link=link, owns=owns, fresh=fresh, back=back
    )


@router.post("/{locale}/seller-links/{link_id}/end")
def end(request: Request, locale: str, link_id: str) -> Response:
    """End it; all other links stay. Either of the two may, with a proof of a moment ago."""
    try:
        with transaction() as session:
            visitor, link, owns = _found(session, request, link_id)
            back = _back(request, link, owns=owns)
            prove = (
                f"{wizard_frame.home(request, link.onboarding_id)}/proof"
                "?before=end_further_link&then=sellers"
            )
            proofs.touch(session, visitor)
            _require_fresh(session, visitor, link, owns=owns)
            further_sellers.end(session, link.id, proofs.actor(visitor))
    except FreshProofNeeded:
        # A seller's own page asks to sign in.
        return RedirectResponse(prove, 303) if owns else ask_to_end(request, locale, link_id)
    return RedirectResponse(back, 303)


def _show(
    request: Request, onboarding_id: str, status: int = 200, wrong: str | None = None
) -> Response:
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        client = invitations.client_of(session, onboarding)
        own = links.live_link(session, onboarding.id)
        further = further_sellers.alive(session, onboarding.id)
        asked = invitations.open_ones(session, onboarding.id)
        shown = [_described(session, each) for each in further]
        first = _described(session, own) if own else None
    if client is None:
        return wizard_frame.to_home(request, onboarding_id)
    _ = pages.translator_of(request)
    return wizard_frame.framed(
        request,
        onboarding,
        "sellers.html",
        status,
        client=client,
        own=first,
        further=shown,
        asked=[_asked(request, each) for each in asked],
        days=invitations.LASTS.days,
        errors={"": _(wrong)} if wrong else {},
        step=None,
        back=pages.path_for(request, "/connections"),
    )


def _described(session: Session, link: Linked) -> dict[str, Any]:
    return {"link": link, "suspended": presented.is_suspended(session, link)}


def _asked(request: Request, invitation: SellerInvitation) -> dict[str, Any]:
    """A link as it is sent to a seller, in the language of whoever sends it."""
    state, locale = request.app.state, pages.locale_of(request)
    return {
        "id": invitation.id,
        "url": invitations.url(state.ring, state.settings.base_url, locale, invitation.id),
        "ends_at": invitations.ends_at(invitation),
    }


def _found(
    session: Session, request: Request, link_id: str
) -> tuple[BrowserSession, FurtherLink, bool]:
    """A link, for whoever owns the client or is the seller; and whether it is the owner.

    Raises NotFound for everybody else, whether there is such a link or not.
    """
    visitor = browser.known(session, request)
    link = further_sellers.find(session, read_uuid(link_id))
    if visitor is None or link is None:
        raise NotFound
    if further_sellers.is_theirs(link, visitor):
        return visitor, link, False
    if not proofs.may_move(session, visitor, link.onboarding_id):
        raise NotFound
    return visitor, link, True


def _require_fresh(
    session: Session, visitor: BrowserSession, link: FurtherLink, *, owns: bool
) -> None:
    """Raises FreshProofNeeded."""
    if owns:
        onboarding = session.get_one(Onboarding, link.onboarding_id)
        browser.require_fresh(session, visitor, onboarding)
    elif not ownership.has_just_signed_in(session, visitor):
        raise FreshProofNeeded


def _back(request: Request, link: FurtherLink, *, owns: bool) -> str:
    if owns:
        return f"{wizard_frame.home(request, link.onboarding_id)}/sellers"
    return pages.path_for(request, "/connections")


def _to_sellers(request: Request, onboarding_id: str) -> RedirectResponse:
    return RedirectResponse(f"{wizard_frame.home(request, onboarding_id)}/sellers", 303)
