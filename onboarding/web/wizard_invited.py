"""A seller who is asked to let a client act for them: who asks, signing in, and the consent.

Looking changes nothing, and the link alone opens nothing. Before the sign-in it says nothing of who asks:
whoever finds the link learns nothing by it.
"""

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import addresses, further_sellers, invitations, ownership, proofs
from onboarding.db import reading, transaction
from onboarding.errors import NotEligible, NotFound
from onboarding.models import BrowserSession, Onboarding, SellerInvitation, System
from onboarding.web import browser, pages, signin, wizard_frame, wizard_link
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

GONE: Final = 410


@router.api_route("/{locale}/invitations/{token}", methods=["GET", "HEAD"])
def show(request: Request, locale: str, token: str) -> Response:
    """Asks to sign in; then, whether this account may be acted for, and by whom."""
    return _show(request, token)


@router.post("/{locale}/invitations/{token}/sign-in")
def sign_in(request: Request, locale: str, token: str) -> Response:
    """Leave for the Seller Portal, which asks again who it is: consent is for whoever is here now."""
    with reading() as session:
        found = invitations.find(session, request.app.state.ring, token)
    if found is None:
        return _over(request)
    return signin.sign_in_to_consent(request, _here(request, token), found[0].id)


@router.get("/{locale}/invitations/{token}/sign-in")
def leave_form(request: Request, locale: str, token: str) -> Response:
    """The address of a form that was sent, opened again: look afresh."""
    return RedirectResponse(_here(request, token), 303)


@router.post("/{locale}/invitations/{token}")
def accept(request: Request, locale: str, token: str, seller_id: Text = "") -> Response:
    """Let the client act for one of the accounts that this browser has just signed in to, and no other."""
    _ = pages.translator_of(request)
    try:
        with transaction() as session:
            visitor, invitation = _consenting(session, request, token)
            proofs.touch(session, visitor)
            usable = signin.usable(visitor)
            chosen = next((a for a in usable if a.seller_id == seller_id), None)
            if chosen is not None:
                account = wizard_link.account_of(visitor, chosen)
                further_sellers.accept(session, invitation.id, proofs.actor(visitor), account)
    except NotFound:
        # Over, or too long since the sign-in: looking at the link again tells which.
        return RedirectResponse(_here(request, token), 303)
    except NotEligible as error:
        return _show(request, token, error.status, {"": _(error.why)})
    if chosen is None:
        wrong = {"seller_id": _("Select a seller account")} if usable else {}
        return _show(request, token, 422, wrong)
    return RedirectResponse(pages.path_for(request, "/connections"), 303)


def _consenting(
    session: Session, request: Request, token: str
) -> tuple[BrowserSession, SellerInvitation]:
    """Who has just signed in, and what they are asked. Raises NotFound."""
    visitor = browser.known(session, request)
    found = invitations.find(session, request.app.state.ring, token)
    if visitor is None or found is None or not ownership.has_just_signed_in(session, visitor):
        raise NotFound
    return visitor, found[0]


def _show(
    request: Request, token: str, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    with reading() as session:
        visitor = browser.known(session, request)
        found = invitations.find(session, request.app.state.ring, token)
        if found is None:
            return _after(session, request, visitor, token)
        invitation, onboarding = found
        signed_in = visitor is not None and ownership.has_just_signed_in(session, visitor)
        who_asks = _who_asks(session, onboarding) if signed_in else None
    about: dict[str, Any] = {"here": _here(request, token), "errors": errors or {}}
    if visitor is None or not signed_in:
        return pages.page(
            request, "wizard/invited.html", notice=wizard_frame.sign_in_notice(request), **about
        )
    usable = signin.usable(visitor)
    return pages.page(
        request,
        "wizard/invited_consent.html" if usable else "wizard/invited_unusable.html",
        status,
        client_id=invitation.client_id,
        who_asks=who_asks,
        reference=onboarding.reference,
        seller_name=visitor.seller_name,
        usable=usable,
        unusable=[a for a in signin.accounts(visitor) if a not in usable],
        **about,
    )


def _who_asks(session: Session, onboarding: Onboarding) -> str | None:
    """Whoever has proved an address, or the calling system; None: nobody whom we know by name."""
    if addresses.is_proved(session, onboarding):
        return onboarding.contact_email
    system = session.get(System, onboarding.system_id) if onboarding.system_id else None
    return system.name if system else None


def _after(
    session: Session, request: Request, visitor: BrowserSession | None, token: str
) -> Response:
    """A link that is over. Whoever has accepted it, by a first click, is shown what came of it."""
    invitation_id = invitations.known(request.app.state.ring, token)
    link = further_sellers.of_invitation(session, invitation_id) if invitation_id else None
    if visitor is not None and link is not None and further_sellers.is_theirs(link, visitor):
        return RedirectResponse(pages.path_for(request, "/connections"), 303)
    return _over(request)


def _over(request: Request) -> Response:
    return pages.page(request, "wizard/invited_over.html", GONE)


def _here(request: Request, token: str) -> str:
    return pages.path_for(request, f"/invitations/{token}")
