"""Signing in to the seller account, at the marketplace's identity provider and back.

This is the one place where a page calls a third party: a person waits for the answer. We never see
a marketplace password.
"""

from dataclasses import asdict
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import db, invitations, lifecycle, logs, names, proofs, sign_ins
from onboarding.db import transaction
from onboarding.errors import NotFound
from onboarding.models import BrowserSession, PendingSignIn
from onboarding.retrying import retried
from onboarding.sellers import (
    SellerAccount,
    SellerIdentity,
    SignInRefused,
    SignInUnavailable,
    oidc,
)
from onboarding.settings import Settings
from onboarding.web import browser, pages, wizard_frame
from onboarding.web.fields import Text
from onboarding.web.quotas import network
from onboarding.web.refusals import QuotaExceeded, TooManySignIns
from onboarding.web.retried_route import RetriedRoute

log = logs.get(__name__)

router = APIRouter(
    include_in_schema=False,
    route_class=RetriedRoute,
    dependencies=[Depends(wizard_frame.our_language)],
)

CALLBACK: Final = "/sign-in/callback"
# Characters that our tables keep of a shop's or a person's name, and of a Seller ID.
_LONGEST_NAME: Final = 120
_LONGEST_SELLER_ID: Final = 40


def accounts(visitor: BrowserSession) -> list[SellerAccount]:
    """Every seller account that this browser's sign-in told of."""
    return [SellerAccount(**each) for each in visitor.accounts.get("accounts", [])]


def usable(visitor: BrowserSession) -> list[SellerAccount]:
    """Those that this person may connect."""
    return [a for a in accounts(visitor) if a.may_connect_api and a.status == "active"]


@router.post("/{locale}/onboardings/{onboarding_id}/sign-in")
def sign_in(request: Request, locale: str, onboarding_id: str, another: Text = "") -> Response:
    """Leave for the Seller Portal; `another` asks it not to reuse an earlier sign-in."""
    way_back = wizard_frame.home(request, onboarding_id)
    wizard_frame.look(request, onboarding_id)
    try:
        url, pending = _begin(request, locale, fresh=bool(another))
    except (SignInRefused, SignInUnavailable, TooManySignIns) as error:
        return _not_begun(request, way_back, error)
    with transaction() as session:
        visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
        session.add(_row(pending, visitor, locale, onboarding_id=onboarding.id))
    return leave(request, url)


@router.post("/{locale}/sign-in")
def sign_in_to_see(request: Request, locale: str, another: Text = "") -> Response:
    """Sign in to see one's connections, without an onboarding at hand."""
    way_back = pages.path_for(request, "/connections")
    return _sign_in_anew(request, locale, way_back, fresh=bool(another))


def sign_in_to_consent(request: Request, way_back: str, invitation_id: UUID) -> Response:
    """Sign in, whoever signed in here before, to let a client act for a seller account."""
    locale = pages.locale_of(request)
    return _sign_in_anew(request, locale, way_back, fresh=True, invitation_id=invitation_id)


def leave(request: Request, url: str) -> Response:
    """To the Seller Portal, by a page that needs neither JavaScript nor a redirect of a form."""
    return pages.page(request, "wizard/leaving.html", url=url)


def leave_signed_out(request: Request) -> Response:
    """To the page where the Seller Portal's own sign-in ends; where there is none, that it goes on."""
    try:
        url = oidc.sign_out_url(request.app.state.provider, pages.locale_of(request))
    except (SignInRefused, SignInUnavailable):
        url = None
    if url:
        return leave(request, url)
    here = pages.path_for(request, "/connections")
    return RedirectResponse(f"{here}?{urlencode({'sign_in': 'goes_on'})}", 303)


@router.get(CALLBACK)
def callback(request: Request) -> Response:
    """Back from the Seller Portal. The row is taken out first: an answer counts once."""
    row = _take(request)
    if row is None:
        return _over(request)
    way_back = _way_back(request, row)
    pending = _pending(row, request.app.state.settings)
    try:
        identity = oidc.complete(request.app.state.provider, pending, request.query_params)
    except (SignInRefused, SignInUnavailable) as error:
        return _without_success(way_back, error)
    token = _keep(row, identity)
    if token is None:
        return _over(request)
    response = RedirectResponse(way_back, 303)
    browser.remember(response, request, token)
    return response


def _sign_in_anew(
    request: Request, locale: str, way_back: str, *, fresh: bool, invitation_id: UUID | None = None
) -> Response:
    """Whoever it is, with a browser session from now on."""
    try:
        url, pending = _begin(request, locale, fresh=fresh)
    except (SignInRefused, SignInUnavailable, TooManySignIns) as error:
        return _not_begun(request, way_back, error)
    with transaction() as session:
        visitor, token = browser.known_or_new(session, request)
        session.flush()  # The pending sign-in refers to the session, which may be new.
        session.add(_row(pending, visitor, locale, invitation_id=invitation_id))
    response = leave(request, url)
    browser.remember(response, request, token)
    return response


def _begin(request: Request, locale: str, *, fresh: bool) -> tuple[str, oidc.Pending]:
    """Anybody may, without an account: so it is counted before it costs anything.

    Raises TooManySignIns, SignInRefused and SignInUnavailable.
    """
    try:
        request.app.state.quotas.of_sign_ins.take(request, network(request))
    except QuotaExceeded:
        raise TooManySignIns from None
    redirect_uri = request.app.state.settings.base_url + CALLBACK
    return oidc.begin(request.app.state.provider, redirect_uri, locale, fresh=fresh)


def _not_begun(
    request: Request, way_back: str, error: SignInRefused | SignInUnavailable | TooManySignIns
) -> Response:
    if isinstance(error, TooManySignIns):
        _ = pages.translator_of(request)
        return pages.refusal(request, error, _("Go back"), way_back)
    return _without_success(way_back, error)


def _over(request: Request) -> Response:
    return pages.page(request, "wizard/sign_in_over.html", NotFound.status)


def _without_success(way_back: str, error: SignInRefused | SignInUnavailable) -> Response:
    """To where the person came from; the page there says what happened."""
    log.info("sign_in_failed", code=error.code, reason=error.reason)
    reason = "unavailable" if isinstance(error, SignInUnavailable) else error.reason
    return RedirectResponse(f"{way_back}?{urlencode({'sign_in': reason})}", 303)


def _row(
    pending: oidc.Pending,
    visitor: BrowserSession,
    locale: str,
    onboarding_id: UUID | None = None,
    invitation_id: UUID | None = None,
) -> PendingSignIn:
    return PendingSignIn(
        state=pending.state,
        session_id=visitor.id,
        onboarding_id=onboarding_id,
        invitation_id=invitation_id,
        nonce=pending.nonce,
        verifier=pending.verifier,
        signed_in_after=pending.signed_in_after,
        locale=locale,
    )


def _take(request: Request) -> PendingSignIn | None:
    """The sign-in that this browser began, for this once."""
    state = request.query_params.get("state", "")
    with transaction() as session:
        visitor = browser.known(session, request)
        if visitor is None or not state.isprintable():
            return None
        return sign_ins.take(session, visitor, state)


def _pending(row: PendingSignIn, settings: Settings) -> oidc.Pending:
    return oidc.Pending(
        issuer=settings.issuer,
        redirect_uri=settings.base_url + CALLBACK,
        state=row.state,
        nonce=row.nonce,
        verifier=row.verifier,
        signed_in_after=row.signed_in_after,
    )


@retried
def _keep(row: PendingSignIn, identity: SellerIdentity) -> str | None:
    """Tried again by itself: the row that led here has been taken out for good."""
    with transaction() as session:
        return _signed_in(session, row, identity)


def _signed_in(session: Session, row: PendingSignIn, identity: SellerIdentity) -> str | None:
    """Keep who it is, and let the sign-in vouch for the contact. Returns the new cookie.

    None: this browser has signed out meanwhile, in another tab.
    """
    visitor = session.get(BrowserSession, row.session_id)
    if visitor is None:
        return None
    visitor.issuer, visitor.subject = identity.issuer, identity.subject
    visitor.signed_in_at = db.clock(session)
    visitor.seller_name = _one_line(identity.name)
    visitor.accounts = {"accounts": [_told(account) for account in identity.accounts]}
    if row.onboarding_id is not None and identity.accounts:
        _vouch(session, row.onboarding_id)
    return proofs.prove(session, visitor, identity.auth_time)


def _vouch(session: Session, onboarding_id: UUID) -> None:
    """Whoever wants credentials only needs no seller account, so having one says nothing there."""
    onboarding = lifecycle.lock(session, onboarding_id)
    if onboarding.connection_type != "credentials_only":
        onboarding.contact_verified_at = onboarding.contact_verified_at or db.clock(session)


def _told(account: SellerAccount) -> dict[str, object]:
    """An account as it is kept; a Seller ID that does not fit our tables cannot be connected."""
    fits = account.seller_id.isprintable() and len(account.seller_id) <= _LONGEST_SELLER_ID
    return asdict(account) | {
        "shop_name": _one_line(account.shop_name),
        "may_connect_api": account.may_connect_api and fits,
    }


def _one_line(name: str) -> str:
    """A name from elsewhere, short and without what could break a line or a database."""
    return names.on_one_line(name)[:_LONGEST_NAME]


def _way_back(request: Request, row: PendingSignIn) -> str:
    if row.invitation_id is not None:
        token = invitations.token(request.app.state.ring, row.invitation_id)
        return f"/{row.locale}/invitations/{token}"
    if row.onboarding_id is None:
        return f"/{row.locale}/connections"
    return f"/{row.locale}/onboardings/{row.onboarding_id}"
