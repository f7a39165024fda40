"""Who looks after an onboarding, and what operators noted about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding.models import Assignment, Note, Operator


class Noted(NamedTuple):
    """One note: when, by whom as people know them, and what."""

    at: datetime
    author: str
    text: str


def owner(session: Session, onboarding_id: UUID) -> str | None:
    """The name of the operator who has taken it on."""
    return session.scalar(
        select(Operator.name)
        .join(Assignment, Assignment.operator_id == Operator.id)
        .where(Assignment.onboarding_id == onboarding_id)
    )


def notes(session: Session, onboarding_id: UUID) -> Sequence[Note]:
    """From the first."""
    return session.scalars(
        select(Note).where(Note.onboarding_id == onboarding_id).order_by(Note.at, Note.id)
    ).all()


def noted(session: Session, onboarding_id: UUID) -> list[Noted]:
    """The same, by their authors' names."""
    known = names(session)
    return [
        Noted(each.at, known.get(each.author, each.author), each.text)
        for each in notes(session, onboarding_id)
    ]


def names(session: Session) -> dict[str, str]:
    """Operators by the ID that history, notes and the trail keep."""
    rows = session.execute(select(Operator.id, Operator.name))
    return {f"operator:{row.id}": row.name for row in rows}
