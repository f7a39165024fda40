"""Is it alive, and can it work: for supervisors and load balancers."""

import logging
import math
import os
from collections.abc import Callable, Mapping
from typing import Final

from fastapi import APIRouter, Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse

from onboarding import canaries, db, logs, outages, queries, sealing
from onboarding.broker import Glance
from onboarding.db import reading
from onboarding.errors import DatabaseBusy, DatabaseFull, DatabaseReadOnly, Unavailable
from onboarding.sealing import KeyringWrong
from onboarding.settings import Settings

log = logs.get(__name__)

router = APIRouter(tags=["Health"])

# What a web process does needs one key at least for each of these.
_NEEDED: Final = ("seal", "public", "pepper", "derive")
_NO_STORE: Final = {"Cache-Control": "no-store"}
# Seconds for a look at the broker: a load balancer's own patience is often one.
_GLANCE: Final = 0.3
# What stands in the way of requests, where the database answers that it does.
_STANDS_IN_THE_WAY: Final[Mapping[type[Unavailable], str]] = {
    DatabaseReadOnly: "the database is read-only",
    DatabaseFull: "the database has no space left",
    DatabaseBusy: "the database is busy",
}


class NotReady(Exception):
    """One thing that the program needs is not as it must be; the text says which, and no more."""


@router.get("/livez")
async def livez() -> JSONResponse:
    """The process answers. It asks nobody else, so an outage elsewhere restarts nothing here.

    Async, because it must not wait for the threads that an outage holds.
    """
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Whether requests can be served; 503 names what stands in the way.

    A load balancer sends requests elsewhere while this says 503. A broker that is away, or workers
    that take no work, are told ("degraded") and answer 200: no request needs them, and as every
    process would miss them, there would be nobody left to serve.
    """
    found = {name: _outcome(check, request.app.state.settings) for name, check in _CHECKS.items()}
    if any(outcome != "ok" for outcome in found.values()):
        headers = _NO_STORE | {"Retry-After": str(Unavailable.retry_after)}
        return JSONResponse({"status": "failed", "checks": found}, 503, headers)
    told = _about_broker(request) | _about_workers()
    status = "ok" if set(told.values()) <= {"ok"} else "degraded"
    return JSONResponse({"status": status, "checks": found | told}, headers=_NO_STORE)


def _outcome(check: Callable[[Settings], None], settings: Settings) -> str:
    try:
        check(settings)
    except NotReady as error:
        return str(error)
    except SQLAlchemyError as error:
        log.warning("not_ready", check=check.__name__, error=type(error).__name__)
        found = outages.outage(error)
        return _STANDS_IN_THE_WAY.get(type(found), "the database does not answer")  # type: ignore[arg-type]
    return "ok"


def _about_broker(request: Request) -> dict[str, str]:
    """Nothing where tasks run inside the process."""
    broker: Glance | None = request.app.state.broker
    if broker is None:
        return {}
    away = "the broker does not answer: tasks wait until it does"
    return {"broker": "ok" if broker.answers(_GLANCE) else away}


def _about_workers() -> dict[str, str]:
    """Nothing where nobody has asked them yet, as in a process that was started alone."""
    with reading() as session:
        silence = canaries.silence(session)
    if silence is None:
        return {}
    if math.isinf(silence):
        return {"workers": "no worker has taken work yet"}
    silent = silence > canaries.SILENT_AFTER
    return {"workers": f"no worker has taken work for {silence:.0f} s" if silent else "ok"}


def _check_database(settings: Settings) -> None:
    """It takes changes. SQLite's lock is not asked for: somebody who writes is no reason to go away."""
    with reading() as session:
        if session.get_bind().dialect.name == "postgresql":
            read_only = session.scalar(text("SHOW transaction_read_only")) == "on"
        else:
            file = str(db.engine().url.database)
            read_only = session.scalar(text("PRAGMA query_only")) or not os.access(file, os.W_OK)
        if read_only:
            raise NotReady(_STANDS_IN_THE_WAY[DatabaseReadOnly])


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
    with reading() as session:
        wrong = sealing.misfits(ring, queries.key_checks(session))
    if wrong:
        raise NotReady(f"the keyring is another one: {', '.join(wrong)}")


_CHECKS: Final[dict[str, Callable[[Settings], None]]] = {
    "database": _check_database,
    "schema": _check_schema,
    "keyring": _check_keyring,
}
