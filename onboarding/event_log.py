"""The log of events: every transition of all onboardings, in one order that never changes behind a reader.

A transition's position is the number of the transaction that wrote it, or its predecessor's where that is
higher: so an onboarding's own come in their sequence. A reader is shown what lies below every transaction
that is still under way, so nothing can come in behind it. SQLite has one writer, who counts on from the last
place that there has been.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, func, literal_column, select, true, tuple_
from sqlalchemy.orm import Session

from onboarding import holding
from onboarding.errors import Invalid
from onboarding.histories import this_history
from onboarding.models import EventLog, Transition
from onboarding.words import N_

# By more than a history can have gone on after the last that its heir knows of.
_LEAP: Final = 1 << 24
# How a place in the log is written.
SHAPE: Final = "([0-9]{1,18})-([0-9a-f]{32})-([0-9]{1,9})"
_CURSOR: Final = re.compile(SHAPE)


class Cursor(NamedTuple):
    """A place in the log: right after this transition."""

    position: int
    onboarding_id: UUID
    sequence: int

    @classmethod
    def read(cls, text: str, said_in: str = "after") -> "Cursor":
        """A cursor as `str` wrote it. Raises Invalid, which names where it was said."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise Invalid({said_in: N_("A cursor as it was sent, unchanged.")})
        return cls(int(found[1]), UUID(found[2]), int(found[3]))

    @classmethod
    def of(cls, transition: Transition) -> "Cursor":
        return cls(transition.position, transition.onboarding_id, transition.sequence)

    def __str__(self) -> str:
        return f"{self.position}-{self.onboarding_id.hex}-{self.sequence}"


BEGINNING: Final = Cursor(0, UUID(int=0), 0)
# The order of the log.
COLUMNS: Final = (Transition.position, Transition.onboarding_id, Transition.sequence)


def page(session: Session, after: Cursor, limit: int) -> Sequence[Transition]:
    """What follows in the log, at most `limit`; whoever asks again from its last misses nothing."""
    place = tuple_(*COLUMNS)
    return session.scalars(
        select(Transition)
        .where(place > tuple_(*after), _is_settled(session))
        .order_by(*COLUMNS)
        .limit(limit)
    ).all()


def stretch(session: Session, after: Cursor, places: int) -> tuple[Cursor, bool]:
    """Where the next so many places end, and whether there are that many."""
    part = (
        select(*COLUMNS)
        .where(tuple_(*COLUMNS) > tuple_(*after), _is_settled(session))
        .order_by(*COLUMNS)
        .limit(places)
        .subquery()
    )
    count = select(func.count()).select_from(part).scalar_subquery()
    last = session.execute(
        select(*part.c, count).order_by(*(column.desc() for column in part.c)).limit(1)
    ).one_or_none()
    return (Cursor(*last[:3]), last[3] == places) if last else (after, False)


def behind(place: Cursor) -> ColumnElement[bool]:
    """What comes after it, whether it can be read already or not."""
    return tuple_(*COLUMNS) > tuple_(*place)


def between(after: Cursor, end: Cursor) -> ColumnElement[bool]:
    """Behind the one and up to the other, which can be read."""
    place = tuple_(*COLUMNS)
    return and_(place > tuple_(*after), place <= tuple_(*end))


def end(session: Session) -> Cursor:
    """The last place that can be read now."""
    last = session.execute(
        select(*COLUMNS)
        .where(_is_settled(session))
        .order_by(*(column.desc() for column in COLUMNS))
        .limit(1)
    ).one_or_none()
    return Cursor(*last) if last else BEGINNING


def is_elsewhere(session: Session) -> bool:
    """Whether this history is not the one that positions are counted in, or none is noted yet."""
    counted = session.scalar(select(EventLog.history == this_history()))
    return not counted


def leap(session: Session) -> None:
    """Go on behind all that another history of this database may have shown its readers.

    Nobody writes meanwhile: who still counts as before would come in behind a reader.
    """
    holding.hold(session, "transitions", alone=True)
    log = session.get(EventLog, 1)
    last = session.scalar(select(func.max(Transition.position))) or 0
    shift = max(last, log.shift if log else 0) + _LEAP
    session.merge(EventLog(id=1, shift=shift, history=session.scalar(select(this_history()))))


def count_on(session: Session) -> None:
    """Before transitions are removed: no later one may come where a reader has been already.

    PostgreSQL numbers transactions, whatever becomes of what they wrote.
    """
    if _is_postgresql(session):
        return
    log, last = session.get(EventLog, 1), session.scalar(select(func.max(Transition.position)))
    if last and (log is None or log.shift < last):
        history = log.history if log else session.scalar(select(this_history()))
        session.merge(EventLog(id=1, shift=last, history=history))


def _is_settled(session: Session) -> ColumnElement[bool]:
    """Below every transaction that may still write."""
    if not _is_postgresql(session):
        return true()
    under_way = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger)
    shift = func.coalesce(select(EventLog.shift).scalar_subquery(), 0)
    return Transition.position < shift + under_way


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
