"""The seller's pages for a key of one's own: instead of the client secret, or to have that encrypted.

They ask for the same fresh proof as showing the secret does, and before anything is pasted.
"""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import credentials, fences, own_keys, proofs, replacing
from onboarding.credentials import Revealed
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, FreshProofNeeded, MovedOn, NotEligible
from onboarding.models import BrowserSession, Onboarding
from onboarding.public_keys import PublicKey
from onboarding.web import browser, key_forms, wizard_frame
from onboarding.web.key_forms import Filled
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed, sequence_of

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_PATH = "/{locale}/onboardings/{onboarding_id}/public-key"


@router.get(_PATH)
def ask(request: Request, locale: str, onboarding_id: str) -> Response:
    """Which key, and what for."""
    return _show(request, onboarding_id, Filled())


@router.post(_PATH)
def bring(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """Take the key, or show the secret encrypted to it: once, after the commit."""
    filled = key_forms.read(request, typed)
    if filled.key is None:
        return _show(request, onboarding_id, filled, 422)
    try:
        with transaction() as session:
            visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            browser.require_fresh(session, visitor, onboarding)
            done = replacing.versions(session, onboarding) is not None
            seen = sequence_of(typed)
            if filled.use == "sign":
                _take(session, visitor, onboarding, filled.key, seen)
                return _to_where(request, onboarding_id, done=done)
            revealed = _reveal(session, request, visitor, onboarding, seen)
            shown = key_forms.encrypted(request, revealed, filled.key)
    except FreshProofNeeded:
        return RedirectResponse(
            f"{wizard_frame.home(request, onboarding_id)}/proof?then=public-key", 303
        )
    except (MovedOn, NotEligible, EventNotAllowed) as error:
        if isinstance(error, EventNotAllowed) and error.unmet == "sealed_secret":
            with transaction() as session:
                fences.forfeit(session, UUID(onboarding_id))
        return wizard_frame.to_home(request, onboarding_id)
    return _show_encrypted(request, onboarding, shown, done=done)


def _show(request: Request, onboarding_id: str, filled: Filled, status: int = 200) -> Response:
    with reading() as session:
        visitor, onboarding = browser.owned(session, request, onboarding_id)
        new = replacing.waits_to_be_shown(session, onboarding)
        if not new and (onboarding.state != "secret_ready" or onboarding.handover_id):
            return wizard_frame.to_home(request, onboarding_id)
        try:
            browser.require_fresh(session, visitor, onboarding)
        except FreshProofNeeded:
            return RedirectResponse(
                f"{wizard_frame.home(request, onboarding_id)}/proof?then=public-key", 303
            )
    home = wizard_frame.home(request, onboarding_id)
    return wizard_frame.framed(
        request,
        onboarding,
        "public_key.html",
        status,
        back=f"{home}/client-secret" if new else home,
        may_sign=not request.app.state.settings.tells_another,
        errors=filled.wrong,
        typed=filled.typed,
    )


def _take(
    session: Session,
    visitor: BrowserSession,
    onboarding: Onboarding,
    key: PublicKey,
    seen: int | None,
) -> None:
    if replacing.versions(session, onboarding):
        own_keys.take_new(session, onboarding.id, key)
    else:
        own_keys.take(session, onboarding.id, proofs.actor(visitor), key, expected=seen)


def _reveal(
    session: Session,
    request: Request,
    visitor: BrowserSession,
    onboarding: Onboarding,
    seen: int | None,
) -> Revealed:
    ring = request.app.state.ring
    if replacing.versions(session, onboarding):
        return replacing.reveal(session, onboarding.id, ring)
    who = proofs.actor(visitor)
    return credentials.reveal(session, onboarding.id, who, ring, expected=seen)


def _show_encrypted(
    request: Request, onboarding: Onboarding, shown: dict[str, Any], *, done: bool
) -> Response:
    acknowledgement = "new-secret-acknowledgement" if done else "secret-acknowledgement"
    return wizard_frame.framed(
        request,
        onboarding,
        "secret_encrypted.html",
        acknowledgement=acknowledgement,
        cancel=None,
        **shown,
    )


def _to_where(request: Request, onboarding_id: str, *, done: bool) -> RedirectResponse:
    home = wizard_frame.home(request, onboarding_id)
    return RedirectResponse(f"{home}/client-secret" if done else home, 303)
