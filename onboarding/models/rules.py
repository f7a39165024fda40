"""Rules of the tables that every move writes: PostgreSQL has them in one function for each table.

It keeps the text of a CHECK and reads it anew for every statement, which of a move was more than a
fourth. A function is read once by each connection, and names the rule that is broken as a CHECK does.
"""

from typing import Any, Final

from sqlalchemy import DDL, CheckConstraint, Table, event
from sqlalchemy.dialects import postgresql

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


def in_one_function(table: Table) -> None:
    """Have PostgreSQL check all rules of this table at once; SQLite goes on with one after the other."""
    for rule in _rules(table):
        rule.ddl_if(dialect="sqlite")
    given = ", ".join(column.name for column in _asked(table))
    call = CheckConstraint(f"{table.name}_rules({given})", name="rules")
    table.append_constraint(call.ddl_if(dialect="postgresql"))
    event.listen(table, "before_create", _only_there(function(table)))
    event.listen(table, "after_drop", _only_there(f"DROP FUNCTION IF EXISTS {table.name}_rules"))


def function(table: Table) -> str:
    """What makes the function of this table. Like a CHECK it lets through what is neither true nor false."""
    broken = "\n".join(
        f"        WHEN ({rule.sqltext}) IS FALSE THEN '{rule.name}'" for rule in _rules(table)
    )
    takes = ", ".join(f"{column.name} {column.type.compile(_DIALECT)}" for column in _asked(table))
    return f"""
CREATE OR REPLACE FUNCTION {table.name}_rules({takes}) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    broken text := CASE
{broken}
    END;
BEGIN
    IF broken IS NULL THEN
        RETURN true;
    END IF;
    RAISE check_violation USING
        MESSAGE = 'a row of "{table.name}" violates check constraint "' || broken || '"',
        TABLE = '{table.name}', CONSTRAINT = broken;
END
$$
"""


def _only_there(statement: str) -> Any:
    return DDL(statement).execute_if(dialect="postgresql")  # type: ignore[no-untyped-call]


def _rules(table: Table) -> list[CheckConstraint]:
    """In the order of their names, which stays."""
    checks = (each for each in table.constraints if isinstance(each, CheckConstraint))
    return sorted(
        (each for each in checks if each.name != _name(table)), key=lambda it: str(it.name)
    )


def _name(table: Table) -> str:
    return f"ck_{table.name}_rules"


def _asked(table: Table) -> list[Any]:
    """The columns that its rules are about."""
    words = {word for rule in _rules(table) for word in _words(str(rule.sqltext))}
    return [column for column in table.columns if column.name in words]


def _words(text: str) -> set[str]:
    return {*"".join(each if each.isalnum() or each == "_" else " " for each in text).split()}
