"""The pages of the seller's part: signing in, choosing the account, checking it all, confirming."""

from functools import partial
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from onboarding import connections, credentials, developers, links, queries
from onboarding.access import Actor
from onboarding.db import reading
from onboarding.errors import EventNotAllowed, Unavailable
from onboarding.models import BrowserSession, Onboarding
from onboarding.sellers import SellerAccount
from onboarding.web import browser, pages, signin, wizard_aggregator, wizard_developer, wizard_frame
from onboarding.web.fields import Sequence, Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


class _NothingToLinkTo(Unavailable):
    """An operator has approved an aggregator that the registry does not have."""


def show(
    session: Session, request: Request, visitor: BrowserSession, onboarding: Onboarding
) -> Response:
    """The page of a state between the chosen type and the end."""
    match onboarding.state:
        case "checking_aggregator":
            return wizard_aggregator.show_checking(session, request, onboarding)
        case "awaiting_aggregator":
            return wizard_aggregator.show_awaiting(session, request, onboarding)
        case "awaiting_seller":
            return _show_sign_in(session, request, visitor, onboarding)
        case "seller_linked":
            return _show_check(session, request, onboarding)
        case _:
            return wizard_frame.waiting(session, request, onboarding, "verify_connection")


def parts(session: Session, onboarding: Onboarding) -> dict[str, Any]:
    """What a connection consists of, as far as it exists: for its pages to show."""
    return connections.parts(session, onboarding.id)._asdict()


@router.post("/{locale}/onboardings/{onboarding_id}/link")
def link(
    request: Request,
    locale: str,
    onboarding_id: str,
    seller_id: Text = "",
    sequence: Sequence = None,
) -> Response:
    """Link one of the accounts that this browser has signed in to, and no other."""
    visitor, onboarding = wizard_frame.look(request, onboarding_id)
    chosen = next((a for a in signin.usable(visitor) if a.seller_id == seller_id), None)
    if chosen is not None and developers.is_waited_for(onboarding):
        return wizard_developer.choose(
            request, onboarding_id, account_of(visitor, chosen), sequence
        )
    if chosen is not None:
        return _try_to_link(request, visitor, onboarding, chosen, sequence)
    if onboarding.state != "awaiting_seller":
        return wizard_frame.too_late(request, onboarding_id, "link_seller", sequence)
    _ = pages.translator_of(request)
    errors = {"seller_id": _("Select a seller account")} if signin.usable(visitor) else {}
    with reading() as session:
        return _show_sign_in(session, request, visitor, onboarding, 422, errors=errors)


@router.get("/{locale}/onboardings/{onboarding_id}/unlink")
def ask_to_unlink(request: Request, locale: str, onboarding_id: str) -> Response:
    """What changing the account does, before it is done."""
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        linked = links.live_link(session, onboarding.id)
    if onboarding.state != "seller_linked" or linked is None:
        return wizard_frame.to_home(request, onboarding_id)
    back = wizard_frame.home(request, onboarding_id)
    return wizard_frame.framed(request, onboarding, "unlink.html", link=linked, back=back)


@router.post("/{locale}/onboardings/{onboarding_id}/unlink")
def unlink(
    request: Request, locale: str, onboarding_id: str, sequence: Sequence = None
) -> Response:
    """Give the account up again; nothing has acted for it yet."""
    return wizard_frame.fire(request, onboarding_id, "unlink_seller", sequence)


@router.post("/{locale}/onboardings/{onboarding_id}/confirm")
def confirm(
    request: Request, locale: str, onboarding_id: str, sequence: Sequence = None
) -> Response:
    """Make it active, once it is proved to work."""
    return wizard_frame.fire(request, onboarding_id, "confirm", sequence)


def _try_to_link(
    request: Request,
    visitor: BrowserSession,
    onboarding: Onboarding,
    chosen: SellerAccount,
    sequence: int | None,
) -> Response:
    verb = partial(_link, account_of(visitor, chosen))
    try:
        return wizard_frame.move(request, str(onboarding.id), "link_seller", sequence, verb)
    except _NothingToLinkTo:
        _ = pages.translator_of(request)
        sentence = _(
            "%(aggregator)s is not in our registry, so there is nothing to link your account with"
            " yet. Contact us and give your reference.",
            aggregator=onboarding.aggregator_name,
        )
        with reading() as session:
            wrong = {"": sentence}
            return _show_sign_in(session, request, visitor, onboarding, 503, errors=wrong)


def _link(
    account: links.SellerAccount,
    session: Session,
    onboarding: Onboarding,
    who: Actor,
    expected: int | None,
) -> None:
    try:
        links.link_seller(session, onboarding.id, who, account, expected=expected)
    except EventNotAllowed as error:
        if error.unmet:
            raise _NothingToLinkTo from error
        raise


def account_of(visitor: BrowserSession, chosen: SellerAccount) -> links.SellerAccount:
    """The account with the identity that signed in to it: an e-mail address never stands for it."""
    return links.SellerAccount(
        issuer=visitor.issuer or "",
        subject=visitor.subject or "",
        seller_id=chosen.seller_id,
        shop_name=chosen.shop_name,
    )


def _show_sign_in(
    session: Session,
    request: Request,
    visitor: BrowserSession,
    onboarding: Onboarding,
    status: int = 200,
    **wrong: Any,
) -> Response:
    """Asks to sign in; then, which account; or says why none of them can be connected."""
    usable = signin.usable(visitor)
    template = "seller_account.html" if usable else "seller_account_unusable.html"
    if visitor.subject is None:
        template = "awaiting_seller.html"
    client = credentials.live_client(session, onboarding.id)
    return wizard_frame.framed(
        request,
        onboarding,
        template,
        status,
        client=client,
        seller_name=visitor.seller_name,
        usable=usable,
        unusable=[a for a in signin.accounts(visitor) if a not in usable],
        **wrong,
    )


def _show_check(session: Session, request: Request, onboarding: Onboarding) -> Response:
    """Everything once more before it counts; and what was wrong, if the last try did not work."""
    made = parts(session, onboarding)
    last = queries.last_step(session, onboarding.id)
    if made["link"] is None:
        # Unlinked since this looked: the page is another state's.
        return wizard_frame.to_home(request, onboarding.id)
    failed = last.event == "verification_failed"
    cause = last.details.get("cause", "other") if failed else None
    return wizard_frame.framed(request, onboarding, "seller_linked.html", cause=cause, **made)
