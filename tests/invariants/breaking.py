"""Past the product, as an accident or an intruder would: rows that are changed, tables without constraints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Executable, inspect

from tests import builders
from tests.builders import OPERATOR, Walk

EMAIL = "seller@shop.example"

Changes = Callable[[UUID, UUID], Sequence[Executable]]
Road = Callable[[], UUID]


@dataclass(frozen=True)
class Broken:
    """A rule, the onboarding that will break it, and how; `besides` breaks with it, of necessity."""

    rule: str
    road: Road
    changes: Changes
    besides: frozenset[str] = frozenset()
    # Whose constraints stand in the way: the checker must see it without them.
    bare: tuple[str, ...] = ()
    # The other onboarding is like this one and breaks the same rule; else it is a bystander.
    both: bool = False

    def __str__(self) -> str:
        return self.rule


def broken(rule: str, road: Road, changes: Changes, *besides: str, **more: Any) -> Broken:
    """The same, written short."""
    return Broken(rule, road, changes, frozenset(besides), **more)


def in_state(state: str, *, delegated: bool = False, email: str | None = None) -> Road:
    """An onboarding that got there on the shortest way."""
    return lambda: builders.an_onboarding(state, delegated=delegated, email=email)


def and_then(state: str, *steps: str, email: str | None = None) -> Road:
    """From there it goes on: by an event, `work`, or a step of the builders."""

    def walked() -> UUID:
        walk = builders.a_walk(state, email=email)
        for step in steps:
            _go_on(walk, step)
        return walk.id

    return walked


def _go_on(walk: Walk, step: str) -> None:
    if step in builders.STEPS:
        builders.STEPS[step](walk)
    else:
        builders.fire(walk.id, step, OPERATOR)


def strip(engine: Engine, table: str) -> None:
    """Leave a table as a careless restore does: all of its rows, and not one constraint."""
    if engine.dialect.name == "sqlite":
        _copy_rows_only(engine, table)
        return
    with engine.begin() as connection:
        found = inspect(connection)
        for rule in found.get_check_constraints(table) + found.get_unique_constraints(table):
            connection.exec_driver_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{rule["name"]}"')
        for index in inspect(connection).get_indexes(table):
            connection.exec_driver_sql(f'DROP INDEX "{index["name"]}"')


def _copy_rows_only(engine: Engine, table: str) -> None:
    """Past SQLAlchemy, which would begin a transaction: in one, foreign keys stay what they are."""
    engine.dispose()
    connection = engine.raw_connection()
    cursor = connection.cursor()
    for statement in (
        "PRAGMA foreign_keys=OFF",
        f"CREATE TABLE stripped AS SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE stripped RENAME TO {table}",
    ):
        cursor.execute(statement)
    connection.close()
