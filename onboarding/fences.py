"""Secrets that were sealed in another history of this database: shown to nobody, and destroyed.

A standby that was promoted without its primary's last commits, or a restored backup, may hold a
sealed secret that was shown already. `histories` tells the histories apart on PostgreSQL; a backup
that was put back in place, and every one of SQLite, only its operator knows of.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from onboarding import lifecycle, replacing
from onboarding.access import CLOCK
from onboarding.histories import this_history
from onboarding.models import Client, SealedSecret

# Why a secret lapsed before its time, as history keeps it.
CAUSE: Final = "other_history"


def fenced(session: Session, limit: int) -> Sequence[UUID]:
    """Onboardings whose secret was sealed in another history than this one."""
    return session.scalars(_sealed().where(SealedSecret.fence != this_history()).limit(limit)).all()


def sealed(session: Session) -> Sequence[UUID]:
    """Every onboarding whose secret waits to be shown."""
    return session.scalars(_sealed()).all()


def forfeit(session: Session, onboarding_id: UUID) -> bool:
    """Destroy a sealed secret before its time; False: the onboarding has moved on since."""
    onboarding = lifecycle.lock(session, onboarding_id)
    if onboarding.state != "secret_ready":
        return replacing.forfeit(session, onboarding)
    lifecycle.fire(session, onboarding_id, "lapse_secret", CLOCK, details={"cause": CAUSE})
    return True


def _sealed() -> Select[UUID]:
    return select(Client.onboarding_id).join(SealedSecret, SealedSecret.client_id == Client.id)
