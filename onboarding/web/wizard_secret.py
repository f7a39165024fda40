"""The pages of a client secret: being made, ready, shown once, saved, or lost and made again.

The one answer that holds a secret is the answer to a POST. Every other page of this file says when
it was shown and never what.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import (
    addresses,
    connections,
    credentials,
    deadlines,
    developers,
    fences,
    links,
    ownership,
    proofs,
    queries,
)
from onboarding.access import Actor
from onboarding.afterwards import DONE
from onboarding.chart import NEXT_MOVE
from onboarding.checksums import CHECKSUM
from onboarding.credentials import Revealed
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, FreshProofNeeded, Invalid, MovedOn, TooMany
from onboarding.models import Onboarding
from onboarding.web import browser, key_forms, pages, wizard_frame
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed, sequence_of
from onboarding.words import LANGUAGES

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

STATES: Final = ("issuing_secret", "secret_ready", "secret_lapsed", "secret_revealed")


def show(
    session: Session, request: Request, onboarding: Onboarding, status: int = 200, **more: Any
) -> Response:
    """The page of one of the STATES.

    Whatever changes while this looks is another state's page, so nothing is taken for granted.
    """
    client, secret, _link = connections.parts(session, onboarding.id)
    more |= _of_its_state(session, onboarding)
    facts = {
        "client_id": client.id if client else "",
        "version": secret.version if secret else 0,
        "ends_at": deadlines.ends_at(onboarding),
        "lasts": NEXT_MOVE["secret_ready"].then_after,
    }
    key = key_forms.taken(request, secret) if onboarding.state == "secret_revealed" else {}
    template = "key_taken.html" if key else f"{onboarding.state}.html"
    return wizard_frame.framed(request, onboarding, template, status, **facts, **key, **more)


@router.post("/{locale}/onboardings/{onboarding_id}/secret-reveal")
def reveal(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """The secret, once. The commit comes before the page: a lost answer means a new secret."""
    try:
        with transaction() as session:
            visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            browser.require_fresh(session, visitor, onboarding)
            revealed = credentials.reveal(
                session,
                onboarding.id,
                proofs.actor(visitor),
                request.app.state.ring,
                expected=sequence_of(typed),
            )
    except FreshProofNeeded:
        return RedirectResponse(f"{wizard_frame.home(request, onboarding_id)}/proof", 303)
    except (MovedOn, EventNotAllowed) as error:
        if isinstance(error, EventNotAllowed) and error.unmet == "sealed_secret":
            with transaction() as session:
                fences.forfeit(session, UUID(onboarding_id))
        # Shown already, by another click or in another tab, or destroyed: that page says when.
        return wizard_frame.to_home(request, onboarding_id)
    return show_secret(request, onboarding, revealed)


@router.get("/{locale}/onboardings/{onboarding_id}/proof")
def ask_for_proof(
    request: Request, locale: str, onboarding_id: str, before: str = "", then: str = ""
) -> Response:
    """How to show again who it is: by a code, or by the sign-in that asked for the client ID.

    `before` is what is about to end; the sign-in of whose account is linked is enough to end that.
    `then` is the page that asked.
    """
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        by_code = addresses.is_proved(session, onboarding)
        by_sign_in = ownership.maker_account(session, onboarding) is not None or (
            before == "end_link" and links.live_link(session, onboarding.id) is not None
        )
    if onboarding.state not in (*developers.STATES, *DONE):
        return wizard_frame.to_home(request, onboarding_id)
    back = wizard_frame.home(request, onboarding_id)
    return wizard_frame.framed(
        request,
        onboarding,
        "prove.html",
        by_code=by_code,
        by_sign_in=by_sign_in,
        before=before,
        carried=wizard_frame.asked_at(then),
        back=back,
    )


@router.post("/{locale}/onboardings/{onboarding_id}/secret-acknowledgement")
def acknowledge(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """The secret is stored, say a tick and its last characters."""
    _ = pages.translator_of(request)
    sequence, ending = sequence_of(typed), typed.get("ending", "")
    if "stored" not in typed:
        return _show_again(request, onboarding_id, sequence, not_ticked(request))
    if len(ending) < CHECKSUM:
        error = _("Enter the last 6 characters of your client secret")
        return _show_again(request, onboarding_id, sequence, error, ending)
    verb = partial(_acknowledge, typed.get("version", ""), ending)
    try:
        return wizard_frame.move(request, onboarding_id, "acknowledge_secret", sequence, verb)
    except Invalid:
        error = _("These are not the last 6 characters of the client secret that was shown last")
        return _show_again(request, onboarding_id, sequence, error, ending)


@router.post("/{locale}/onboardings/{onboarding_id}/secret-reissue")
def reissue(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """A new secret for one that was lost."""
    sequence = sequence_of(typed)
    try:
        return wizard_frame.move(request, onboarding_id, "reissue_secret", sequence, _reissue)
    except TooMany as error:
        return wizard_frame.too_many(request, onboarding_id, error)


def show_secret(
    request: Request, onboarding: Onboarding, revealed: Revealed, **more: Any
) -> Response:
    """The one page with a secret. The template takes the secret out of its wrapping, so that no traceback shows it.

    The page leads nowhere else: whoever leaves it does not see the secret again.
    """
    locale = pages.locale_of(request)
    here = {"code": locale, "name": LANGUAGES[locale], "here": True}
    return wizard_frame.framed(
        request,
        onboarding,
        "secret_shown.html",
        revealed=revealed,
        token_url=request.app.state.settings.token_endpoint,
        languages=[here],
        leads_home=False,
        cancel=None,
        **more,
    )


def not_ticked(request: Request) -> str:
    """What the page says to somebody who has gone on without the tick."""
    _ = pages.translator_of(request)
    return _(
        "You did not tick that you have stored the client secret. If you have, enter its last 6"
        " characters"
    )


def _of_its_state(session: Session, onboarding: Onboarding) -> dict[str, Any]:
    """What the page of one state alone tells."""
    match onboarding.state:
        case "issuing_secret":
            return {**wizard_frame.progress(session, onboarding, "generate_secret")}
        case "secret_lapsed":
            return {"cause": queries.last_step(session, onboarding.id).details.get("cause")}
        case _:
            return {}


def _show_again(
    request: Request, onboarding_id: str, sequence: int | None, error: str, typed: str | None = None
) -> Response:
    """The secret cannot be shown again, so its last characters are asked for."""
    kept: Mapping[str, str] = {} if typed is None else {"ending": typed}
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        if onboarding.state == "secret_revealed" and not developers.is_waited_for(onboarding):
            return show(session, request, onboarding, 422, errors={"ending": error}, typed=kept)
    return wizard_frame.too_late(request, onboarding_id, "acknowledge_secret", sequence)


def _acknowledge(
    version: str,
    ending: str,
    session: Session,
    onboarding: Onboarding,
    who: Actor,
    expected: int | None,
) -> None:
    number = sequence_of({"sequence": version}) or 0
    credentials.acknowledge(
        session, onboarding.id, who, version=number, ending=ending, expected=expected
    )


def _reissue(session: Session, onboarding: Onboarding, who: Actor, expected: int | None) -> None:
    credentials.reissue(session, onboarding.id, who, expected=expected)
