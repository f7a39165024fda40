"""Events of the marketplace's own systems: each takes effect once, whatever the order or repetition.

An event is kept with what became of it, in the transaction of its effect. Those about one subject
follow each other, so of fifty copies one is new. One that is older than what has been applied of the
same fact changes nothing; one whose subject is not there yet is parked, and offered again when it is.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from onboarding import audit, crash_points, db, holding, inbound_order, masking, outbox
from onboarding.audit import Attempt
from onboarding.errors import Invalid, NotFound
from onboarding.ids import new_id
from onboarding.inbound_effects import TYPES, Effect, Order
from onboarding.models import Aggregator, Client, InboundEvent, Message
from onboarding.models.inbound import WAITS
from onboarding.sealing import Keyring
from onboarding.words import N_

# What happened lies in the past, but for a clock that is ahead.
AHEAD_AT_MOST: Final = timedelta(minutes=5)
# Parked events that one look reads, and of those that one transaction promises to offer, at most.
LOOKS_AT: Final = 1000
BATCH: Final = 100
FIRST: Final = UUID(int=0)
WAITING: Final = ("parked", "unknown")


@dataclass(frozen=True, slots=True)
class Told:
    """What a source says: CloudEvents' members, and the body as it came."""

    source: str
    id: str
    type: str
    subject: str
    time: datetime
    body: str


class Contradicted(Exception):
    """An event of this source and ID was told before, and said something else."""


def receive(session: Session, ring: Keyring, told: Told) -> tuple[InboundEvent, bool]:
    """Take an event; what became of it, and whether it had been taken before.

    Raises Contradicted, and Invalid for a time to come or for data that no effect can have.
    """
    _one_by_one(session, told.type, told.subject)
    known = session.scalars(
        select(InboundEvent).where(
            InboundEvent.source == told.source, InboundEvent.event_id == told.id
        )
    ).one_or_none()
    if known is not None:
        if json.loads(known.body) != json.loads(told.body):
            raise Contradicted
        return known, True
    if told.time > db.clock(session) + AHEAD_AT_MOST:
        raise Invalid({"time": N_("What is told has happened already.")})
    event = InboundEvent(
        id=new_id(),
        source=told.source,
        event_id=told.id,
        type=told.type,
        subject=told.subject,
        time=told.time,
        body=told.body,
        received_at=db.clock(session),
    )
    _settle(session, ring, event)
    session.add(event)
    try:
        # What is offered now asks what has been applied.
        session.flush()
    except IntegrityError:
        # At the same moment, one about something else was told under this name.
        raise Contradicted from None
    if event.status == "applied":
        offer(session, ring, told.type.partition(".")[0], told.subject)
    return event, False


def offer(session: Session, ring: Keyring, kind: str, subject: str) -> int:
    """Offer what is parked about a subject again, the oldest first; how many took effect."""
    _one_by_one(session, kind, subject)
    waiting = session.scalars(
        select(InboundEvent)
        .where(
            InboundEvent.subject == subject,
            InboundEvent.type.in_(_types_of(kind)),
            InboundEvent.status == "parked",
        )
        .order_by(InboundEvent.time, InboundEvent.event_id, InboundEvent.source)
        .execution_options(populate_existing=True)
    ).all()
    for event in waiting:
        _settle(session, ring, event)
        # The next one asks what has been applied.
        session.flush()
    return sum(event.status == "applied" for event in waiting)


def one(session: Session, wanted: str) -> InboundEvent:
    """An event by our ID of it, as it was typed. Raises NotFound."""
    try:
        found = session.get(InboundEvent, UUID(wanted))
    except ValueError:
        found = None
    if found is None:
        raise NotFound("event")
    return found


def held(session: Session, event_id: UUID) -> InboundEvent:
    """An event as it stands, and stays until this transaction ends. Raises NotFound."""
    event = session.get(InboundEvent, event_id)
    if event is None:
        raise NotFound("event")
    _one_by_one(session, event.type, event.subject)
    session.refresh(event)
    return event


def offer_one(session: Session, ring: Keyring, event_id: UUID) -> InboundEvent:
    """Offer one again that waits, also of a type that nobody knew when it came. Raises NotFound."""
    event = held(session, event_id)
    if event.status in WAITING:
        _settle(session, ring, event)
    return event


def dismiss(session: Session, event_id: UUID) -> InboundEvent:
    """Have one that waits do so no more: whatever comes, it never takes effect. Raises NotFound."""
    event = held(session, event_id)
    if event.status in WAITING:
        event.status, event.settled_at, event.effect = "dismissed", db.clock(session), {}
        _forget_incident(session, event)
    return event


def ready(session: Session, after: UUID = FIRST, limit: int = LOOKS_AT) -> tuple[list[UUID], UUID]:
    """What is parked though its subject has come, and not promised to be offered; it takes no lock.

    No more is looked at than so many behind an ID: there the next look goes on, or at the beginning
    where this was the end.
    """
    part = select(InboundEvent).where(text(f"({WAITS})"), InboundEvent.status == "parked")
    part = part.where(InboundEvent.id > after).order_by(InboundEvent.id).limit(limit)
    each = aliased(InboundEvent, part.subquery())
    rows = session.execute(
        select(each.id, _is_ready(each).label("is_ready")).order_by(each.id)
    ).all()
    found = [row.id for row in rows if row.is_ready]
    if len(found) > BATCH:
        return found[:BATCH], found[BATCH - 1]
    return found, rows[-1].id if len(rows) == limit else FIRST


def promise(session: Session, ids: Sequence[UUID]) -> int:
    """Have those offered that nobody has promised to offer meanwhile; how many.

    Each has a message of its own: one that goes wrong holds up no other.
    """
    holding.one_by_one(session, "offers")
    found = select(InboundEvent).where(InboundEvent.id.in_(ids), InboundEvent.status == "parked")
    events = session.scalars(found.where(_is_ready(InboundEvent)).order_by(InboundEvent.id)).all()
    for event in events:
        event.message_id = outbox.promise(session, "offer_inbound", {"event": event.id.hex})
    return len(events)


def listed(
    session: Session, *, limit: int, status: str | None = None, after: UUID | None = None
) -> Sequence[InboundEvent]:
    """What was told, newest first; `after` is the last of the page before."""
    conditions: list[ColumnElement[bool]] = []
    if status:
        conditions.append(InboundEvent.status == status)
    if after:
        conditions.append(InboundEvent.id < after)
    newest = select(InboundEvent).where(*conditions).order_by(InboundEvent.id.desc()).limit(limit)
    return session.scalars(newest).all()


def subject(event: InboundEvent) -> str:
    """What it is about, as it may be shown: a Seller ID leads to a person, and so may what nobody knows."""
    plain = event.type.startswith(("aggregator.", "client."))
    return event.subject if plain else masking.text(event.subject)


def waiting(session: Session) -> Iterator[UUID]:
    """Every one that waits for something, the oldest first."""
    those = select(InboundEvent.id).where(InboundEvent.status.in_(WAITING))
    yield from session.scalars(those.order_by(InboundEvent.time, InboundEvent.id)).all()


def _one_by_one(session: Session, its_type: str, subject: str) -> None:
    holding.one_by_one(session, f"inbound {its_type.partition('.')[0]} {subject}")


def _settle(session: Session, ring: Keyring, event: InboundEvent) -> None:
    """Have an event take effect, or say why it does not."""
    actor = f"source:{event.source}"
    status, effect = _outcome(session, event, actor)
    if status == "applied":
        crash_points.reach("inbound.applied")
        details = {"inbound": str(event.id), **effect.told}
        done = (event.type, event.event_id, "done", effect.onboarding_id, details)
        audit.append(session, ring, Attempt(actor, None, *done))
    at = None if status in WAITING else db.clock(session)
    event.status, event.settled_at, event.effect = status, at, dict(effect.told)
    if event.message_id and status not in WAITING:
        _forget_incident(session, event)
    if status == "applied":
        inbound_order.overtake(session, event)


def _outcome(session: Session, event: InboundEvent, actor: str) -> tuple[str, Effect]:
    if event.type not in TYPES:
        return "unknown", Effect()
    kind = TYPES[event.type]
    if why := kind.missing(session, event.subject):
        return "parked", Effect({"waits_for": why})
    facts = inbound_order.counting(session, event)
    if not facts:
        return "stale", Effect()
    data = json.loads(event.body).get("data") or {}
    return "applied", kind.apply(session, Order(event, actor, data, facts))


def _types_of(kind: str) -> list[str]:
    return [name for name in TYPES if name.startswith(f"{kind}.")]


def _is_ready(event: Any) -> ColumnElement[bool]:
    """What a parked event is about is there now, sellers need not be; and no message offers it."""
    there = {"aggregator": Aggregator.id, "client": Client.id}
    has_come = (
        and_(event.type.in_(_types_of(kind)), exists().where(column == event.subject))
        for kind, column in there.items()
    )
    return and_(or_(*has_come), ~exists().where(Message.id == event.message_id))


def _forget_incident(session: Session, event: InboundEvent) -> None:
    """What said that it could not take effect; where a message is under way, that ends by itself."""
    given_up = Message.id == event.message_id, Message.failed_at.is_not(None)
    session.execute(delete(Message).where(*given_up))
