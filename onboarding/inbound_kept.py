"""How long events of the marketplace's systems are known, and what is forgotten of them.

Whatever is forgotten may be told again and changes nothing: what was applied last of each fact stays,
and by it an older event is known to be stale.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from onboarding import db, inbound
from onboarding.inbound_effects import TYPES, Kind
from onboarding.models import InboundEvent

# Sources give up after days; and no onboarding waits longer for what one of them may tell.
KEPT_FOR: Final = timedelta(days=90)


def forget(session: Session, limit: int) -> int:
    """Remove what was settled long ago, and what nobody has learned the type of meanwhile; how many.

    What is parked stays: it takes effect when what it is about is there.
    """
    old = select(InboundEvent.id).where(_is_old(), ~_is_latest()).limit(limit)
    # Asked twice: one that was found may have been tried again and settled before it is removed.
    gone = session.execute(delete(InboundEvent).where(InboundEvent.id.in_(old), _is_old()))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _is_old() -> ColumnElement[bool]:
    long_ago = db.in_seconds(-KEPT_FOR.total_seconds())
    # Both are found by one index: what waits has no such instant.
    unknown = (InboundEvent.settled_at.is_(None), InboundEvent.status == "unknown")
    return or_(
        InboundEvent.settled_at < long_ago, and_(*unknown, InboundEvent.received_at < long_ago)
    )


def _is_latest() -> ColumnElement[bool]:
    """It has taken effect, and nothing later has that states all its facts."""
    overtaken = (_is_overtaken(name, kind) for name, kind in TYPES.items())
    return and_(InboundEvent.status == "applied", ~or_(*overtaken))


def _is_overtaken(name: str, kind: Kind) -> ColumnElement[bool]:
    later = aliased(InboundEvent)
    return and_(
        InboundEvent.type == name,
        exists().where(
            later.subject == InboundEvent.subject,
            later.type.in_(_types_that_state(kind)),
            later.status == "applied",
            inbound.is_later(later, InboundEvent),
        ),
    )


def _types_that_state(kind: Kind) -> list[str]:
    """Types whose events say as much about the same thing."""
    same = ((name, each) for name, each in TYPES.items() if each.about == kind.about)
    return [name for name, each in same if set(each.facts) >= set(kind.facts)]
