"""What somebody comes back to: every connection of this browser and of the seller account, and the way out."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import connections, deadlines, expiring, further_sellers, own_keys, queries
from onboarding.db import reading, transaction
from onboarding.models import BrowserSession, FurtherLink, Link, Onboarding
from onboarding.web import browser, pages, signin, wizard_frame
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_STOPPED = ("cancelled", "expired")


@router.get("/{locale}/connections")
def show(request: Request, locale: str) -> Response:
    """Your API connections: what each waits for, and the way to it."""
    with reading() as session:
        visitor = browser.known(session, request)
        found = _connections(session, visitor) if visitor else []
        described = _described(session, request, found)
        unlinked = _unlinked(session, visitor, found) if visitor else []
        allowed = _allowed(session, visitor) if visitor else []
    return pages.page(
        request,
        "wizard/connections.html",
        connections=described,
        unlinked=unlinked,
        allowed=[each for each in allowed if each[0].ended_at is None],
        stopped=[each for each in allowed if each[0].ended_at is not None],
        visitor=visitor,
        accounts=signin.accounts(visitor) if visitor else [],
        notice=wizard_frame.sign_in_notice(request),
    )


@router.post("/{locale}/sign-out")
def sign_out(request: Request, locale: str) -> Response:
    """Forget this browser; whoever signed in to a seller account signs out there as well."""
    with transaction() as session:
        visitor = browser.known(session, request)
        signed_in = visitor is not None and visitor.subject is not None
        browser.forget(session, request)
    response: Response = RedirectResponse(pages.path_for(request, "/connections"), 303)
    if signed_in:
        response = signin.leave_signed_out(request)
    browser.take_back(response, request)
    return response


@router.get("/{locale}/sign-in")
@router.get("/{locale}/sign-out")
def leave_form(request: Request, locale: str) -> Response:
    """The address of a form that was sent, opened again or in another language: look afresh."""
    return RedirectResponse(pages.path_for(request, "/connections"), 303)


def _connections(session: Session, visitor: BrowserSession) -> list[Onboarding]:
    """Each once, begun here or linked to the account; the newest first, what has stopped last."""
    found = {each.id: each for each in queries.for_browser(session, visitor.id)}
    if visitor.issuer and visitor.subject:
        linked = queries.for_seller(session, visitor.issuer, visitor.subject)
        found |= {each.id: each for each in linked}
    newest_first = sorted(found.values(), key=lambda each: each.id, reverse=True)
    return sorted(newest_first, key=lambda each: each.state in _STOPPED)


def _unlinked(
    session: Session, visitor: BrowserSession, shown: list[Onboarding]
) -> list[tuple[Link, Onboarding]]:
    """What was linked to the account, and is no longer: this browser holds nothing of it."""
    if not (visitor.issuer and visitor.subject):
        return []
    known = {each.id for each in shown}
    found = connections.unlinked_from(session, visitor.issuer, visitor.subject)
    return [(link, onboarding) for link, onboarding in found if onboarding.id not in known]


def _allowed(session: Session, visitor: BrowserSession) -> Sequence[tuple[FurtherLink, Onboarding]]:
    """Whom the person has let act for their seller accounts, and does no longer."""
    if not (visitor.issuer and visitor.subject):
        return []
    return further_sellers.of_account(session, visitor.issuer, visitor.subject)


def _described(
    session: Session, request: Request, found: Sequence[Onboarding]
) -> list[dict[str, Any]]:
    """Each with its client ID, what has ended of it, and when its secret does."""
    ids = [each.id for each in found]
    clients = queries.live_client_ids(session, ids)
    ended = connections.ended_of(session, ids)
    secrets = expiring.ends(session, ids)
    by_key = own_keys.holders(session, ids)
    return [
        {
            "onboarding": each,
            "href": wizard_frame.home(request, each.id),
            "client_id": clients.get(each.id),
            # When time ends it, or destroys what it waits for, if nobody moves.
            "until": deadlines.ends_at(each),
            "ended": ended.get(each.id),
            "expiring": secrets.get(each.id),
            "by_key": each.id in by_key,
        }
        for each in found
    ]
