"""What the database says of one onboarding in the oracle's words, and what must hold of all of them."""

from typing import Any
from uuid import UUID

from onboarding import credentials, invariants, links, queries
from onboarding.db import reading
from onboarding.models import (
    Onboarding,
    SealedSecret,
    Secret,
)


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
    """What must hold of everything that is stored. Deadlines wait here: time passes, no clock runs."""
    found = [str(one) for one in invariants.violations() if one.rule.number not in {"I11", "I12"}]
    assert found == [], found


def _stage(secret: Secret | None, *, sealed: bool) -> str:
    if secret is None:
        return "none"
    if secret.acknowledged_at:
        return "saved"
    return "revealed" if secret.revealed_at else "sealed" if sealed else "missing"
