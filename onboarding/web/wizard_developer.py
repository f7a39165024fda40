"""The seller's pages while a developer receives the secret: naming one, waiting, signing in meanwhile.

None of them shows the secret or offers to. Naming somebody hands the secret over, so it asks for the
same fresh proof as showing it does.
"""

from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import connections, deadlines, developers, handover, ownership, proofs
from onboarding.db import reading, transaction
from onboarding.errors import FreshProofNeeded, Invalid, MovedOn, NotEligible, TooMany
from onboarding.links import SellerAccount
from onboarding.models import BrowserSession, Onboarding
from onboarding.web import browser, fields, pages, signin, wizard_frame
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed, sequence_of

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


def show(
    session: Session, request: Request, visitor: BrowserSession, onboarding: Onboarding
) -> Response:
    """Whom it waits for, since when, and what the seller can do meanwhile."""
    named = developers.named(session, onboarding)
    client, secret, _link = connections.parts(session, onboarding.id)
    if named is None:
        # Taken back since this looked: the page is another one.
        return wizard_frame.to_home(request, onboarding.id)
    return wizard_frame.framed(
        request,
        onboarding,
        "handed_over.html",
        named=named,
        who=developers.in_short(named.email),
        client_id=client.id if client else "",
        by_key=bool(secret and secret.jwk),
        ends_at=deadlines.ends_at(onboarding),
        signed_in=visitor.subject is not None,
        usable=signin.usable(visitor),
    )


@router.get("/{locale}/onboardings/{onboarding_id}/developer")
def ask_whom(request: Request, locale: str, onboarding_id: str) -> Response:
    """Who is to receive the secret; asked of somebody who has just shown who they are."""
    with reading() as session:
        visitor, onboarding = browser.owned(session, request, onboarding_id)
        if not _may_be_named(onboarding):
            return wizard_frame.to_home(request, onboarding_id)
        known = ownership.knows_contact(session, proofs.actor(visitor), onboarding)
        try:
            browser.require_fresh(session, visitor, onboarding)
        except FreshProofNeeded:
            where = "/proof" if known else ""
            return RedirectResponse(f"{wizard_frame.home(request, onboarding_id)}{where}", 303)
    return _show_form(request, onboarding)


@router.post("/{locale}/onboardings/{onboarding_id}/developer")
def name(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """Name a developer, or another one in place of the first."""
    email = fields.email(typed.get("email", ""))
    if email is None:
        what = fields.no_email(request, typed.get("email", ""))
        return _show_again(request, onboarding_id, what, typed)
    try:
        with transaction() as session:
            visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            browser.require_fresh(session, visitor, onboarding)
            who, seen = proofs.actor(visitor), sequence_of(typed)
            handover.name(session, onboarding.id, who, email, expected=seen)
    except FreshProofNeeded:
        return RedirectResponse(f"{wizard_frame.home(request, onboarding_id)}/proof", 303)
    except (MovedOn, NotEligible):
        return wizard_frame.too_late(request, onboarding_id, "name", None)
    except TooMany as error:
        return wizard_frame.too_many(request, onboarding_id, error)
    except Invalid:
        _ = pages.translator_of(request)
        what = _("This is your own address. Enter the address of your developer")
        return _show_again(request, onboarding_id, what, typed)
    return wizard_frame.to_home(request, onboarding_id)


@router.post("/{locale}/onboardings/{onboarding_id}/developer-withdrawal")
def withdraw(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """Take it back; what the developer has seen is replaced by a new secret."""
    try:
        with transaction() as session:
            visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            who, seen = proofs.actor(visitor), sequence_of(typed)
            handover.withdraw(session, onboarding.id, who, expected=seen)
    except (MovedOn, NotEligible):
        return wizard_frame.too_late(request, onboarding_id, "withdraw", None)
    return wizard_frame.to_home(request, onboarding_id)


def choose(
    request: Request, onboarding_id: str, account: SellerAccount, sequence: int | None
) -> Response:
    """Keep the account to link, until the developer has the secret."""
    try:
        with transaction() as session:
            _visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            handover.choose_account(session, onboarding.id, account, expected=sequence)
    except (MovedOn, NotEligible):
        return wizard_frame.too_late(request, onboarding_id, "link_seller", sequence)
    return wizard_frame.to_home(request, onboarding_id)


def _may_be_named(onboarding: Onboarding) -> bool:
    kind = onboarding.connection_type
    return onboarding.state in developers.STATES and kind != "credentials_only"


def _show_again(
    request: Request, onboarding_id: str, error: str, typed: dict[str, str]
) -> Response:
    _visitor, onboarding = wizard_frame.look(request, onboarding_id)
    if not _may_be_named(onboarding):
        return wizard_frame.to_home(request, onboarding_id)
    kept = {"email": typed.get("email", "")}
    return _show_form(request, onboarding, 422, errors={"email": error}, typed=kept)


def _show_form(
    request: Request, onboarding: Onboarding, status: int = 200, **wrong: Any
) -> Response:
    with reading() as session:
        named = developers.named(session, onboarding)
    return wizard_frame.framed(
        request,
        onboarding,
        "developer.html",
        status,
        who=developers.in_short(named.email) if named else "",
        suggested=str(onboarding.answers.get("developer_email") or ""),
        back=wizard_frame.home(request, onboarding.id),
        **wrong,
    )
