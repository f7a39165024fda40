"""The search: whatever somebody may have at hand of an onboarding, on the telephone or in a log."""

from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    Select,
    SelectBase,
    and_,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import expression

from onboarding import sealing
from onboarding.ids import as_ending, as_reference
from onboarding.models import ENDING, Client, FurtherLink, Link, Message, Onboarding


def says(text: str, *, errors: bool) -> ColumnElement[bool]:
    """Whatever somebody may have at hand. Each is looked up by itself, by an index or among few."""
    wanted, onboarding = as_uuid(text), select(Onboarding.id)
    error = Message.cause == text
    if errors:
        error |= Message.last_error.contains(text, autoescape=True)
    found: CompoundSelect[Any] = union_all(
        onboarding.where(Onboarding.reference == as_reference(text)),
        *([onboarding.where(each) for each in _has_address(text)] if "@" in text else []),
        *([onboarding.where(Onboarding.id == wanted)] if wanted else []),
        select(Client.onboarding_id).where(Client.id == text),
        *([_ends_in(ending)] if (ending := as_ending(text)) else []),
        select(Link.onboarding_id).where(Link.seller_id == text),
        select(FurtherLink.onboarding_id).where(FurtherLink.seller_id == text),
        select(Message.onboarding_id).where(Message.failed_at.is_not(None), error),
    )
    return among(found)


class among(expression.FunctionElement[bool]):  # noqa: N801 - reads as SQL's IN
    """An onboarding is one of these, of which there are few.

    PostgreSQL believes that those few are spread evenly among all, and would read newest first until it
    has met enough of them: all of a million, where they are old. So it is given their IDs.
    """

    inherit_cache = True
    type = Boolean()

    def __init__(self, found: SelectBase) -> None:
        super().__init__(Onboarding.id, found.scalar_subquery())

    def self_group(self, against: Any = None) -> Self:
        """It is a condition as it is: SQLAlchemy would have SQLite ask whether it equals 1, of every row."""
        return self


@compiles(among, "postgresql")
def _among_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    onboarding, found = (compiler.process(each, **options) for each in element.clauses)
    return f"{onboarding} = ANY (ARRAY{found})"


@compiles(among, "sqlite")
def _among_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    onboarding, found = (compiler.process(each, **options) for each in element.clauses)
    return f"{onboarding} IN {found}"


def as_uuid(text: str) -> UUID | None:
    """None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _ends_in(ending: str) -> Select[UUID]:
    """Their client ID does: that is what people read out."""
    return select(Client.onboarding_id).where(literal_column(ENDING) == ending)


def _has_address(text: str) -> tuple[ColumnElement[bool], ...]:
    """By what it is found by; those of before have nothing of the kind until the clock comes by."""
    without = and_(Onboarding.contact_hash.is_(None), Onboarding.contact_email == text)
    return Onboarding.contact_hash.in_(sealing.address_hashes(text)), without
