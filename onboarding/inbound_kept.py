"""How long events of the marketplace's systems are known, and what is forgotten of them.

What took effect and is forgotten may be told again and changes nothing: what was applied last of each
fact stays, and by it an older event is known to be stale. What an operator has dismissed waits again.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from onboarding import db
from onboarding.models import InboundEvent
from onboarding.models.inbound import MAY_GO

# Sources give up after days; and no onboarding waits longer for what one of them may tell.
KEPT_FOR: Final = timedelta(days=90)


def forget(session: Session, limit: int) -> int:
    """Remove what was settled long ago and counts no more, and types that nobody has learned; how many.

    What is parked stays: it takes effect when what it is about is there.
    """
    since = func.coalesce(InboundEvent.settled_at, InboundEvent.received_at)
    is_old = since < db.in_seconds(-KEPT_FOR.total_seconds())
    # In the words of the index, or the database does not know that it holds them all. Each is held and
    # asked again: one that was found may have been tried again and settled before it is removed.
    found = select(InboundEvent.id).where(text(f"({MAY_GO})"), is_old).limit(limit)
    old = found.with_for_update().cte()
    gone = session.execute(delete(InboundEvent).where(InboundEvent.id.in_(select(old.c.id))))
    return int(gone.rowcount)  # type: ignore[attr-defined]
