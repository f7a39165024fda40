"""The pages before a client ID: whose e-mail address it is, the code that proves it, then the ID.

The same code is asked for again before a secret is shown, where the last proof is too old.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import addresses, credentials, db, lifecycle, names, ownership, proofs
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, NotFound, TooMany
from onboarding.models import BrowserSession, Onboarding
from onboarding.names import CONNECTION_AT_MOST
from onboarding.proofs import CodeVerdict
from onboarding.web import browser, code_errors, development, fields, pages, wizard_frame
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed, sequence_of

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


def show(
    session: Session,
    request: Request,
    visitor: BrowserSession,
    onboarding: Onboarding,
    *,
    status: int = 200,
    other_address: bool = False,
    **wrong: Mapping[str, Any],
) -> Response:
    """Asks for the contact's address first, then offers the client ID. `wrong`: errors, typed."""
    known = ownership.knows_contact(session, proofs.actor(visitor), onboarding)
    return wizard_frame.framed(
        request,
        onboarding,
        "type_chosen.html",
        status,
        asking=other_address or not known,
        back=f"{wizard_frame.home(request, onboarding.id)}/questions/connection_type",
        **wrong,
    )


@router.post("/{locale}/onboardings/{onboarding_id}/client-id")
def create_client_id(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """The client ID, for a contact that we know."""
    name = typed.get("connection_name", "")
    if error := _fault_of_name(request, name):
        return _show_again(request, onboarding_id, "connection_name", error, name)
    verb = partial(_issue, name)
    return wizard_frame.move(request, onboarding_id, "issue_id", sequence_of(typed), verb)


@router.get("/{locale}/onboardings/{onboarding_id}/contact")
def ask_for_another_address(request: Request, locale: str, onboarding_id: str) -> Response:
    """The address can be changed as long as nothing was issued."""
    with reading() as session:
        visitor, onboarding = browser.owned(session, request, onboarding_id)
        if onboarding.state != "type_chosen":
            return wizard_frame.to_home(request, onboarding_id)
        return show(session, request, visitor, onboarding, other_address=True)


@router.post("/{locale}/onboardings/{onboarding_id}/contact")
def send_code(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """A code to the address that was typed or, once there is a client ID, to the one we know."""
    email = typed.get("email", "")
    try:
        with transaction() as session:
            _visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            to = _addressee(session, lifecycle.lock(session, onboarding.id), email)
            sent = to is not None and proofs.send_code(session, onboarding, to)
    except TooMany as error:
        return wizard_frame.too_many(request, onboarding_id, error)
    if to is None:
        what = fields.no_email(request, email)
        return _show_again(request, onboarding_id, "email", what, email)
    here = f"{wizard_frame.home(request, onboarding_id)}/contact-code"
    told = {} if sent else {code_errors.TOO_SOON.removeprefix("?"): ""}
    query = urlencode(wizard_frame.asked_at(typed.get("then", "")) | told)
    return RedirectResponse(f"{here}?{query}" if query else here, 303)


@router.get("/{locale}/onboardings/{onboarding_id}/contact-code")
def ask_for_code(request: Request, locale: str, onboarding_id: str, then: str = "") -> Response:
    """Where the code is typed in, as long as one is to be waited for."""
    return _show_code(request, onboarding_id, then)


@router.post("/{locale}/onboardings/{onboarding_id}/contact-code")
def enter_code(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """A right code proves the address and this browser, which gets a new cookie."""
    code, then = typed.get("code", ""), typed.get("then", "")
    if not code_errors.is_code(code):
        return _show_code(request, onboarding_id, then, "malformed", code)
    try:
        verdict, token = _try_code(request, onboarding_id, code)
        if verdict != "right":
            return _show_code(request, onboarding_id, then, verdict, code)
    except NotFound:
        # Of two clicks, the first has changed the cookie that the second one was sent with.
        return wizard_frame.after_proof(request, onboarding_id, then)
    response = wizard_frame.after_proof(request, onboarding_id, then)
    browser.remember(response, request, token)
    return response


def _issue(
    name: str, session: Session, onboarding: Onboarding, who: Actor, expected: int | None
) -> None:
    """Without a contact that we know, nobody could be asked for a proof before the secret shows."""
    lifecycle.lock(session, onboarding.id)
    if not ownership.knows_contact(session, who, onboarding):
        raise EventNotAllowed("issue_id", onboarding.state, (), "contact_verified")
    onboarding.contact_verified_at = onboarding.contact_verified_at or db.clock(session)
    credentials.issue_id(session, onboarding.id, who, connection_name=name, expected=expected)


def _addressee(session: Session, onboarding: Onboarding, typed: str) -> str | None:
    """Before a client ID exists, any address; afterwards only the one that was proved before."""
    if onboarding.state == "type_chosen":
        return fields.email(typed)
    return onboarding.contact_email if addresses.is_proved(session, onboarding) else None


def _try_code(request: Request, onboarding_id: str, code: str) -> tuple[CodeVerdict, str | None]:
    """The verdict and, for a right code, the new cookie. A wrong one counts, so this commits."""
    ring = request.app.state.ring
    with transaction() as session:
        visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
        lifecycle.lock(session, onboarding.id)
        verdict = proofs.check_code(session, ring, onboarding, code)
        if verdict == "right":
            return verdict, proofs.prove(session, visitor, onboarding.contact_verified_at)
        return verdict, None


def _show_again(
    request: Request, onboarding_id: str, field: str, error: str, typed: str
) -> Response:
    """The page with what is wrong in one of its fields, and what was typed there."""
    with reading() as session:
        visitor, onboarding = browser.owned(session, request, onboarding_id)
        if onboarding.state != "type_chosen":
            return wizard_frame.to_home(request, onboarding_id)
        return show(
            session,
            request,
            visitor,
            onboarding,
            status=422,
            other_address=field == "email",
            errors={field: error},
            typed={field: typed},
        )


def _show_code(
    request: Request, onboarding_id: str, then: str, verdict: str | None = None, typed: str = ""
) -> Response:
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        code = proofs.latest_code(session, onboarding.id)
        stands = code_errors.stands(session, request, code) if code else {}
    if code is None or code.used_at:
        # Entered already, perhaps by the first of two clicks.
        return wizard_frame.after_proof(request, onboarding_id, then)
    return wizard_frame.framed(
        request,
        onboarding,
        "contact_code.html",
        code_errors.status(verdict),
        code=code,
        carried=wizard_frame.asked_at(then),
        mail_page=development.mail_page(request),
        errors={"code": code_errors.said(request, verdict)} if verdict else {},
        typed={"code": typed},
        **stands,
    )


def _fault_of_name(request: Request, name: str) -> str | None:
    _ = pages.translator_of(request)
    if len(name) > CONNECTION_AT_MOST:
        return _(
            "The name of the connection must be %(longest)s characters or fewer",
            longest=CONNECTION_AT_MOST,
        )
    if name and names.fault(name, CONNECTION_AT_MOST):
        return _("The name of the connection holds a character that we cannot read")
    return None
