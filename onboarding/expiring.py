"""The greatest age of a client secret, where the marketplace sets one: who is told before, and the end.

A version knows when it expires since it was made. One that was made before there was such a rule gets
as much time as the first notice leaves, so nobody loses a secret because a setting was changed. Whoever
writes here holds the onboarding's lock; the database's clock decides.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, or_, select, tuple_, update
from sqlalchemy.orm import Session

from onboarding import credentials, db, lifecycle, outbox
from onboarding.access import CLOCK
from onboarding.afterwards import DONE
from onboarding.models import Client, Onboarding, Secret

# Days before the end at which its owner is told; of those, the ones that fit into the age.
NOTICES: Final = (90, 30, 7, 1)
_DAY: Final = 86_400


def give(session: Session, days: int, limit: int) -> int:
    """Let secrets in use expire that were made before there was an age; returns how many."""
    by_age = db.later(Secret.created_at, days * _DAY)
    in_time = db.in_seconds(min(days, max(NOTICES)) * _DAY)
    given = session.execute(
        update(Secret)
        .where(_among(_without(limit)), Secret.expires_at.is_(None))
        .values(expires_at=case((by_age > in_time, by_age), else_=in_time))
        .execution_options(synchronize_session=False)
    )
    return int(given.rowcount)  # type: ignore[attr-defined]


def any_without(session: Session) -> bool:
    """Whether a secret in use has no end yet."""
    return session.execute(_without(1)).first() is not None


def take_back(session: Session, limit: int) -> int:
    """Where there is no age any more: let nothing expire that still works; returns how many."""
    taken = session.execute(
        update(Secret)
        .where(_among(_limited(limit)))
        .values(expires_at=None, expiry_told=None)
        .execution_options(synchronize_session=False)
    )
    return int(taken.rowcount)  # type: ignore[attr-defined]


def any_limited(session: Session) -> bool:
    """Whether a secret that works has an end."""
    return session.execute(_limited(1)).first() is not None


def due(session: Session, limit: int) -> Sequence[UUID]:
    """Onboardings whose secret has expired, or whose owner is to be told that it will."""
    over = Secret.expires_at <= db.now()
    return session.scalars(
        select(Onboarding.id)
        .join(Client, Client.onboarding_id == Onboarding.id)
        .join(Secret, Secret.client_id == Client.id)
        .where(
            Onboarding.state.in_(DONE),
            Secret.expires_at.is_not(None),
            credentials.is_current(),
            or_(over, *map(_is_to_be_told, NOTICES)),
        )
        .order_by(Secret.expires_at)
        .limit(limit)
    ).all()


def settle(session: Session, onboarding_id: UUID) -> bool:
    """End the secret whose time is over, or promise the notice whose time has come. False: neither.

    Of several notices that nobody was awake for, the last one is sent.
    """
    onboarding = lifecycle.lock(session, onboarding_id)
    secret, now = credentials.live_secret(session, onboarding_id), db.clock(session)
    if onboarding.state not in DONE or secret is None or secret.expires_at is None:
        return False
    if secret.expires_at <= now:
        details = {"client_id": secret.client_id}
        lifecycle.note(session, onboarding_id, "expire_secret", CLOCK, details=details)
        return True
    notice = _notice(secret, now)
    if notice is None:
        return False
    secret.expiry_told = notice
    if onboarding.contact_email:
        about = {"notice": "secret_expires", "days": notice, "version": secret.version}
        its: dict[str, Any] = {"onboarding_id": onboarding.id, "sequence": onboarding.sequence}
        outbox.promise(session, "send_email", about, **its)
    return True


def ends(session: Session, onboarding_ids: Sequence[UUID]) -> dict[UUID, Secret]:
    """Of each of these whose secret expires, or has and was not replaced: that version."""
    found = session.execute(
        select(Client.onboarding_id, Secret)
        .join(Secret, Secret.client_id == Client.id)
        .where(
            Client.onboarding_id.in_(onboarding_ids),
            Client.revoked_at.is_(None),
            or_(
                and_(credentials.is_current(), Secret.expires_at.is_not(None)),
                Secret.ended_because == "expired",
            ),
        )
        .order_by(Secret.version)
    )
    return {row.onboarding_id: row.Secret for row in found}


def _notice(secret: Secret, now: datetime) -> int | None:
    """The notice whose time has come and that was not sent."""
    assert secret.expires_at is not None
    left, whole = secret.expires_at - now, secret.expires_at - secret.created_at
    come = [each for each in NOTICES if left <= timedelta(days=each) < whole]
    if not come or (secret.expiry_told is not None and secret.expiry_told <= min(come)):
        return None
    return min(come)


def _is_to_be_told(days: int) -> ColumnElement[bool]:
    return and_(
        Secret.expires_at <= db.in_seconds(days * _DAY),
        Secret.expires_at > db.later(Secret.created_at, days * _DAY),
        or_(Secret.expiry_told.is_(None), Secret.expiry_told > days),
    )


def _without(limit: int) -> Select[str, int]:
    return (
        select(Secret.client_id, Secret.version)
        .join(Client, Client.id == Secret.client_id)
        .join(Onboarding, Onboarding.id == Client.onboarding_id)
        .where(
            Onboarding.state.in_(DONE),
            credentials.is_current(),
            Secret.expires_at.is_(None),
            # A public key is no secret, so it does not get old like one.
            Secret.jwk.is_(None),
        )
        .limit(limit)
    )


def _limited(limit: int) -> Select[str, int]:
    still = (Secret.ended_at.is_(None), Secret.expires_at.is_not(None))
    return select(Secret.client_id, Secret.version).where(*still).limit(limit)


def _among(found: Select[str, int]) -> ColumnElement[bool]:
    return tuple_(Secret.client_id, Secret.version).in_(found)
