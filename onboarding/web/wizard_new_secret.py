"""The page of a client secret that is in use: a new one, while the old one goes on for some days."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from onboarding import fences, proofs, queries, replacing
from onboarding.access import Actor
from onboarding.checksums import CHECKSUM
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, FreshProofNeeded, Invalid, NotEligible, TooMany
from onboarding.models import Onboarding
from onboarding.replacing import LONGEST_OVERLAP, UNSAVED_LASTS, UNSEEN_LASTS, Versions
from onboarding.web import browser, key_forms, pages, wizard_frame, wizard_secret
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed, sequence_of

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

Verb = Callable[[Session, Onboarding, Actor], object]

# What most need to change a secret everywhere; nobody has to choose.
_USUAL_OVERLAP: Final = 3


@router.get("/{locale}/onboardings/{onboarding_id}/client-secret")
def show(request: Request, locale: str, onboarding_id: str) -> Response:
    """How the client secret stands, and what may be done about it."""
    return _page(request, onboarding_id)


@router.get("/{locale}/onboardings/{onboarding_id}/client-secret/word")
def word(request: Request, locale: str, onboarding_id: str) -> Response:
    """How it stands in a word, for a page that waits for the new one. Raises NotFound."""
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        stands = replacing.versions(session, onboarding)
        seen = _word(stands, failed=_has_failed(session, onboarding)) if stands else "none"
    return PlainTextResponse(seen, headers={"Cache-Control": "no-store"})


@router.post("/{locale}/onboardings/{onboarding_id}/new-secret")
def ask(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """Have a new one made. Twenty clicks make one; the others see what has come of the first."""
    _ = pages.translator_of(request)
    days = sequence_of({"sequence": typed.get("overlap_days", "")})
    if days is None or days > LONGEST_OVERLAP:
        error = _("Select for how many days the old client secret goes on working")
        return _page(request, onboarding_id, 422, {"overlap_days": error})

    def verb(session: Session, onboarding: Onboarding, who: Actor) -> None:
        replacing.ask(session, onboarding.id, who, days, expected=_version(typed))

    return _move(request, onboarding_id, verb, fresh=True)


@router.post("/{locale}/onboardings/{onboarding_id}/new-secret-reveal")
def reveal(request: Request, locale: str, onboarding_id: str) -> Response:
    """The new secret, once. The commit comes before the page: a lost answer means another one."""
    try:
        with transaction() as session:
            visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            browser.require_fresh(session, visitor, onboarding)
            revealed = replacing.reveal(session, onboarding.id, request.app.state.ring)
    except FreshProofNeeded:
        return _to_proof(request, onboarding_id)
    except NotEligible:
        # Shown already, by another click or in another tab: the page says when.
        return _to_page(request, onboarding_id)
    except EventNotAllowed:
        # It was sealed in another history of the database, so nobody may see it.
        with transaction() as session:
            fences.forfeit(session, UUID(onboarding_id))
        return _to_page(request, onboarding_id)
    shown = {"acknowledgement": "new-secret-acknowledgement"}
    return wizard_secret.show_secret(request, onboarding, revealed, **shown)


@router.post("/{locale}/onboardings/{onboarding_id}/new-secret-acknowledgement")
def acknowledge(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """The new one is stored, say a tick and its last characters: the days of the old one begin."""
    _ = pages.translator_of(request)
    ending = typed.get("ending", "")
    if "stored" not in typed or len(ending) < CHECKSUM:
        error = _("Enter the last 6 characters of your client secret")
        return _page(request, onboarding_id, 422, {"ending": error}, ending)

    def verb(session: Session, onboarding: Onboarding, who: Actor) -> None:
        number = _version(typed) or 0
        replacing.acknowledge(session, onboarding.id, who, version=number, ending=ending)

    try:
        return _move(request, onboarding_id, verb)
    except Invalid:
        error = _("These are not the last 6 characters of the client secret that was shown last")
        return _page(request, onboarding_id, 422, {"ending": error}, ending)


@router.post("/{locale}/onboardings/{onboarding_id}/old-secret-end")
def end_old(request: Request, locale: str, onboarding_id: str, typed: Typed) -> Response:
    """End the old one before its time."""

    def verb(session: Session, onboarding: Onboarding, who: Actor) -> None:
        replacing.end_old(session, onboarding.id, _version(typed) or 0)

    return _move(request, onboarding_id, verb)


def _move(request: Request, onboarding_id: str, verb: Verb, *, fresh: bool = False) -> Response:
    """Carry it out, then look. Whoever comes too late is shown how it stands."""
    try:
        with transaction() as session:
            visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            if fresh:
                browser.require_fresh(session, visitor, onboarding)
            verb(session, onboarding, proofs.actor(visitor))
    except FreshProofNeeded:
        return _to_proof(request, onboarding_id)
    except NotEligible:
        pass
    except TooMany as error:
        return wizard_frame.too_many(request, onboarding_id, error)
    return _to_page(request, onboarding_id)


def _page(
    request: Request,
    onboarding_id: str,
    status: int = 200,
    errors: dict[str, str] | None = None,
    ending: str = "",
) -> Response:
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        stands = replacing.versions(session, onboarding)
        failed = stands is not None and _has_failed(session, onboarding)
    if stands is None:
        return wizard_frame.to_home(request, onboarding_id)
    coming = stands.coming
    key = key_forms.taken(request, coming)
    works = stands.current is not None and stands.current.disclosed_at is None
    since = coming and (coming.revealed_at or coming.created_at)
    lasts = UNSAVED_LASTS if coming and coming.revealed_at else UNSEEN_LASTS
    return wizard_frame.framed(
        request,
        onboarding,
        "client_secret.html",
        status,
        step=None,
        stands=stands,
        can_be_replaced=not request.app.state.settings.tells_another,
        until=since + lasts if since else None,
        old_is_idle=_old_is_idle(stands),
        overlaps=range(LONGEST_OVERLAP + 1),
        works=works,
        usual_overlap=_USUAL_OVERLAP,
        failed=failed,
        seen=_word(stands, failed=failed),
        new_key=key.pop("key", None),
        **key,
        errors=errors or {},
        typed={"ending": ending},
    )


def _word(stands: Versions, *, failed: bool) -> str:
    if stands.client.secret_asked_at is None:
        return "made"
    return "failed" if failed else "asked"


def _has_failed(session: Session, onboarding: Onboarding) -> bool:
    """Whether nobody makes what was asked for: once at a time, so it is that, whatever history has gone on with."""
    messages, _now = queries.waits_for(session, onboarding.id)
    return any(each.failed_at for each in messages if each.task == "replace_secret")


def _old_is_idle(stands: Versions) -> bool:
    """Whether nothing has used the old one since the new one has arrived: then it may go."""
    old, current = stands.old, stands.current
    if old is None or current is None or current.acknowledged_at is None:
        return False
    return old.last_used_at is None or old.last_used_at < current.acknowledged_at


def _version(typed: dict[str, str]) -> int | None:
    return sequence_of({"sequence": typed.get("version", "")})


def _to_page(request: Request, onboarding_id: str) -> RedirectResponse:
    return RedirectResponse(f"{wizard_frame.home(request, onboarding_id)}/client-secret", 303)


def _to_proof(request: Request, onboarding_id: str) -> RedirectResponse:
    return RedirectResponse(
        f"{wizard_frame.home(request, onboarding_id)}/proof?then=client-secret", 303
    )
