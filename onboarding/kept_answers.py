"""Answers that are kept for whoever sends a request again: found, written and forgotten.

They are written in the transaction that carries the request out, so a crash leaves neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from onboarding import db
from onboarding.models import KeptAnswer

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
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(name))))


def find(session: Session, request: bytes) -> KeptAnswer | None:
    """The answer to an equal request. Ask for it once the place is held, not together with that."""
    return session.get(KeptAnswer, request)


def keep(session: Session, request: bytes, fingerprint: bytes, answer: Answer) -> None:
    """Write down what was answered."""
    session.execute(
        insert(KeptAnswer).values(
            request=request,
            fingerprint=fingerprint,
            status=answer.status,
            headers=dict(answer.headers),
            body=answer.body,
        )
    )


def forget(session: Session, limit: int) -> int:
    """Remove answers that were kept for long enough; returns how many."""
    is_old = KeptAnswer.created_at < db.in_seconds(-KEPT_FOR.total_seconds())
    old = select(KeptAnswer.request).where(is_old).limit(limit)
    gone = session.execute(delete(KeptAnswer).where(KeptAnswer.request.in_(old)))
    return int(gone.rowcount)  # type: ignore[attr-defined]
