"""A sweep looks at what goes, however much there is that must stay: it comes every ten minutes.

On SQLite nobody writes beside it. What a look costs is counted there in the machine's instructions, and
on PostgreSQL in rows.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    Uuid,
    insert,
    text,
)
from sqlalchemy.orm import Session

from onboarding import db
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.inbound import ready
from onboarding.inbound_order import put_in_order
from onboarding.retention import Sweep
from tests.good_rows import GOOD
from tests.guards.test_retention import ENDED, LONG_AGO, SWEPT, TABLES, write
from tests.noting import noted

MANY = 1_500
# Rows that are old and stay, by table; what is young stays of every table.
OLD: dict[str, list[dict[str, Any]]] = {
    "deliveries": [{"created_at": LONG_AGO}],
    "inbound_events": [
        {"received_at": LONG_AGO, "status": "parked"},
        {"received_at": LONG_AGO, "settled_at": LONG_AGO, "status": "applied"},
    ],
}


# As many rows as there are operators, or a few for each of them: whatever reads them all is quick.
SMALL = {"saved_views"}


@pytest.mark.parametrize("name", sorted(SWEPT.keys() - SMALL))
def test_a_look_costs_the_same_however_much_stays(own_database: Engine, name: str) -> None:
    swept = SWEPT[name]
    write({name: young(name)}, name)
    costs = []
    for _ in range(2):
        for changes in (young(name), *OLD.get(name, ())):
            write_many(TABLES[name], GOOD[name] | changes)
        analyze(own_database)
        costs.append(cost(own_database, swept.sweep))
    assert costs[0] == costs[1]


def test_a_look_for_what_is_to_be_offered_costs_the_same_however_many_wait(
    own_database: Engine,
) -> None:
    """Most wait for what never comes."""
    write({"inbound_events": {"subject": "nobody"}}, "inbound_events")
    costs = []
    for _ in range(2):
        write_many(TABLES["inbound_events"], GOOD["inbound_events"])
        analyze(own_database)
        costs.append(cost(own_database, lambda session, limit: len(ready(session, limit=limit)[0])))
    assert costs[0] == costs[1]


def test_a_look_for_what_another_version_has_left_reads_nothing_else(own_database: Engine) -> None:
    write({"inbound_events": {}}, "inbound_events")
    costs = []
    for _ in range(2):
        ordered = {"status": "applied", "settled_at": LONG_AGO, "in_order": True}
        write_many(TABLES["inbound_events"], GOOD["inbound_events"] | ordered)
        analyze(own_database)
        costs.append(cost(own_database, put_in_order))
    assert costs[0] == costs[1]


def young(name: str) -> dict[str, Any]:
    """What would go, were it older."""
    swept = SWEPT[name]
    with reading() as session:
        now = db.clock(session)
    return {swept.since: now - swept.after + timedelta(days=1)} | ENDED.get(name, {})


def write_many(table: Table, values: dict[str, Any]) -> None:
    """Rows that differ in what may not be there twice."""
    names = {column.name for column in its_own(table)}
    with transaction() as session:
        before = session.scalar(text(f"SELECT count(*) FROM {table.name}")) or 0
        numbers = range(before, before + MANY)
        rows = [
            values | {name: another(table.c[name], number) for name in names} for number in numbers
        ]
        session.execute(insert(table), rows)


def its_own(table: Table) -> Iterator[Column[Any]]:
    """Hashes, whom it is about, and of a key the columns that do not refer to another table."""
    hashes = (each for each in table.columns if isinstance(each.type, LargeBinary))
    yield from (*hashes, *(table.c[name] for name in ("subject",) if name in table.c))
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            yield from (each for each in constraint.columns if not each.foreign_keys)


def another(column: Column[Any], number: int) -> Any:
    if isinstance(column.type, Uuid):
        return new_id()
    if isinstance(column.type, LargeBinary):
        return number.to_bytes(32)
    return f"another-{number}"


def analyze(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def cost(engine: Engine, sweep: Sweep) -> int:
    """What one look costs that finds nothing."""
    if engine.dialect.name == "sqlite":
        return instructions(lambda session: sweep(session, 1000))
    return sum(rows_read(engine, *each) for each in sent_by(engine, sweep))


def instructions(look: Callable[[Session], int]) -> int:
    """How many SQLite carries out."""
    done = 0

    def count() -> int:
        nonlocal done
        done += 1
        return 0

    with transaction() as session:
        driver: Any = session.connection().connection.driver_connection
        driver.set_progress_handler(count, 1)
        assert look(session) == 0
        driver.set_progress_handler(None, 1)
    return done


def sent_by(engine: Engine, sweep: Sweep) -> list[tuple[str, Any]]:
    with noted(engine) as sent, transaction() as session:
        assert sweep(session, 1000) == 0
    return [each for each in sent if "inbound_events" in each[0] or "DELETE" in each[0]]


def rows_read(engine: Engine, statement: str, parameters: Any) -> int:
    """How many rows all of a plan's parts have read, found or thrown away."""
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    with engine.connect() as connection:
        ((plan,),) = connection.exec_driver_sql(explain, parameters)
    return sum(map(_read_by, _parts(plan[0]["Plan"])))


def _parts(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _parts(part)


def _read_by(part: dict[str, Any]) -> int:
    thrown = sum(count for name, count in part.items() if name.startswith("Rows Removed"))
    return int((part["Actual Rows"] + thrown) * part["Actual Loops"])
