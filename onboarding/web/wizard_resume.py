"""Save and come back: a link by e-mail that leads back to an onboarding, from any browser.

Opening the link changes nothing, because mail scanners open links too. Pressing its button spends
it; a client secret still asks for a proof after that.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import addresses, lifecycle, proofs, queries
from onboarding.chart import OPEN
from onboarding.db import reading, transaction
from onboarding.errors import NotFound, TooMany
from onboarding.models import Onboarding
from onboarding.web import browser, development, fields, pages, wizard_frame
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

GONE: Final = 410


@router.get("/{locale}/onboardings/{onboarding_id}/save")
def ask_where_to(request: Request, locale: str, onboarding_id: str) -> Response:
    """The address for the link: asked for, or shown if it was proved before."""
    return _show_save(request, onboarding_id)


@router.post("/{locale}/onboardings/{onboarding_id}/save")
def save(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """The link, by e-mail. Everything that was entered is saved already."""
    email = typed.get("email", "")
    try:
        with transaction() as session:
            _visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            to = _addressee(session, lifecycle.lock(session, onboarding.id), email)
            if to and onboarding.state in OPEN:
                proofs.promise_resume_link(session, onboarding, to)
    except TooMany as error:
        return wizard_frame.too_many(request, onboarding_id, error)
    if to is None:
        return _show_save(request, onboarding_id, email)
    return RedirectResponse(f"{wizard_frame.home(request, onboarding_id)}/saved", 303)


@router.get("/{locale}/onboardings/{onboarding_id}/saved")
def say_where_to(request: Request, locale: str, onboarding_id: str) -> Response:
    """Which address the link went to."""
    _visitor, onboarding = wizard_frame.look(request, onboarding_id)
    if onboarding.state not in OPEN or not onboarding.contact_email:
        return wizard_frame.to_home(request, onboarding_id)
    return wizard_frame.framed(request, onboarding, "saved.html", **_about_links(request))


@router.api_route("/{locale}/resume/{token}", methods=["GET", "HEAD"])
def ask_to_continue(request: Request, locale: str, token: str) -> Response:
    """What the link is for, and a button. Where it was used in this browser: the onboarding."""
    ring = request.app.state.ring
    with reading() as session:
        link = proofs.known_resume_link(session, ring, token)
        if link is None:
            return pages.page(
                request, "wizard/resume_expired.html", NotFound.status, link=None, ended=False
            )
        onboarding = queries.by_id(session, link.onboarding_id)
        if proofs.find_resume_link(session, ring, token):
            return _show_button(request, token, onboarding)
        visitor = browser.known(session, request)
        if visitor and proofs.may_move(session, visitor, onboarding.id):
            return wizard_frame.to_home(request, onboarding.id)
    return _show_gone(request, token, onboarding)


@router.post("/{locale}/resume/{token}")
def resume(request: Request, locale: str, token: str) -> Response:
    """This browser may go on, under a new cookie: an old one may have been planted."""
    try:
        onboarding_id, cookie = _spend(request, token)
    except NotFound:
        # Too old, or the second of two clicks: looking at the link again tells which.
        return RedirectResponse(_here(request, token), 303)
    response = wizard_frame.to_home(request, onboarding_id)
    browser.remember(response, request, cookie)
    return response


@router.post("/{locale}/resume/{token}/new-link")
def send_new_link(request: Request, locale: str, token: str) -> Response:
    """A link that no longer works is good for another one, to the address that got it."""
    try:
        with transaction() as session:
            link = proofs.known_resume_link(session, request.app.state.ring, token)
            if link is None:
                raise NotFound
            onboarding = lifecycle.lock(session, link.onboarding_id)
            if onboarding.state not in OPEN:
                return RedirectResponse(_here(request, token), 303)
            if onboarding.contact_email:
                proofs.promise_resume_link(session, onboarding, onboarding.contact_email)
    except TooMany as error:
        return pages.refusal(request, error)
    return RedirectResponse(f"{_here(request, token)}/new-link", 303)


@router.get("/{locale}/resume/{token}/new-link")
def say_that_it_was_sent(request: Request, locale: str, token: str) -> Response:
    """It does not say where to: an old link is no reason to show an address."""
    with reading() as session:
        if proofs.known_resume_link(session, request.app.state.ring, token) is None:
            raise NotFound
    return pages.page(request, "wizard/saved.html", onboarding=None, **_about_links(request))


def _spend(request: Request, token: str) -> tuple[UUID, str]:
    """The onboarding that this browser may go on with, and its new cookie. Raises NotFound."""
    with transaction() as session:
        link = proofs.find_resume_link(session, request.app.state.ring, token)
        if link is None:
            raise NotFound
        visitor = browser.known(session, request)
        made = proofs.renew(session, visitor) if visitor else proofs.open_session(session)
        visitor, cookie = made
        proofs.use_resume_link(session, visitor, link)
        return link.onboarding_id, cookie


def _show_save(request: Request, onboarding_id: str, wrong: str | None = None) -> Response:
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        proved = addresses.is_proved(session, onboarding)
    if onboarding.state not in OPEN:
        return wizard_frame.to_home(request, onboarding_id)
    return wizard_frame.framed(
        request,
        onboarding,
        "save.html",
        200 if wrong is None else 422,
        proved=proved,
        hours=_hours(),
        back=wizard_frame.home(request, onboarding_id),
        errors={} if wrong is None else {"email": fields.no_email(request, wrong)},
        typed={} if wrong is None else {"email": wrong},
    )


def _addressee(session: Session, onboarding: Onboarding, typed: str) -> str | None:
    """An address that was proved stays; any other one may be typed anew."""
    if addresses.is_proved(session, onboarding):
        return onboarding.contact_email
    return fields.email(typed)


def _show_button(request: Request, token: str, onboarding: Onboarding) -> Response:
    here, reference = _here(request, token), onboarding.reference
    return pages.page(request, "wizard/resume.html", here=here, reference=reference)


def _show_gone(request: Request, token: str, onboarding: Onboarding) -> Response:
    """The link is ours, so whoever has it may learn the reference and ask for another one."""
    return pages.page(
        request,
        "wizard/resume_expired.html",
        GONE,
        link=f"{_here(request, token)}/new-link" if onboarding.contact_email else None,
        ended=onboarding.state not in OPEN,
        reference=onboarding.reference,
    )


def _here(request: Request, token: str) -> str:
    return pages.path_for(request, f"/resume/{token}")


def _about_links(request: Request) -> dict[str, Any]:
    return {"hours": _hours(), "mail_page": development.mail_page(request)}


def _hours() -> int:
    """That a link works."""
    return proofs.RESUME_LINK_LASTS // timedelta(hours=1)
