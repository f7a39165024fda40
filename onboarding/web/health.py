"""Is it alive, can it work, and how much is waiting: for supervisors, load balancers and Prometheus."""

import logging
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from onboarding import db, logs, queries, sealing
from onboarding.chart import STATES
from onboarding.db import reading
from onboarding.errors import Unavailable
from onboarding.models import KeyCheck, Message
from onboarding.sealing import Keyring, KeyringWrong
from onboarding.settings import Settings
from onboarding.web.problems import RETRY_SOON

log = logs.get(__name__)

router = APIRouter(tags=["Health"])

# What a web process does needs one key at least for each of these.
_NEEDED: Final = ("seal", "public", "pepper", "derive")
_NO_STORE: Final = {"Cache-Control": "no-store"}


class NotReady(Exception):
    """One thing that the program needs is not as it must be; the text says which, and no more."""


@router.get("/livez")
def livez() -> JSONResponse:
    """The process answers. It asks nobody else, so an outage elsewhere restarts nothing here."""
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Whether requests can be served; 503 names what stands in the way."""
    found = {name: _outcome(check, request.app.state.settings) for name, check in _CHECKS.items()}
    if all(outcome == "ok" for outcome in found.values()):
        return JSONResponse({"status": "ok", "checks": found}, headers=_NO_STORE)
    headers = _NO_STORE | {"Retry-After": str(RETRY_SOON)}
    return JSONResponse({"status": "failed", "checks": found}, 503, headers)


@router.get("/metrics", include_in_schema=False)
def metrics() -> Response:
    """How many onboardings stand where, and what the outbox still has to do."""
    collected = CollectorRegistry()
    with reading() as session:
        _measure_onboardings(session, collected)
        _measure_messages(session, collected)
    return Response(generate_latest(collected), media_type=CONTENT_TYPE_LATEST, headers=_NO_STORE)


def _outcome(check: Callable[[Settings], None], settings: Settings) -> str:
    try:
        check(settings)
    except NotReady as error:
        return str(error)
    except SQLAlchemyError as error:
        log.warning("not_ready", check=check.__name__, error=type(error).__name__)
        return "the database does not answer"
    return "ok"


def _check_database(settings: Settings) -> None:
    with reading() as session:
        db.clock(session)


def _check_schema(settings: Settings) -> None:
    from onboarding import migrations  # noqa: PLC0415 - every command would wait for Alembic

    # It tells at every look which kind of database it has met.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    present, wanted = migrations.versions(db.engine())
    if present != wanted:
        raise NotReady(f"the schema is at {present or 'nothing'}, the program at {wanted}")


def _check_keyring(settings: Settings) -> None:
    """A key that once was there and is gone or different means credentials that cannot be checked."""
    try:
        ring = sealing.read_keyring(settings.keys_dir)
        for purpose in _NEEDED:
            ring.current(purpose)
    except KeyringWrong:
        raise NotReady("the keyring cannot be read") from None
    except Unavailable as error:
        raise NotReady(str(error)) from None
    wrong = _misfits(ring)
    if wrong:
        raise NotReady(f"the keyring is another one: {', '.join(wrong)}")


def _misfits(ring: Keyring) -> list[str]:
    with reading() as session:
        known = {check.key_id: check.value for check in session.scalars(select(KeyCheck))}
    held = sealing.fingerprints(ring)
    return sorted(key_id for key_id, value in known.items() if held.get(key_id) != value)


_CHECKS: Final[dict[str, Callable[[Settings], None]]] = {
    "database": _check_database,
    "schema": _check_schema,
    "keyring": _check_keyring,
}


def _measure_onboardings(session: Session, collected: CollectorRegistry) -> None:
    gauge = Gauge("onboarding_onboardings", "Onboardings by state.", ["state"], registry=collected)
    counts = queries.counts(session)
    for state in STATES:
        gauge.labels(state).set(counts.get(state, 0))


def _measure_messages(session: Session, collected: CollectorRegistry) -> None:
    waiting, oldest = queries.unfinished(session)
    age = (db.clock(session) - oldest).total_seconds() if oldest else 0.0
    failed = session.scalar(
        select(func.count()).select_from(Message).where(Message.failed_at.is_not(None))
    )
    for name, about, value in (
        ("onboarding_messages_unfinished", "Messages whose effect is to come.", waiting),
        ("onboarding_messages_oldest_age_seconds", "How long the oldest of them has waited.", age),
        ("onboarding_incidents", "Messages that have failed for good.", failed or 0),
    ):
        Gauge(name, about, registry=collected).set(value)
