"""A named developer's pages for a key of their own: instead of the client secret, or to have that encrypted."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import credentials, developers, fences, own_keys
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, FreshProofNeeded, MovedOn, NotEligible, NotFound
from onboarding.web import browser, key_forms
from onboarding.web.developer_pages import PATH, acting, here, of_link, page, to_home
from onboarding.web.key_forms import Filled
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed, sequence_of

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


@router.get(f"{PATH}/public-key")
def ask(request: Request, locale: str, token: str) -> Response:
    """Which key, and what for; asked of somebody who has just proved the address."""
    return _show(request, token, Filled())


@router.post(f"{PATH}/public-key")
def bring(request: Request, locale: str, token: str, typed: Typed) -> Response:
    """Take the key, or show the secret encrypted to it: once, after the commit."""
    filled = key_forms.read(request, typed)
    if filled.key is None:
        return _show(request, token, filled, 422)
    try:
        with transaction() as session:
            named, onboarding = acting(session, request, token)
            developers.require_fresh(session, named)
            who, seen = developers.actor(named), sequence_of(typed)
            if filled.use == "sign":
                own_keys.take(session, onboarding.id, who, filled.key, expected=seen)
                return to_home(request, token)
            ring = request.app.state.ring
            revealed = credentials.reveal(session, onboarding.id, who, ring, expected=seen)
            shown = key_forms.encrypted(request, revealed, filled.key)
    except FreshProofNeeded:
        return RedirectResponse(f"{here(request, token)}/proof", 303)
    except (MovedOn, NotEligible, EventNotAllowed) as error:
        if isinstance(error, EventNotAllowed) and error.unmet == "sealed_secret":
            with transaction() as session:
                fences.forfeit(session, of_link(session, request, token)[1].id)
        return to_home(request, token)
    except NotFound:
        return to_home(request, token)
    return page(request, token, onboarding, "wizard/secret_encrypted.html", **shown)


def _show(request: Request, token: str, filled: Filled, status: int = 200) -> Response:
    with reading() as session:
        named, onboarding = of_link(session, request, token)
        visitor = browser.known(session, request)
        live = developers.is_live(named, onboarding)
        if not live or onboarding.state != "secret_ready":
            return to_home(request, token)
        if not developers.holds(session, visitor, named):
            return to_home(request, token)
        try:
            developers.require_fresh(session, named)
        except FreshProofNeeded:
            return RedirectResponse(f"{here(request, token)}/proof", 303)
    return page(
        request,
        token,
        onboarding,
        "wizard/public_key.html",
        status,
        back=here(request, token),
        may_sign=not request.app.state.settings.tells_another,
        errors=filled.wrong,
        typed=filled.typed,
    )
