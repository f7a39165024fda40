"""What is sent to endpoints: noted down from the log of events, and sent until it has arrived.

Nothing of it is in the way of a transition: whoever sweeps reads the log on from where each endpoint
is, and notes down what it is to be told. An event waits for those before it of the same onboarding.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from onboarding import db, event_bodies, event_log, following, holding, webhooks
from onboarding.errors import NotFound
from onboarding.event_log import Cursor
from onboarding.ids import new_id
from onboarding.models import Delivery, Onboarding, Transition, Webhook

# Places of the log that are looked at in one transaction, and what may wait for one endpoint: what
# has happened since stays in the log.
NOTES_AT_ONCE: Final = 500
BACKLOG: Final = 1000
# Endpoints that are each somewhere else in the log, and are looked after in one transaction.
_GROUPS: Final = 20
# How long it is known what was sent.
KEPT_FOR: Final = timedelta(days=30)


def any_to_note(session: Session) -> bool:
    """Whether the log goes on behind where some endpoint is. It takes no lock."""
    places = [Cursor.read(place) for place in session.scalars(_PLACES)]
    # What was there last may have been erased since.
    return bool(places) and min(places) < event_log.end(session)


def note(session: Session) -> tuple[int, bool]:
    """Note down what has happened since for whom; how many, and whether there may be more.

    Sweeps at once follow each other.
    """
    holding.one_by_one(session, "deliveries")
    noted, more = 0, False
    for place, listening in _by_place(session):
        after = Cursor.read(place)
        end, full = event_log.stretch(session, after, NOTES_AT_ONCE)
        if end == after:
            continue
        rows = [*_rows(session, listening, after, end)]
        if rows:
            # IDs in the order of the log, also among those of one instant.
            session.execute(insert(Delivery), [row | {"id": new_id()} for row in rows])
        theirs = Webhook.id.in_([webhook.id for webhook in listening])
        session.execute(update(Webhook).where(theirs).values(noted_until=str(end)))
        noted, more = noted + len(rows), more or full
    return noted, more


def redeliver(session: Session, webhook_id: UUID, *which: ColumnElement[bool]) -> int:
    """Send again what has arrived or failed for good, in the order in which it happened."""
    again = {"attempts": 0, "next_at": db.now(), "delivered_at": None, "failed_at": None}
    ended = or_(Delivery.delivered_at.is_not(None), Delivery.failed_at.is_not(None))
    changed = session.execute(
        update(Delivery).where(Delivery.webhook_id == webhook_id, ended, *which).values(**again)
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]


def which(
    *, failed: bool, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """Those that failed for good, and those that were noted down in a time."""
    conditions: list[ColumnElement[bool]] = []
    if failed:
        conditions.append(Delivery.failed_at.is_not(None))
    if since:
        conditions.append(Delivery.created_at >= since)
    if until:
        conditions.append(Delivery.created_at < until)
    return conditions


def one(session: Session, webhook_id: UUID, wanted: str) -> Delivery:
    """One of an endpoint's. Raises NotFound."""
    found = session.get(Delivery, webhooks.read_id(wanted, "delivery"))
    if found is None or found.webhook_id != webhook_id:
        raise NotFound("delivery")
    return found


def of(
    session: Session,
    webhook_id: UUID,
    *,
    limit: int,
    after: UUID | None = None,
    failed: bool = False,
) -> Sequence[Delivery]:
    """An endpoint's, the newest first."""
    conditions = [Delivery.webhook_id == webhook_id]
    if after:
        conditions.append(Delivery.id < after)
    if failed:
        conditions.append(Delivery.failed_at.is_not(None))
    newest = select(Delivery).where(*conditions).order_by(Delivery.id.desc()).limit(limit)
    return session.scalars(newest).all()


def forget(session: Session, limit: int) -> int:
    """Remove what has come to an end long ago."""
    ended = or_(Delivery.delivered_at.is_not(None), Delivery.failed_at.is_not(None))
    is_old = Delivery.created_at < db.in_seconds(-KEPT_FOR.total_seconds())
    # Held and asked again: one that was found may be sent again before it is removed. Whoever sends many
    # again holds them in another order, so what somebody holds is left for the next time.
    found = select(Delivery.id).where(ended, is_old).limit(limit)
    old = found.with_for_update(skip_locked=True).cte()
    gone = session.execute(delete(Delivery).where(Delivery.id.in_(select(old.c.id))))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def any_left(session: Session) -> ColumnElement[bool]:
    """Of a statement that reads onboardings: whether their system is still to be told of something.

    It may not be noted down yet. Whoever is disabled is told when that is over, of what is there then.
    """
    listening = select(Webhook.system_id, Webhook.noted_until).where(Webhook.disabled_at.is_(None))
    unnoted = (
        and_(
            # Most are nobody's, and of those the answer is no.
            Onboarding.system_id.is_not_distinct_from(row.system_id),
            exists().where(
                Transition.onboarding_id == Onboarding.id,
                event_log.behind(Cursor.read(row.noted_until)),
            ),
        )
        for row in session.execute(listening.distinct())
    )
    return or_(exists().where(Delivery.onboarding_id == Onboarding.id, unfinished()), *unnoted)


def unfinished(delivery: Any = Delivery) -> ColumnElement[bool]:
    """Neither arrived nor failed for good."""
    return and_(delivery.delivered_at.is_(None), delivery.failed_at.is_(None))


def _listens() -> ColumnElement[bool]:
    """Endpoints that are sent to, and that are not so far behind already."""
    backlog = select(Delivery.id).where(Delivery.webhook_id == Webhook.id, unfinished())
    return and_(Webhook.disabled_at.is_(None), ~exists(backlog.offset(BACKLOG - 1).limit(1)))


def _by_place(session: Session) -> list[tuple[str, list[Webhook]]]:
    """Endpoints by where they are in the log: most are at its end, and are looked after together."""
    places: dict[str, list[Webhook]] = defaultdict(list)
    for webhook in session.scalars(select(Webhook).where(_listens()).order_by(Webhook.id)):
        places[webhook.noted_until].append(webhook)
    behind = sorted(places.items(), key=lambda place: Cursor.read(place[0]))
    return behind[:_GROUPS]


def _rows(
    session: Session, listening: Collection[Webhook], after: Cursor, end: Cursor
) -> Iterator[dict[str, Any]]:
    """What each of these endpoints is to be told of a part of the log."""
    owners = {webhook.system_id for webhook in listening}
    found = session.execute(
        select(Transition, Onboarding.reference, following.OWNER)
        .join(Onboarding, Onboarding.id == Transition.onboarding_id)
        .where(event_log.between(after, end), following.OWNER.in_(owners))
        .order_by(*event_log.COLUMNS)
    ).all()
    for transition, reference, owner in found:
        its_type = event_bodies.type_of(transition)
        for webhook in listening:
            if webhook.system_id == owner and its_type in (webhook.event_types or (its_type,)):
                yield _row(webhook, transition, reference, its_type)


def _row(webhook: Webhook, transition: Transition, reference: str, its_type: str) -> dict[str, Any]:
    body = event_bodies.body(transition, reference, webhook.source)
    return {
        "webhook_id": webhook.id,
        "onboarding_id": transition.onboarding_id,
        "sequence": transition.sequence,
        "event_id": body["id"],
        "type": its_type,
        "body": event_bodies.encoded(body),
        "attempts": 0,
    }


_PLACES: Final = select(Webhook.noted_until).where(_listens()).distinct()
