"""When what is noted down for an endpoint is sent there, and what follows from the answer.

Each endpoint has a message of its own in the outbox, one at a time, and each message sends a part of
what is due. One that does not answer is left alone for a while, and of all those there is one message
at a time: whoever is slow or dead holds up nobody else.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from onboarding import crash_points, db, holding, logs, outbox, webhooks
from onboarding.deliveries import unfinished
from onboarding.models import Delivery, Message, Webhook
from onboarding.sealing import Keyring
from onboarding.signing import Key

log = logs.get(__name__)

# Seconds from one attempt to the next; after the last one it has failed for good, three days later.
_HOUR: Final = 3600
WAITS: Final = (
    *(5, 300, 1800),
    *(hours * _HOUR for hours in (2, 5, 10, 14, 20, 24)),
)
ATTEMPTS: Final = len(WAITS) + 1
# Seconds for which an endpoint is left alone after a failure: 5, 10, 20, … at most this many.
_RESTS_AT_MOST: Final = 300.0
# Deliveries of one message at most.
_PART: Final = 100
# Causes that are over for all that waits as soon as they are for one: nobody was there.
AWAY: Final = frozenset({"unreachable", "timeout", "tls_failed", "name_unknown", "answered_5xx"})
_TAKEN: Final = range(200, 300)
_GONE: Final = 410
# Why one is disabled that has answered so.
GONE: Final = "gone"


@dataclass(frozen=True, slots=True)
class Item:
    """One delivery as it stands, and the one of the same onboarding that it comes after."""

    id: UUID
    event_id: str
    body: str = field(repr=False)
    attempts: int
    place: tuple[UUID | None, int | None]
    waits_for: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """What is due at one endpoint, in order, and how it is signed; `at` in seconds since 1970."""

    webhook_id: UUID
    url: str
    keys: Sequence[Key]
    at: int
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: a status, or why there is none."""

    status: int | None = None
    failed: str | None = None

    @property
    def arrived(self) -> bool:
        return self.status in _TAKEN

    @property
    def cause(self) -> str | None:
        if self.arrived or self.status is None:
            return self.failed
        return "gone" if self.status == _GONE else f"answered_{self.status // 100}xx"


def any_due(session: Session) -> bool:
    """Whether something is to be sent, and nobody has been told. It takes no lock."""
    return bool(session.scalar(_ANY_DUE))


def promise(session: Session, limit: int = 20) -> int:
    """Have workers send what is due; returns to how many endpoints."""
    holding.one_by_one(session, "deliveries promised")
    well = select(Webhook).where(_is_due(), Webhook.failures == 0).limit(limit)
    ill = select(Webhook).where(_is_due(), Webhook.failures > 0)
    due = [*session.scalars(well)]
    # Of one that was given up, an incident stays.
    under_way = Message.id == Webhook.message_id, Message.failed_at.is_(None)
    at_it = exists().where(Webhook.failures > 0, *under_way)
    if not session.scalar(select(at_it)):
        due += session.scalars(ill.order_by(Webhook.rests_until).limit(1))
    for webhook in due:
        webhook.message_id = outbox.promise(
            session, "deliver_webhooks", {"webhook": webhook.id.hex}
        )
    return len(due)


def next_part(session: Session, ring: Keyring, webhook_id: UUID) -> Part | None:
    """What is to be sent now; None where it is disabled, or gone. Raises Unavailable."""
    webhook = session.get(Webhook, webhook_id)
    if webhook is None or webhook.disabled_at is not None:
        return None
    at = int(db.clock(session).timestamp())
    items = _items(session, webhook_id)
    return Part(webhook_id, webhook.url, webhooks.keys(session, ring, webhook), at, items)


class GivenUp(Exception):
    """An endpoint is sent nothing any more, and nobody has asked for that. `cause` is a code for operators."""

    def __init__(self, cause: str, why: str) -> None:
        super().__init__(why)
        self.cause = cause


def check(session: Session, webhook_id: UUID) -> None:
    """Whether it is still sent something, or its owner wants nothing. Raises GivenUp."""
    webhook = session.get(Webhook, webhook_id)
    because = webhook.disabled_because if webhook is not None else None
    if because == GONE:
        raise GivenUp("endpoint_gone", "it has answered 410")
    if because not in (None, webhooks.BY_ITS_OWNER):
        raise GivenUp("endpoint_failing", f"it has taken nothing for days: {because}")


def record(session: Session, webhook_id: UUID, item: Item, outcome: Outcome) -> None:
    """What came of an attempt. Whoever is late writes nothing."""
    webhook = session.get(Webhook, webhook_id, with_for_update=True)
    if webhook is None:
        return
    attempt = item.attempts + 1
    ends = _ends(outcome, attempt)
    noted = session.execute(
        update(Delivery)
        .where(Delivery.id == item.id, Delivery.attempts == item.attempts, unfinished())
        .values(
            attempts=attempt,
            status=outcome.status,
            cause=outcome.cause,
            tried_at=db.now(),
            **ends,
        )
    )
    if not noted.rowcount:  # type: ignore[attr-defined]
        return
    if outcome.arrived:
        _is_well(session, webhook)
    else:
        _is_ill(session, webhook, outcome, over="failed_at" in ends)

    crash_points.reach("delivery.noted")


def _is_due() -> ColumnElement[bool]:
    """Endpoints to which something is to be sent, and of which no message is under way."""
    item = and_(Delivery.webhook_id == Webhook.id, unfinished(), Delivery.next_at <= db.now())
    return and_(
        Webhook.disabled_at.is_(None),
        func.coalesce(Webhook.rests_until, db.now()) <= db.now(),
        ~exists().where(Message.id == Webhook.message_id),
        exists(select(Delivery.id).where(item, _before().is_(None)).correlate(Webhook)),
    )


def _before() -> Any:
    """The sequence of the event that a delivery comes after, where that has not arrived yet."""
    earlier = aliased(Delivery)
    return (
        select(func.max(earlier.sequence))
        .where(
            earlier.webhook_id == Delivery.webhook_id,
            earlier.onboarding_id == Delivery.onboarding_id,
            earlier.sequence < Delivery.sequence,
            unfinished(earlier),
        )
        .correlate(Delivery)
        .scalar_subquery()
    )


def _items(session: Session, webhook_id: UUID) -> list[Item]:
    """What has been due for longest, and what follows on it and is due as well.

    What is tried again comes after all that was due before: else it would come first each time.
    """
    mine = Delivery.webhook_id == webhook_id, unfinished()
    first = session.execute(
        select(Delivery.id, Delivery.onboarding_id)
        .where(*mine, Delivery.next_at <= db.now(), _before().is_(None))
        .order_by(Delivery.next_at, Delivery.created_at, Delivery.id)
        .limit(_PART)
    ).all()
    of_each: Any = {"partition_by": Delivery.onboarding_id, "order_by": Delivery.sequence}
    # Whoever comes after another is not due before that.
    due_at = func.max(Delivery.next_at).over(**of_each).label("due_at")
    before = func.lag(Delivery.sequence).over(**of_each).label("before")
    onboardings = {row.onboarding_id for row in first} - {None}
    theirs = or_(
        Delivery.id.in_([row.id for row in first]), Delivery.onboarding_id.in_(onboardings)
    )
    found = session.execute(select(Delivery, due_at, before).where(*mine, theirs))
    now = db.clock(session)
    due = sorted((row for row in found if row.due_at <= now), key=_by_turn)
    return [_item(row.Delivery, row.before) for row in due[:_PART]]


def _by_turn(row: Any) -> tuple[Any, ...]:
    return row.due_at, row.Delivery.created_at, row.Delivery.id


def _item(delivery: Delivery, before: int | None) -> Item:
    place = (delivery.onboarding_id, delivery.sequence)
    return Item(delivery.id, delivery.event_id, delivery.body, delivery.attempts, place, before)


def _ends(outcome: Outcome, attempt: int) -> dict[str, Any]:
    if outcome.arrived:
        return {"delivered_at": db.now()}
    if attempt >= ATTEMPTS:
        return {"failed_at": db.now()}
    return {"next_at": db.in_seconds(_jittered(WAITS[attempt - 1]))}


def _is_well(session: Session, webhook: Webhook) -> None:
    """Where it was away, what rests because of that can go now."""
    if webhook.failures > 1:
        away = Delivery.webhook_id == webhook.id, Delivery.cause.in_(AWAY), unfinished()
        session.execute(update(Delivery).where(*away).values(next_at=db.now()))
    if webhook.failures:
        webhook.failures, webhook.failing_since, webhook.rests_until = 0, None, None


def _is_ill(session: Session, webhook: Webhook, outcome: Outcome, *, over: bool) -> None:
    """Leave it alone for a while; or for good, where it asks for that, or has taken nothing for days."""
    since = webhook.failing_since or db.clock(session)
    webhook.failures, webhook.failing_since = webhook.failures + 1, since
    rest = min(5.0 * 2 ** min(webhook.failures - 1, 10), _RESTS_AT_MOST)
    seconds = db.in_seconds(_jittered(rest))
    webhook.rests_until = session.execute(select(seconds)).scalar_one()
    if outcome.status == _GONE:
        _disable(session, webhook, GONE)
    elif over and webhook.failures >= ATTEMPTS:
        _disable(session, webhook, outcome.cause or "failed")


def _disable(session: Session, webhook: Webhook, because: str) -> None:
    webhooks.disable(session, webhook, because)
    log.warning("webhook_disabled", webhook=str(webhook.id), cause=because)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.2)  # noqa: S311 - jitter, not a secret


# Built once: a look at what hardly ever is there takes most of its time to be written.
_ANY_DUE: Final = select(exists(select(Webhook.id).where(_is_due())))
