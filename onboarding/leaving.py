"""An operator who is removed: all that leads to them goes; what they did stays, by an ID that leads to nobody."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from onboarding.errors import NotFound
from onboarding.models import Assignment, Operator, SavedView


@dataclass(frozen=True, slots=True)
class Leaving:
    """What goes with somebody and others would miss: how many they look after, and views that all see."""

    let_go: int
    shared_views: tuple[str, ...]


def look(session: Session, operator_id: UUID) -> Leaving:
    """What would go."""
    theirs = select(func.count()).where(Assignment.operator_id == operator_id)
    shared = SavedView.shared & SavedView.deleted_at.is_(None)
    views = select(SavedView.name).where(SavedView.owner_id == operator_id, shared)
    return Leaving(
        session.scalar(theirs) or 0, tuple(session.scalars(views.order_by(SavedView.name)))
    )


def remove(session: Session, operator_id: UUID) -> Leaving:
    """Forget one, with whatever refers to them. Raises NotFound."""
    if session.get(Operator, operator_id, with_for_update=True) is None:
        raise NotFound("operator")
    gone = look(session, operator_id)
    # The tables say what goes with the row, and whose owner is nobody then.
    session.execute(delete(Operator).where(Operator.id == operator_id))
    return gone
