"""Whether anything has changed of what the console lists: one short text, the same in every process.

Read from indexes and from what is unfinished, so it may be asked every few seconds, however many
onboardings there are. A transition that commits behind a later one into the same state is not seen.
"""

import hashlib
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from onboarding import audit, developers
from onboarding.chart import STATES
from onboarding.models import Handover, Message, Onboarding, Webhook


def latest(session: Session) -> str:
    """Another text than before, once something has changed."""
    failed = select(
        func.count(Message.cause), func.count(Message.failed_at), func.max(Message.failed_at)
    )
    entered = sorted((state, str(at)) for state, at in session.execute(_entered()))
    disabled = select(func.count(Webhook.disabled_at), func.max(Webhook.disabled_at))
    counted = [tuple(session.execute(query).one()) for query in (failed, disabled, _named())]
    seen = [entered, *counted, audit.head(session)]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


@cache
def _entered() -> CompoundSelect[Any]:
    """When somebody came to each state last: the index tells it state by state."""
    return union_all(
        *(
            select(literal(state), func.max(Onboarding.entered_at)).where(Onboarding.state == state)
            for state in STATES
        )
    )


@cache
def _named() -> Select[int, UUID]:
    """Who was named last, and how many have the move: a developer comes and goes without a transition."""
    last = select(Handover.id).order_by(Handover.id.desc()).limit(1)
    return select(func.count(), last.scalar_subquery()).where(developers.has_the_move())
