"""Answers that are kept for whoever sends a request again: found, written and forgotten.

They are written in the transaction that carries the request out, so a crash leaves neither.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from onboarding import db, driver, sqlite_driver
from onboarding.looks import Look
from onboarding.models import Base, KeptAnswer

# At least as long; the clock comes by a little later.
KEPT_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Answer:
    """What whoever asked is told: a status, headers, and a body in JSON."""

    status: int
    body: str
    headers: Mapping[str, str]


def hold(session: Session, request: bytes) -> bool:
    """Take a request's place until the transaction ends. False: an equal one is being carried out.

    Nobody waits, so that a thousand equal requests do not take all connections. SQLite needs
    nothing: whoever writes there is alone.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    name = int.from_bytes(request[:8], signed=True)
    ((held,),) = driver.within(session, _HOLD, {"name": name})
    return bool(held)


def find(session: Session, request: bytes) -> Any:
    """The row of the answer to an equal request, if it was carried out. Ask once the place is held, not with that."""
    return _FIND.one(session, wanted=request)


def keep(session: Session, request: bytes, fingerprint: bytes, answer: Answer) -> None:
    """Write down what was answered."""
    row = {
        "request": request,
        "fingerprint": fingerprint,
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": answer.body,
    }
    if session.get_bind().dialect.name == "sqlite":
        sqlite_driver.within(session)(_KEEP, row)
    else:
        text, _ = driver.compiled(_KEEP)
        driver.within(session, text, row | {"headers": json.dumps(row["headers"])})


def forget(session: Session, limit: int) -> int:
    """Remove answers that were kept for long enough; returns how many."""
    is_old = KeptAnswer.created_at < db.in_seconds(-KEPT_FOR.total_seconds())
    old = select(KeptAnswer.request).where(is_old).limit(limit)
    gone = session.execute(delete(KeptAnswer).where(KeptAnswer.request.in_(old)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


_kept: Final = Base.metadata.tables["kept_answers"]
_HOLD: Final = "SELECT pg_try_advisory_xact_lock(%(name)s)"
_FIND: Final = Look(select(_kept).where(_kept.c.request == bindparam("wanted")))
_KEEP: Final = insert(_kept).values(
    {
        name: bindparam(name, type_=_kept.c[name].type)
        for name in ("request", "fingerprint", "status", "headers", "body")
    }
)
