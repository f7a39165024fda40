"""Which of several events of the marketplace's counts: of each fact the latest, whenever it has come.

Whoever asks and marks here has the place of the event's subject, so that no two do so at once.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, or_, select, text, update
from sqlalchemy.orm import Session

from onboarding.inbound_effects import TYPES, Kind
from onboarding.models import InboundEvent
from onboarding.models.inbound import UNORDERED


def counting(session: Session, event: InboundEvent) -> list[str]:
    """The facts of which nothing later has taken effect."""
    return [fact for fact in TYPES[event.type].facts if not _is_overtaken(session, event, fact)]


def overtake(session: Session, event: InboundEvent) -> None:
    """Mark what took effect and says nothing any more that this one, which is later, does not say.

    It is done once, when it happens: whoever forgets asks of no event again whether it is the latest.
    """
    earlier = (
        InboundEvent.subject == event.subject,
        InboundEvent.type.in_(_types_said_by(TYPES[event.type])),
        InboundEvent.status == "applied",
        InboundEvent.overtaken_at.is_(None),
        _is_later(event, InboundEvent),
    )
    marked = update(InboundEvent).where(*earlier).values(overtaken_at=event.settled_at)
    session.execute(marked, execution_options={"synchronize_session": False})
    event.in_order = True


def any_unordered(session: Session) -> bool:
    """Whether a version that marks nothing has had an event take effect."""
    return session.scalar(_UNORDERED.limit(1)) is not None


def put_in_order(session: Session, limit: int) -> int:
    """Mark what such events have overtaken; how many of them there were.

    What took effect has overtaken what it has, whatever comes at this moment: so nobody waits.
    """
    found = _UNORDERED.order_by(InboundEvent.id).limit(limit)
    events = session.scalars(found.with_for_update(skip_locked=True)).all()
    for event in events:
        if event.type in TYPES:
            overtake(session, event)
        event.in_order = True
    return len(events)


def _is_overtaken(session: Session, event: InboundEvent, fact: str) -> bool:
    """Whether something later about this fact has taken effect."""
    applied = exists().where(
        InboundEvent.subject == event.subject,
        InboundEvent.type.in_([name for name, kind in TYPES.items() if _says(kind, event, fact)]),
        InboundEvent.status == "applied",
        _is_later(InboundEvent, event),
    )
    return bool(session.scalar(select(applied)))


def _is_later(event: Any, than: Any) -> ColumnElement[bool]:
    """The order of events: by time; at the same instant, the ID decides, and then the source."""
    return or_(
        event.time > than.time,
        and_(event.time == than.time, event.event_id > than.event_id),
        and_(
            event.time == than.time,
            event.event_id == than.event_id,
            event.source > than.source,
        ),
    )


def _says(kind: Kind, event: InboundEvent, fact: str) -> bool:
    return kind.about == TYPES[event.type].about and fact in kind.facts


def _types_said_by(kind: Kind) -> list[str]:
    """Types whose events say no more about the same thing."""
    same = ((name, each) for name, each in TYPES.items() if each.about == kind.about)
    return [name for name, each in same if set(each.facts) <= set(kind.facts)]


# In the words of the index, or the database does not know that it holds them all.
_UNORDERED: Final = select(InboundEvent).where(text(f"({UNORDERED})"))
