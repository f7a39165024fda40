"""The API's onboardings: start, look, fire events, take the secret, send a seller on."""

import hashlib
import re
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding import credentials, db, events, lifecycle, proofs, queries
from onboarding.access import calling_system
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.models import ApiKey, Onboarding
from onboarding.routing import CURRENT
from onboarding.web.api_access import Reader, Revealer, Writer, own
from onboarding.web.api_conditional import IfNoneMatch
from onboarding.web.api_view import step, view
from onboarding.web.api_waiting import Prefer, WaitingRoute
from onboarding.web.problems import NeverReplayed
from onboarding.web.schemas import (
    ContinueLink,
    History,
    NewEvent,
    NewOnboarding,
    OnboardingView,
    RevealedSecret,
)

router = APIRouter(prefix="/onboardings", tags=["Onboardings"], route_class=WaitingRoute)

_SEQUENCE_TAG: Final = re.compile(r'"(\d{1,9})"')

IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
]
IfMatch = Annotated[
    str | None, Header(description='The ETag that you have seen last, as in "7", or *.')
]


@router.post("", status_code=201)
def start(
    body: NewOnboarding, key: Writer, response: Response, idempotency_key: IdempotencyKey = None
) -> OnboardingView:
    """Start an onboarding. The same Idempotency-Key gives the same onboarding."""
    start_key = _start_key(key, idempotency_key)
    with transaction() as session:
        earlier = _started_before(session, start_key)
        started = view(session, earlier or _begin(session, body, key, start_key))
    if earlier:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = started.links["self"]
    return _tagged(started, response)


@router.get("/{onboarding_id}")
def show(
    onboarding_id: str,
    key: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
    prefer: Prefer = None,
) -> OnboardingView:
    """Where an onboarding stands. With If-None-Match and `Prefer: wait=20`, once it has moved on."""
    with reading() as session:
        shown = view(session, own(session, key, onboarding_id))
    return _tagged(shown, response)


@router.get("/{onboarding_id}/history")
def history(onboarding_id: str, key: Reader) -> History:
    """Every step of an onboarding, from the first."""
    with reading() as session:
        steps = queries.history(session, own(session, key, onboarding_id).id)
        return History(items=[step(each) for each in steps])


@router.post("/{onboarding_id}/events")
def fire(
    onboarding_id: str,
    body: NewEvent,
    key: Writer,
    response: Response,
    if_match: IfMatch = None,
    prefer: Prefer = None,
) -> OnboardingView:
    """Move an onboarding by an event; with If-Match, only from where you have seen it last.

    With `Prefer: wait=20`, the answer comes once it is not the platform's move any more.
    """
    expected = _expected(if_match)
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        actor = calling_system(key)
        moved = events.handle(
            session, onboarding.id, body.event, actor, body.data, expected=expected
        )
        shown = view(session, moved)
    return _tagged(shown, response)


@router.post("/{onboarding_id}/secret-reveal")
def reveal_secret(
    onboarding_id: str,
    key: Revealer,
    request: Request,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> RevealedSecret:
    """The client secret, once: an answer that gets lost is not repeated, the secret is reissued."""
    if idempotency_key is not None:
        raise NeverReplayed
    expected = _expected(if_match)
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        ring = request.app.state.ring
        revealed = credentials.reveal(
            session, onboarding.id, calling_system(key), ring, expected=expected
        )
    return RevealedSecret(
        client_id=revealed.client_id,
        client_secret=revealed.secret.get_secret_value(),
        version=revealed.version,
    )


@router.post("/{onboarding_id}/continue-links", status_code=201)
def add_continue_link(onboarding_id: str, key: Writer, request: Request) -> ContinueLink:
    """A link for the seller's browser to go on with the onboarding. It works once."""
    link_id = db.new_id()
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        proofs.add_resume_link(session, link_id, onboarding.id)
        expires_at = db.clock(session) + proofs.RESUME_LINK_LASTS
    token = proofs.resume_token(request.app.state.ring, link_id)
    base_url = request.app.state.settings.base_url
    return ContinueLink(url=f"{base_url}/{onboarding.locale}/resume/{token}", expires_at=expires_at)


def _start_key(key: ApiKey, idempotency_key: str | None) -> str | None:
    """Hashed, because callers put into it what they like, as long as they like."""
    if idempotency_key is None:
        return None
    digest = hashlib.sha256(idempotency_key.strip('"').encode()).hexdigest()
    return f"key:{key.id}:{digest}"[:80]


def _started_before(session: Session, start_key: str | None) -> Onboarding | None:
    if start_key is None:
        return None
    return session.scalars(
        select(Onboarding).where(Onboarding.start_key == start_key)
    ).one_or_none()


def _begin(session: Session, body: NewOnboarding, key: ApiKey, start_key: str | None) -> Onboarding:
    onboarding = lifecycle.start(
        session,
        calling_system(key),
        locale=body.locale,
        rule_set=CURRENT.version,
        start_key=start_key,
        api_key_id=key.id,
        contact_email=body.contact.email if body.contact else None,
    )
    # An equal request of the same instant may have won; then this writes what is there already.
    onboarding.connection_name = body.connection_name
    if body.contact and "contacts:vouch" in key.scopes:
        onboarding.contact_verified_at = onboarding.created_at
    return onboarding


def _expected(if_match: str | None) -> int | None:
    """The transition that a caller has seen last. Raises Invalid for what is no ETag of ours."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = _SEQUENCE_TAG.fullmatch(if_match.strip())
    if tag is None:
        raise Invalid({"if-match": 'One ETag as it was sent, quotes included, as in "7".'})
    return int(tag[1])


def _tagged(shown: OnboardingView, response: Response) -> OnboardingView:
    response.headers["ETag"] = f'"{shown.sequence}"'
    return shown
