"""What must always be true stands in the database: each named rule refuses a violation made by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Constraint,
    Engine,
    ForeignKeyConstraint,
    UniqueConstraint,
    insert,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from onboarding.db import transaction
from onboarding.models import Base
from tests.broken_rows import (
    ALONE,
    CHECKS,
    ENDED,
    MORE_CHECKS,
    REFERENCES,
    REFERRED_TO,
    TWICE,
)
from tests.good_rows import FIRST, GOOD


def table_of(rule: str) -> str:
    return max((name for name in GOOD if rule[3:].startswith(name)), key=len)


def write(engine: Engine, until: str | None = None, **changes: Any) -> None:
    """The good rows of every table before this one, and then its own with these changes."""
    with transaction() as session:
        for table in Base.metadata.sorted_tables:
            if table.name != until:
                session.execute(insert(table).values(GOOD[table.name]))
        if until:
            table = Base.metadata.tables[until]
            session.execute(insert(table).values(GOOD[until] | changes))


def again(table: str, **changes: Any) -> None:
    with transaction() as session:
        values = GOOD[table] | changes
        session.execute(insert(Base.metadata.tables[table]).values(values))


def refer(engine: Engine, rule: str) -> None:
    """Write a row that refers to what is not there."""
    if rule in ALONE:
        write(engine, table_of(rule), **REFERENCES[rule])
    else:
        write(engine)
        again(table_of(rule), **REFERENCES[rule])


def rules(kind: type[Constraint]) -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        for rule in table.constraints:
            if isinstance(rule, kind):
                yield str(rule.name)


def test_every_rule_is_tried_here() -> None:
    partial = {
        str(index.name) for t in Base.metadata.sorted_tables for index in t.indexes if index.unique
    }
    checks = {rule for rule in rules(CheckConstraint) if not rule.endswith("_rules")}
    assert set(CHECKS) == checks
    assert set(TWICE) == set(rules(UniqueConstraint)) | partial
    assert set(REFERENCES) == set(rules(ForeignKeyConstraint))
    assert set(GOOD) == set(Base.metadata.tables)


def test_every_rule_has_a_name() -> None:
    for table in Base.metadata.sorted_tables:
        assert all(rule.name for rule in table.constraints), table
        assert all(index.name for index in table.indexes), table


def test_good_rows_are_let_in(database: Engine) -> None:
    write(database)


@pytest.mark.parametrize(("rule", "changes"), [*CHECKS.items(), *MORE_CHECKS])
def test_a_broken_rule_refuses_the_row(
    database: Engine, rule: str, changes: dict[str, Any]
) -> None:
    table = table_of(rule)
    with transaction() as session:
        for other in Base.metadata.sorted_tables:
            if other.name == table:
                break
            session.execute(insert(other).values(GOOD[other.name]))
    with pytest.raises(IntegrityError, match=rf"\b{rule}\b"):
        again(table, **changes)
    again(table)


@pytest.mark.parametrize("rule", TWICE)
def test_what_may_be_there_once_is_refused_twice(database: Engine, rule: str) -> None:
    write(database)
    table = table_of(rule)
    if rule in FIRST:
        again(table, **FIRST[rule])
    if rule in REFERRED_TO:
        referred_to, its_id = REFERRED_TO[rule]
        again(referred_to, id=its_id)
    with pytest.raises(IntegrityError) as refused:
        again(table, **TWICE[rule])
    if database.dialect.name == "postgresql":
        assert f'"{rule}"' in str(refused.value)
    if rule in ENDED:
        again(table, **TWICE[rule] | ENDED[rule])


@pytest.mark.parametrize("rule", REFERENCES)
def test_what_is_referred_to_exists(database: Engine, rule: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        refer(database, rule)
    if database.dialect.name == "postgresql":
        assert f'"{rule}"' in str(refused.value)
    else:
        assert "FOREIGN KEY" in str(refused.value)


@pytest.mark.parametrize(
    ("table", "referred_to"),
    [("onboardings", "transitions"), ("clients", "secrets"), ("secrets", "sealed_secrets")],
)
def test_what_is_referred_to_stays(database: Engine, table: str, referred_to: str) -> None:
    write(database)
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(Base.metadata.tables[table].delete())


def test_a_browser_that_is_forgotten_takes_its_grants_with_it(database: Engine) -> None:
    write(database)
    with transaction() as session:
        session.execute(Base.metadata.tables["browser_sessions"].delete())
        for table in ("grants", "pending_sign_ins"):
            assert session.execute(Base.metadata.tables[table].select()).all() == []
