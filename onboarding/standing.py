"""How onboardings stand, as the rules of actions ask: read for one, or for thousands at once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from onboarding import db
from onboarding.models import Assignment, Mail, Message, Onboarding, Transition

# Onboardings in one question to the database.
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """One onboarding, and what an action may depend on besides."""

    onboarding: Onboarding
    # What is promised for it, or has failed for good.
    messages: Sequence[Message]
    # By which event it came where it stands, and to which state.
    arrival: tuple[str, str]
    # The operator who looks after it.
    owner: UUID | None
    # When the latest letter was handed over.
    told_at: datetime | None
    now: datetime

    @property
    def failed(self) -> list[Message]:
        """What has failed for good."""
        return [message for message in self.messages if message.failed_at is not None]


def of(session: Session, onboarding: Onboarding) -> Standing:
    """How one stands."""
    return _batch(session, [onboarding], db.clock(session))[0]


def of_many(session: Session, ids: Sequence[UUID]) -> Iterator[Standing]:
    """How each of these stands, in this order; one that is not there is left out."""
    now, remaining = db.clock(session), iter(ids)
    while some := list(islice(remaining, _BATCH)):
        rows = session.scalars(select(Onboarding).where(Onboarding.id.in_(some)))
        found = {onboarding.id: onboarding for onboarding in rows}
        yield from _batch(session, [found[each] for each in some if each in found], now)


def _batch(session: Session, found: Sequence[Onboarding], now: datetime) -> list[Standing]:
    ids = [onboarding.id for onboarding in found]
    messages: dict[UUID | None, list[Message]] = defaultdict(list)
    of_these = select(Message).where(Message.onboarding_id.in_(ids))
    for message in session.scalars(of_these.order_by(Message.created_at)):
        messages[message.onboarding_id].append(message)
    arrivals, owners = _arrivals(session, ids), _owners(session, ids)
    told = _told(session, ids)
    return [
        Standing(
            each, messages[each.id], arrivals[each.id], owners.get(each.id), told.get(each.id), now
        )
        for each in found
    ]


def _arrivals(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    last = and_(
        Transition.onboarding_id == Onboarding.id, Transition.sequence == Onboarding.sequence
    )
    rows = session.execute(
        select(Onboarding.id, Transition.event, Transition.target)
        .join(Transition, last)
        .where(Onboarding.id.in_(ids))
    )
    return {row.id: (row.event, row.target) for row in rows}


def _owners(session: Session, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    taken = select(Assignment.onboarding_id, Assignment.operator_id)
    rows = session.execute(taken.where(Assignment.onboarding_id.in_(ids)))
    return {row.onboarding_id: row.operator_id for row in rows}


def _told(session: Session, ids: Sequence[UUID]) -> dict[UUID, datetime]:
    latest = select(Mail.onboarding_id, func.max(Mail.sent_at).label("at"))
    rows = session.execute(latest.where(Mail.onboarding_id.in_(ids)).group_by(Mail.onboarding_id))
    return {row.onboarding_id: row.at for row in rows}
