"""Whoever follows the log of events: what of it is theirs, a page at a time.

A page looks at a bounded part of the log, however few of its events are asked for, and says where
the next one begins. So one system among many costs no more than another.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from onboarding import event_bodies, event_log
from onboarding.event_log import Cursor
from onboarding.models import Onboarding, Transition

# Places of the log that one page looks at.
LOOKS_AT: Final = 2000

# Whose an onboarding is. Nothing else decides that where events are concerned.
OWNER: Final = Onboarding.system_id

_EVENTS: Final = {its_type: event for event, its_type in event_bodies.TYPE_OF.items()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose events: of the onboardings of one system or of all, of some types, of one onboarding."""

    # None: everybody's.
    owner: UUID | None
    types: Collection[str] = ()
    onboarding_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Transitions with their onboardings' references; and where whoever goes on goes on."""

    items: Sequence[tuple[Transition, str]]
    next: Cursor
    # Whether the log goes on there already.
    more: bool

    def bodies(self, source: str) -> list[dict[str, Any]]:
        return [event_bodies.body(each, reference, source) for each, reference in self.items]


def page(session: Session, wanted: Wanted, after: Cursor, limit: int) -> Page:
    """What is theirs of the next part of the log, at most `limit` events."""
    end, full = event_log.stretch(session, after, LOOKS_AT)
    rows = session.execute(
        select(Transition, Onboarding.reference)
        .join(Onboarding, Onboarding.id == Transition.onboarding_id)
        .where(event_log.between(after, end), *_conditions(wanted))
        .order_by(*event_log.COLUMNS)
        .limit(limit + 1)
    ).all()
    items = [(row.Transition, row.reference) for row in rows[:limit]]
    cut = len(rows) > limit
    return Page(items, Cursor.of(items[-1][0]) if cut else end, more=cut or full)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [OWNER.in_([wanted.owner])] if wanted.owner else []
    if wanted.types:
        events = [_EVENTS[each] for each in wanted.types]
        conditions.append(Transition.event.in_(events))
    if wanted.onboarding_id:
        conditions.append(Transition.onboarding_id == wanted.onboarding_id)
    return conditions
