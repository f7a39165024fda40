"""Questions that are asked all the time: the driver is handed them as they are, and their rows come as from the ORM.

SQLAlchemy takes ten times as long for such a question as the driver does, and longer than the database.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache, partial
from itertools import islice
from typing import Any, Generic, TypeVarTuple

from sqlalchemy import Select
from sqlalchemy.orm import Session

from onboarding import db, driver, rows, sqlite_driver
from onboarding.db import UTCDateTime
from onboarding.models import Base

Columns = TypeVarTuple("Columns")
# Makes an object of a model, of its columns' values.
_Show = Callable[[type[Base], list[Any]], Base]
# Takes from a row's columns those that are next.
_Reader = Callable[[Iterator[Any], _Show], Any]


class Look(Generic[*Columns]):
    """One SELECT, whose values are named and none of them a list. It is built once, at import."""

    def __init__(self, statement: Select[*Columns]) -> None:
        self._statement = statement

    def one(self, session: Session, **values: object) -> tuple[*Columns] | None:
        """The only row, by its columns' names too; None where there is none."""
        found = self.all(session, **values)
        assert not found[1:], "a look for one row has found several"
        return found[0] if found else None

    def all(self, session: Session, **values: object) -> list[tuple[*Columns]]:
        """Every row.

        In a transaction their objects are the session's, and show from now on what was read. Those of
        a look that writes nothing are nobody's, as all of it are when it is over; it needs no
        connection of its own then, and each of its statements sees what is committed anyway.
        """
        if _needs_no_connection(session):
            return _made(self._statement, _alone(self._statement, values), rows.detached)
        # What was changed on an object would be lost where its row is read again.
        session.flush()
        found = _within(session, self._statement, values)
        return _made(self._statement, found, partial(rows.shown, session))


def _needs_no_connection(session: Session) -> bool:
    """A look that writes nothing, and has asked nothing yet that is no `Look`."""
    options = session.get_bind().get_execution_options()
    return bool(options.get("onboarding_read_only")) and not session.in_transaction()


def _within(
    session: Session, statement: Select[*Columns], values: Mapping[str, object]
) -> driver.Rows:
    if session.get_bind().dialect.name == "sqlite":
        return sqlite_driver.within(session)(statement, values)
    text, known = driver.compiled(statement)
    return driver.within(session, text, {**known, **values})


def _alone(statement: Select[*Columns], values: Mapping[str, object]) -> driver.Rows:
    if db.engine().dialect.name == "sqlite":
        return sqlite_driver.look(statement, values)
    text, known = driver.compiled(statement)
    return driver.look(text, {**known, **values})


def _made(statement: Select[*Columns], found: driver.Rows, show: _Show) -> list[tuple[*Columns]]:
    """Of the driver's columns those of the statement: a model's are an object of it."""
    row, readers = _described(statement)
    if all(read is _plain for read in readers):
        return [row._make(each) for each in found]
    made = []
    for each in found:
        left = iter(each)
        made.append(row._make([read(left, show) for read in readers]))
    return made


@cache
def _described(statement: Select[*Columns]) -> tuple[Any, list[_Reader]]:
    """A row of it, and what reads each of its places."""
    described = statement.column_descriptions
    row = namedtuple("Found", [each["name"] for each in described], rename=True)  # type: ignore[misc]  # noqa: PYI024
    return row, [_reader(each["expr"], each["type"]) for each in described]


def _reader(what: object, kind: object) -> _Reader:
    if isinstance(what, type) and issubclass(what, Base):
        return partial(_object, what)
    return _instant if isinstance(kind, UTCDateTime) else _plain


def _plain(left: Iterator[Any], _: _Show) -> Any:
    """As the driver has read it."""
    return next(left)


def _instant(left: Iterator[Any], _: _Show) -> datetime | None:
    return rows.in_utc(next(left))


def _object(model: type[Base], left: Iterator[Any], show: _Show) -> Base | None:
    """None for a row that an outer join has not found."""
    its = list(islice(left, len(rows.columns(model))))
    return show(model, its) if any(value is not None for value in its) else None
