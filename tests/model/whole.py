"""What the database says of one onboarding in the oracle's words, and what must hold of all of them."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from onboarding import credentials, links, queries
from onboarding.db import reading
from onboarding.models import (
    Client,
    Message,
    Onboarding,
    SealedSecret,
    Secret,
    Transition,
)
from tests.expected_moves import MOVES

_LEGAL: Final = {(move.event, move.source, move.target) for move in MOVES}


def of(onboarding_id: UUID) -> dict[str, Any]:
    """One onboarding with its client, secret, link, promises and history."""
    with reading() as session:
        row = session.get_one(Onboarding, onboarding_id)
        client = credentials.live_client(session, onboarding_id)
        link = links.live_link(session, onboarding_id)
        secret = credentials.live_secret(session, onboarding_id)
        sealed = secret and session.get(SealedSecret, (secret.client_id, secret.version))
        waiting = queries.messages_of(session, onboarding_id)
        return {
            "state": row.state,
            "sequence": row.sequence,
            "type": row.connection_type,
            "mode": row.credential_mode,
            "verified": row.contact_verified_at is not None,
            "client": client is not None,
            "secret": _stage(secret, sealed=sealed is not None),
            "link": "none" if link is None else "confirmed" if link.confirmed_at else "made",
            "messages": sorted((m.task, m.sequence, m.attempts) for m in waiting),
            "history": [
                (step.event, step.actor_kind) for step in queries.history(session, onboarding_id)
            ],
        }


def check() -> None:
    """What must hold of everything that is stored. A checker of the whole database belongs here."""
    with reading() as session:
        steps = session.scalars(
            select(Transition).order_by(Transition.onboarding_id, Transition.sequence)
        ).all()
        rows = {row.id: row for row in session.scalars(select(Onboarding))}
        ended_sealed = (
            select(func.count())
            .select_from(SealedSecret)
            .join(
                Secret,
                (Secret.client_id == SealedSecret.client_id)
                & (Secret.version == SealedSecret.version),
            )
            .where(Secret.ended_at.is_not(None) | Secret.revealed_at.is_not(None))
        )
        orphans = select(func.count()).where(
            Secret.ended_at.is_(None), Client.revoked_at.is_not(None)
        )
        assert session.scalar(ended_sealed) == 0
        assert session.scalar(orphans.where(Client.id == Secret.client_id)) == 0
        assert session.scalar(select(func.count()).where(Message.failed_at.is_not(None))) == 0
    _check_history(steps, rows)


def _stage(secret: Secret | None, *, sealed: bool) -> str:
    if secret is None:
        return "none"
    if secret.acknowledged_at:
        return "saved"
    return "revealed" if secret.revealed_at else "sealed" if sealed else "missing"


def _check_history(steps: Sequence[Transition], rows: dict[UUID, Onboarding]) -> None:
    """No gap, no illegal move, and the last step leads to where the row is."""
    last: dict[UUID, Transition] = {}
    for step in steps:
        before = last.get(step.onboarding_id)
        source = before.target if before else None
        assert (step.sequence, step.source) == (before.sequence + 1 if before else 1, source)
        assert source is None or (step.event, source, step.target) in _LEGAL
        last[step.onboarding_id] = step
    for onboarding_id, row in rows.items():
        assert (row.sequence, row.state) == (
            last[onboarding_id].sequence,
            last[onboarding_id].target,
        )
