"""Everything that a database holds, to compare it with what it held before or to search it."""

from typing import Any

from sqlalchemy import Engine, select

from onboarding.models import Base


def dump(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in an order that does not depend on when it was written."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def everything_written(engine: Engine) -> bytes:
    """The same as one text; a value of bytes is in it as it is."""
    cells = (cell for rows in dump(engine).values() for row in rows for cell in row)
    return b"\n".join(cell if isinstance(cell, bytes) else repr(cell).encode() for cell in cells)
