"""An e-mail address in the texts of the database: where it stands, and how it is masked there."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, String, Table, Text, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from onboarding.models import Base

TABLES: Final = Base.metadata.tables
MASK: Final = "(erased)"
Key = tuple[Any, ...]

# Another address that ends or begins like it is somebody else's. JSON has the end of a line as a letter
# after a backslash.
_BEFORE: Final = r"(?:(?<![\w.+-])|(?<=\\[nrt]))"
_AFTER: Final = r"(?![\w-]|\.\w)"
# The database looks for so many in each text that it reads.
_ASKED_AT_ONCE: Final = 100


def keys(session: Session, name: str, address: str, *which: ColumnElement[bool]) -> list[Key]:
    """The keys of the rows in whose column the address stands; a column of no text has none."""
    table, column = _named(name)
    if not isinstance(column.type, (String, JSON)):
        return []
    pattern, text = _pattern(address), cast(column, Text)
    # The database finds what may be one, however it is written.
    near = func.lower(text).contains(address.lower(), autoescape=True)
    rows = session.execute(select(*table.primary_key.columns, text).where(near, *which))
    return [tuple(row[:-1]) for row in rows if pattern.search(row[-1])]


def keys_about(session: Session, name: str, ids: Collection[str]) -> list[Key]:
    """The keys of the rows in whose column of text one of these IDs stands."""
    table, column = _named(name)
    found, wanted = set[Key](), sorted(ids)
    for at in range(0, len(wanted), _ASKED_AT_ONCE):
        near = or_(*map(column.contains, wanted[at : at + _ASKED_AT_ONCE]))
        found.update(map(tuple, session.execute(select(*table.primary_key.columns).where(near))))
    return sorted(found)


def mask(session: Session, name: str, found: Sequence[Key], address: str) -> int:
    """Write the mask in its place; in how many rows it was. The rest of a text stays."""
    table, column = _named(name)
    pattern, count = _pattern(address), 0
    for row in _held(session, name, found):
        value = row[-1]
        is_text = isinstance(value, str)
        told = pattern.sub(MASK, value if is_text else json.dumps(value))
        masked = told if is_text else json.loads(told)
        if masked != value:
            where = _is(table, row[:-1])
            session.execute(table.update().where(where).values({column.name: masked}))
            count += 1
    return count


def empty_members(
    session: Session, name: str, found: Sequence[Key], members: Collection[str]
) -> int:
    """Mask what members of these names say, at whatever depth of a text of JSON; in how many rows it was."""
    table, column = _named(name)
    count = 0
    for row in _held(session, name, found):
        said = json.loads(row[-1])
        emptied = _without(said, members)
        if emptied != said:
            where, text = _is(table, row[:-1]), json.dumps(emptied)
            session.execute(table.update().where(where).values({column.name: text}))
            count += 1
    return count


def _named(name: str) -> tuple[Table, ColumnElement[Any]]:
    table, _, column = name.partition(".")
    return TABLES[table], TABLES[table].c[column]


def _held(session: Session, name: str, found: Sequence[Key]) -> Iterator[Key]:
    """Each as it is now, and nobody else's until the transaction ends."""
    table, column = _named(name)
    for key in found:
        wanted = select(*table.primary_key.columns, column).where(_is(table, key))
        yield from map(tuple, session.execute(wanted.with_for_update()).all())


def _is(table: Table, key: Key) -> ColumnElement[bool]:
    return and_(
        *(column == value for column, value in zip(table.primary_key.columns, key, strict=True))
    )


def _pattern(address: str) -> re.Pattern[str]:
    return re.compile(f"{_BEFORE}{re.escape(address)}{_AFTER}", re.IGNORECASE)


def _without(said: Any, members: Collection[str]) -> Any:
    if isinstance(said, dict):
        return {
            name: MASK if name in members and isinstance(value, str) else _without(value, members)
            for name, value in said.items()
        }
    return [_without(each, members) for each in said] if isinstance(said, list) else said
