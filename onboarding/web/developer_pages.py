"""The pages of a named developer: prove the address, see the secret once, say that it is stored.

One address, the one in the e-mail, whatever state the onboarding is in. It opens nothing by itself,
and nothing but this part: a developer's browser has no grant, so the seller's pages are not there for
it, and a browser that holds the seller's part is sent away from here.
"""

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from onboarding import credentials, deadlines, developers, fences, handover, lifecycle, proofs
from onboarding.checksums import CHECKSUM
from onboarding.connections import parts
from onboarding.credentials import Revealed
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, FreshProofNeeded, Invalid, MovedOn, NotFound, TooMany
from onboarding.models import BrowserSession, Handover, Onboarding
from onboarding.web import browser, code_errors, development, key_forms, pages, wizard_secret
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed, sequence_of
from onboarding.words import LANGUAGES

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

GONE: Final = 410
PATH: Final = "/{locale}/developer/{token}"


@router.api_route(PATH, methods=["GET", "HEAD"])
def show(request: Request, locale: str, token: str) -> Response:
    """Where the secret stands, for the developer; how to prove the address, for anybody else."""
    with reading() as session:
        named, onboarding = of_link(session, request, token)
        visitor = browser.known(session, request)
        if not developers.is_live(named, onboarding):
            return page(request, token, onboarding, "developer/over.html", GONE)
        if visitor and proofs.may_move(session, visitor, onboarding.id):
            return page(request, token, onboarding, "developer/sellers_browser.html", 403)
        if not developers.holds(session, visitor, named):
            return _show_prove(request, token, named, onboarding)
    return _show_part(request, token, onboarding)


@router.get(f"{PATH}/proof")
def ask_for_proof(request: Request, locale: str, token: str) -> Response:
    """Before the secret is shown, the last code may not be too old."""
    with reading() as session:
        named, onboarding = of_link(session, request, token)
    if not developers.is_live(named, onboarding):
        return to_home(request, token)
    return _show_prove(request, token, named, onboarding)


@router.post(f"{PATH}/code")
def send_code(request: Request, locale: str, token: str) -> Response:
    """A code to the address that the seller has named, whoever asks."""
    try:
        with transaction() as session:
            named, onboarding = _held(session, request, token)
            if not developers.is_live(named, onboarding):
                return to_home(request, token)
            sent = developers.send_code(session, onboarding, named)
    except TooMany as error:
        return pages.refusal(request, error, href=here(request, token))
    again = "" if sent else code_errors.TOO_SOON
    return RedirectResponse(f"{here(request, token)}/code{again}", 303)


@router.get(f"{PATH}/code")
def ask_for_code(request: Request, locale: str, token: str) -> Response:
    """Where the code is typed in, as long as one is to be waited for."""
    return _show_code(request, token)


@router.post(f"{PATH}/proof")
def prove(request: Request, locale: str, token: str, typed: Typed) -> Response:
    """A right code opens the developer's part in this browser, which gets a new cookie."""
    code = typed.get("code", "")
    if not code_errors.is_code(code):
        return _show_code(request, token, "malformed", code)
    with transaction() as session:
        named, onboarding = _held(session, request, token)
        if not developers.is_live(named, onboarding):
            return to_home(request, token)
        visitor = browser.known(session, request)
        ring = request.app.state.ring
        verdict, cookie = developers.prove(session, ring, named, visitor, code)
    if verdict != "right":
        return _show_code(request, token, verdict, code)
    response = to_home(request, token)
    browser.remember(response, request, cookie)
    return response


@router.post(f"{PATH}/secret-reveal")
def reveal(request: Request, locale: str, token: str, typed: Typed) -> Response:
    """The secret, once, to the developer alone. The commit comes before the page."""
    try:
        with transaction() as session:
            named, onboarding = acting(session, request, token)
            developers.require_fresh(session, named)
            revealed = credentials.reveal(
                session,
                onboarding.id,
                developers.actor(named),
                request.app.state.ring,
                expected=sequence_of(typed),
            )
    except FreshProofNeeded:
        return RedirectResponse(f"{here(request, token)}/proof", 303)
    except (MovedOn, EventNotAllowed) as error:
        if isinstance(error, EventNotAllowed) and error.unmet == "sealed_secret":
            with transaction() as session:
                fences.forfeit(session, of_link(session, request, token)[1].id)
        return to_home(request, token)
    except NotFound:
        # Not proved here, or not named any more: the page says which.
        return to_home(request, token)
    return _show_secret(request, token, onboarding, revealed)


@router.post(f"{PATH}/secret-acknowledgement")
def acknowledge(request: Request, locale: str, token: str, typed: Typed) -> Response:
    """The secret is stored, say a tick and its last characters."""
    _ = pages.translator_of(request)
    ending = typed.get("ending", "")
    if "stored" not in typed:
        return _show_again(request, token, wizard_secret.not_ticked(request), "")
    if len(ending) < CHECKSUM:
        what = _("Enter the last 6 characters of your client secret")
        return _show_again(request, token, what, ending)
    version, seen = sequence_of({"sequence": typed.get("version", "")}) or 0, sequence_of(typed)
    try:
        with transaction() as session:
            named, _onboarding = acting(session, request, token)
            handover.acknowledge(session, named, version=version, ending=ending, expected=seen)
    except Invalid:
        what = _("These are not the last 6 characters of the client secret that was shown last")
        return _show_again(request, token, what, ending)
    except (MovedOn, EventNotAllowed, NotFound):
        pass  # Done by the first of two clicks, or overtaken: the page says where it stands.
    return to_home(request, token)


@router.get(f"{PATH}/sequence")
def sequence(request: Request, locale: str, token: str) -> Response:
    """A word that is another one as soon as the page is: for a developer's page that is open."""
    with reading() as session:
        named, onboarding = of_link(session, request, token)
        visitor = browser.known(session, request)
        is_theirs = developers.is_live(named, onboarding)
        is_theirs = is_theirs and developers.holds(session, visitor, named)
    word = str(onboarding.sequence) if is_theirs else "over"
    return PlainTextResponse(word, headers={"Cache-Control": "no-store"})


@router.get(f"{PATH}/{{form}}")
def leave_form(request: Request, locale: str, token: str, form: str) -> Response:
    """The address of a form that was sent, opened again or in another language: look afresh."""
    return to_home(request, token)


def of_link(session: Session, request: Request, token: str) -> tuple[Handover, Onboarding]:
    found = developers.find(session, request.app.state.ring, token)
    if found is None:
        raise NotFound
    return found


def _held(session: Session, request: Request, token: str) -> tuple[Handover, Onboarding]:
    """The same with the onboarding locked, so that neither changes any more."""
    named, onboarding = of_link(session, request, token)
    lifecycle.lock(session, onboarding.id)
    session.refresh(named)
    return named, onboarding


def acting(session: Session, request: Request, token: str) -> tuple[Handover, Onboarding]:
    """The developer who is at this browser. Raises NotFound for whoever has not proved the address in it."""
    named, onboarding = _held(session, request, token)
    visitor: BrowserSession | None = browser.known(session, request)
    live = developers.is_live(named, onboarding)
    if visitor is None or not live or not developers.holds(session, visitor, named):
        raise NotFound
    proofs.touch(session, visitor)
    return named, onboarding


def _show_part(
    request: Request, token: str, onboarding: Onboarding, status: int = 200, **wrong: Any
) -> Response:
    """The developer's page of a state. What comes after it was stored is the seller's."""
    with reading() as session:
        client, secret, _link = parts(session, onboarding.id)
    key = key_forms.taken(request, secret) if onboarding.state == "secret_revealed" else {}
    template = {
        "secret_ready": "developer/secret_ready.html",
        "secret_revealed": "developer/key_taken.html" if key else "developer/secret_revealed.html",
    }
    return page(
        request,
        token,
        onboarding,
        template.get(onboarding.state, "developer/stands.html"),
        status,
        client_id=client.id if client else "",
        version=secret.version if secret else 0,
        ends_at=deadlines.ends_at(onboarding),
        **key,
        **wrong,
    )


def _show_again(request: Request, token: str, error: str, ending: str) -> Response:
    with reading() as session:
        named, onboarding = of_link(session, request, token)
        visitor = browser.known(session, request)
        holds = developers.is_live(named, onboarding) and developers.holds(session, visitor, named)
    if not holds or onboarding.state != "secret_revealed":
        return to_home(request, token)
    wrong = {"errors": {"ending": error}, "typed": {"ending": ending}}
    return _show_part(request, token, onboarding, 422, **wrong)


def _show_prove(request: Request, token: str, named: Handover, onboarding: Onboarding) -> Response:
    who = developers.in_short(named.email)
    return page(request, token, onboarding, "developer/prove.html", who=who)


def _show_code(
    request: Request, token: str, verdict: str | None = None, typed: str = ""
) -> Response:
    with reading() as session:
        named, onboarding = of_link(session, request, token)
        code = developers.latest_code(session, named.id)
        stands = code_errors.stands(session, request, code) if code else {}
    if code is None or code.used_at or not developers.is_live(named, onboarding):
        # Entered already, perhaps by the first of two clicks.
        return to_home(request, token)
    return page(
        request,
        token,
        onboarding,
        "developer/code.html",
        code_errors.status(verdict),
        who=developers.in_short(named.email),
        mail_page=development.mail_page(request),
        errors={"code": code_errors.said(request, verdict)} if verdict else {},
        typed={"code": typed},
        **stands,
    )


def _show_secret(
    request: Request, token: str, onboarding: Onboarding, revealed: Revealed
) -> Response:
    """The same page as the seller's, with the developer's form."""
    locale = pages.locale_of(request)
    return page(
        request,
        token,
        onboarding,
        "wizard/secret_shown.html",
        revealed=revealed,
        token_url=request.app.state.settings.token_endpoint,
        languages=[{"code": locale, "name": LANGUAGES[locale], "here": True}],
        leads_home=False,
    )


def page(
    request: Request,
    token: str,
    onboarding: Onboarding,
    template: str,
    status: int = 200,
    **context: Any,
) -> Response:
    frame = {
        "onboarding": onboarding,
        "home": here(request, token),
        "hidden": {"sequence": onboarding.sequence},
        "reference": onboarding.reference,
    }
    return pages.page(request, template, status, **(frame | context))


def here(request: Request, token: str) -> str:
    return pages.path_for(request, f"/developer/{token}")


def to_home(request: Request, token: str) -> RedirectResponse:
    return RedirectResponse(here(request, token), 303)
