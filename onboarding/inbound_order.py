"""Which of several events of the marketplace's counts: of each fact the latest, whenever it has come.

Whoever asks and marks here has the place of the event's subject, so that no two do so at once.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from onboarding.inbound_effects import TYPES, Kind
from onboarding.models import InboundEvent


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
