"""Cursors of PostgreSQL's driver that describe a result by what SQLAlchemy reads of it: names and types."""

from functools import cache

import psycopg
from psycopg.rows import TupleRow

# A column's name, its type's number, and five facts that nobody asks for (PEP 249, `description`).
Column = tuple[str, int, None, None, None, None, None]


class Cursor(psycopg.Cursor[TupleRow]):
    """The driver's own looks up each column's type by its name: for an onboarding's row, longer than to read it."""

    @property
    def description(self) -> list[Column] | None:  # type: ignore[override]
        """None where the statement gives no rows."""
        result = self.pgresult
        if result is None or not result.nfields:
            return None
        return [_column(result.fname(it), result.ftype(it)) for it in range(result.nfields)]


@cache
def _column(name: bytes | None, type_number: int) -> Column:
    """There are some hundreds of them, named by us, in ASCII."""
    return ((name or b"").decode(), type_number, None, None, None, None, None)
