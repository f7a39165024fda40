"""The API's onboardings: start, look, fire events, take the secret, send a seller on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from onboarding import credentials, db, events, lifecycle, own_keys, proofs, queries, replacing
from onboarding.access import calling_system
from onboarding.checksums import CHECKSUM
from onboarding.credentials import Revealed
from onboarding.db import reading, transaction
from onboarding.errors import EventNotYours, EventUnknown, MovedOn
from onboarding.ids import new_id
from onboarding.kept_answers import Answer
from onboarding.models import ApiKey, Onboarding
from onboarding.public_keys import PublicKey
from onboarding.routing import CURRENT
from onboarding.sealing import Keyring
from onboarding.web.api_access import Reader, Revealer, Writer, own
from onboarding.web.api_conditional import IfNoneMatch
from onboarding.web.api_etags import Numbers, Seen, expected, tag, unless_stale
from onboarding.web.api_keys import Jwk, read_key
from onboarding.web.api_once import Once, OnceWithoutBody, once
from onboarding.web.api_route import in_body
from onboarding.web.api_view import allowed_events, step, view
from onboarding.web.api_waiting import Prefer, WaitingRoute
from onboarding.web.refusals import NeverReplayed
from onboarding.web.schemas import (
    ContinueLink,
    History,
    NewEvent,
    NewOnboarding,
    OnboardingView,
    RevealedSecret,
    Taken,
)

router = APIRouter(prefix="/onboardings", tags=["Onboardings"], route_class=WaitingRoute)

NoIdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", include_in_schema=False)]


class _KeptLink(BaseModel):
    """What a link for a seller's browser is made of."""

    link_id: UUID
    locale: str
    expires_at: datetime


class EncryptTo(Taken):
    """A public key to encrypt the client secret to: EC P-256, or RSA of 2048 to 4096 bits."""

    jwk: Jwk | None = None


@router.post("", status_code=201, response_model=OnboardingView)
def start(body: NewOnboarding, key: Writer, asked: Once) -> Response:
    """Start an onboarding."""
    with transaction() as session:
        return once(session, key, asked, partial(_start, session, body, key))


@router.get("/{onboarding_id}", responses={304: {}})
def show(
    onboarding_id: str,
    key: Reader,
    response: Response,
    if_none_match: IfNoneMatch = None,
    prefer: Prefer = None,
) -> OnboardingView:
    """Where an onboarding stands. With If-None-Match and `Prefer: wait=20`, once it has moved on."""
    with reading() as session:
        onboarding = own(session, key, onboarding_id)
        shown = view(session, onboarding)
        response.headers["ETag"] = tag(onboarding, shown)
    return shown


@router.get("/{onboarding_id}/history")
def history(onboarding_id: str, key: Reader) -> History:
    """Every step of an onboarding, from the first."""
    with reading() as session:
        steps = queries.history(session, own(session, key, onboarding_id).id)
        return History(items=[step(each) for each in steps])


@router.post("/{onboarding_id}/events", response_model=OnboardingView)
def fire(
    onboarding_id: str,
    body: NewEvent,
    key: Writer,
    asked: Once,
    seen: Seen,
    prefer: Prefer = None,
) -> Response:
    """Move an onboarding by an event: one of `allowed_events`, with the data that it takes.

    With `Prefer: wait=20`, the answer comes once it is not the platform's move any more.
    """
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        return once(session, key, asked, partial(_fire, session, onboarding, body, key, seen))


@router.post("/{onboarding_id}/secret-reveal")
def reveal_secret(
    onboarding_id: str,
    key: Revealer,
    request: Request,
    seen: Seen,
    body: EncryptTo | None = None,
    idempotency_key: NoIdempotencyKey = None,
) -> RevealedSecret:
    """The client secret, once: an answer that gets lost is not repeated, the secret is reissued.

    With a public key in the body, a JWE of it for that key comes in its place.
    """
    if idempotency_key is not None:
        raise NeverReplayed
    to = _key_of(body)
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        with unless_stale(session, onboarding):
            revealed = _reveal(session, onboarding, key, request.app.state.ring, seen)
        return _told_secret(revealed, to)


@router.post("/{onboarding_id}/continue-links", status_code=201, response_model=ContinueLink)
def add_continue_link(
    onboarding_id: str, key: Writer, request: Request, asked: OnceWithoutBody
) -> Response:
    """A link for the seller's browser to go on with the onboarding. It works once."""
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        told = partial(_told_link, request)
        return once(session, key, asked, partial(_add_link, session, onboarding), told)


def _start(session: Session, body: NewOnboarding, key: ApiKey) -> Answer:
    onboarding = lifecycle.start(
        session,
        calling_system(key),
        locale=body.locale,
        rule_set=CURRENT.version,
        system_id=key.system_id,
        contact_email=body.contact.email if body.contact else None,
    )
    onboarding.connection_name = body.connection_name
    if body.contact and "contacts:vouch" in key.scopes:
        onboarding.contact_verified_at = onboarding.created_at
    shown = view(session, onboarding)
    return _answer(onboarding, shown, 201, {"Location": shown.links["self"]})


def _reveal(
    session: Session, onboarding: Onboarding, key: ApiKey, ring: Keyring, seen: Numbers
) -> Revealed:
    """The secret that waits: the first, or where the onboarding is done, one that replaces it."""
    number = expected(seen, onboarding)
    if not replacing.waits_to_be_shown(session, onboarding):
        who = calling_system(key)
        return credentials.reveal(session, onboarding.id, who, ring, expected=number)
    if number not in (None, onboarding.sequence):
        raise MovedOn(onboarding.state, onboarding.sequence)
    return replacing.reveal(session, onboarding.id, ring)


def _key_of(body: EncryptTo | None) -> PublicKey | None:
    return read_key(body.jwk, "encrypt") if body and body.jwk is not None else None


def _told_secret(revealed: Revealed, to: PublicKey | None) -> RevealedSecret:
    """Whoever cannot read it cannot say that it has arrived, so no part of it comes besides."""
    secret = revealed.secret.get_secret_value()
    return RevealedSecret(
        client_id=revealed.client_id,
        client_secret=own_keys.encrypted(revealed, to) if to else secret,
        version=revealed.version,
        ending="" if to else secret[-CHECKSUM:],
    )


def _fire(
    session: Session, onboarding: Onboarding, body: NewEvent, key: ApiKey, seen: Numbers
) -> Answer:
    actor, number = calling_system(key), expected(seen, onboarding)
    with in_body("data"), _among_allowed(onboarding), unless_stale(session, onboarding):
        moved = events.handle(session, onboarding.id, body.event, actor, body.data, expected=number)
    return _answer(moved, view(session, moved))


@contextmanager
def _among_allowed(onboarding: Onboarding) -> Iterator[None]:
    """Tell who asks for what no system ever may what this one may now."""
    try:
        yield
    except (EventUnknown, EventNotYours) as refusal:
        allowed = allowed_events(onboarding)
        refusal.instead = {"onboarding_state": onboarding.state, "allowed_events": allowed}
        raise


def _answer(
    onboarding: Onboarding,
    shown: OnboardingView,
    status: int = 200,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    return Answer(status, shown.model_dump_json(), {"ETag": tag(onboarding, shown), **headers})


def _add_link(session: Session, onboarding: Onboarding) -> Answer:
    """What is kept of a link opens nothing: its token is derived from it, with the keyring."""
    link_id = new_id()
    proofs.add_resume_link(session, link_id, onboarding.id)
    expires_at = db.clock(session) + proofs.RESUME_LINK_LASTS
    kept = _KeptLink(link_id=link_id, locale=onboarding.locale, expires_at=expires_at)
    return Answer(201, kept.model_dump_json(), {})


def _told_link(request: Request, body: str) -> str:
    kept = _KeptLink.model_validate_json(body)
    state = request.app.state
    token = proofs.resume_token(state.ring, kept.link_id)
    url = f"{state.settings.base_url}/{kept.locale}/resume/{token}"
    return ContinueLink(url=url, expires_at=kept.expires_at).model_dump_json()
