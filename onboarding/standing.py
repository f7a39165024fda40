"""How onboardings stand, as the rules of actions ask: read for one, or for thousands at once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, defer

from onboarding import db
from onboarding.afterwards import SETTLED_BY_NEW_SECRET, UNTOLD
from onboarding.errors import NotFound
from onboarding.models import Assignment, Client, Link, Mail, Message, Onboarding, Transition

# Onboardings in one question to the database.
_BATCH: Final = 1000


class News(NamedTuple):
    """The latest transition that there may be a letter about, as far as it is so still."""

    event: str
    target: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One onboarding, and what an action may depend on besides."""

    onboarding: Onboarding
    # What is promised for it, or has failed for good.
    messages: Sequence[Message]
    # What its contact is to know of where it stands.
    news: News
    # The operator who looks after it.
    owner: UUID | None
    # When the latest letter was handed over.
    told_at: datetime | None
    # Whether it has a client ID that is not revoked, and a seller account that is linked.
    has_client: bool
    has_link: bool
    now: datetime

    @property
    def failed(self) -> list[Message]:
        """What has failed for good."""
        return [message for message in self.messages if message.failed_at is not None]


def of(session: Session, onboarding: Onboarding) -> Standing:
    """How one stands. Raises NotFound for one that is archived meanwhile."""
    for found in of_many(session, [onboarding.id]):
        return found
    raise NotFound


def of_many(session: Session, ids: Sequence[UUID]) -> Iterator[Standing]:
    """How each of these stands, in this order; one that is not there is left out."""
    now, remaining = db.clock(session), iter(ids)
    while some := list(islice(remaining, _BATCH)):
        messages = _messages(session, some)
        rows = {row.Onboarding.id: row for row in session.execute(_looked_at(some))}
        for row in (rows[each] for each in some if each in rows):
            one, promised = row.Onboarding, messages.get(row.Onboarding.id, [])
            yield Standing(
                onboarding=one,
                messages=promised,
                news=News(row.event, row.target, row.sequence),
                owner=row.owner,
                told_at=row.told_at,
                has_client=row.has_client,
                has_link=row.has_link,
                now=now,
            )


def _looked_at(ids: Sequence[UUID]) -> Select[*tuple[Any, ...]]:
    """One question: a list of thousands is long to send. What was answered has no part in any rule."""
    news = and_(Transition.onboarding_id == Onboarding.id, Transition.sequence == _news())
    client = exists().where(Client.onboarding_id == Onboarding.id, Client.revoked_at.is_(None))
    link = exists().where(Link.onboarding_id == Onboarding.id, Link.ended_at.is_(None))
    told = select(func.max(Mail.sent_at)).where(Mail.onboarding_id == Onboarding.id)
    return (
        select(
            Onboarding,
            Transition.event,
            Transition.target,
            Transition.sequence,
            Assignment.operator_id.label("owner"),
            told.scalar_subquery().label("told_at"),
            client.label("has_client"),
            link.label("has_link"),
        )
        .select_from(Onboarding)
        .join(Transition, news)
        .outerjoin(Assignment, Assignment.onboarding_id == Onboarding.id)
        .where(Onboarding.id.in_(ids))
        .options(defer(Onboarding.answers))
    )


def _news() -> ScalarSelect[int]:
    step, later = aliased(Transition), aliased(Transition)
    replaced = exists().where(
        later.onboarding_id == Onboarding.id,
        later.sequence > step.sequence,
        later.event == "take_new_secret",
    )
    is_so = or_(step.event.not_in(SETTLED_BY_NEW_SECRET), ~replaced)
    told = (step.onboarding_id == Onboarding.id, step.event.not_in(UNTOLD), is_so)
    return select(func.max(step.sequence)).where(*told).correlate(Onboarding).scalar_subquery()


def _messages(session: Session, ids: Sequence[UUID]) -> Mapping[UUID | None, list[Message]]:
    found: dict[UUID | None, list[Message]] = defaultdict(list)
    theirs = select(Message).where(Message.onboarding_id.in_(ids))
    for message in session.scalars(theirs.order_by(Message.created_at)):
        found[message.onboarding_id].append(message)
    return found
