"""Breaking a database from inside: triggers that raise what a test asks for, on one table or once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine

# Raises before each write to a table; the sequence, which no rollback turns back, counts the calls.
_FUNCTION: Final = """
CREATE SEQUENCE IF NOT EXISTS broken_calls;
CREATE OR REPLACE FUNCTION break_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  number bigint := nextval('broken_calls');
BEGIN
  IF number > {after} AND number <= {after} + {times} THEN
    {action};
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
SELECT setval('broken_calls', 1, false);
"""
ALWAYS: Final = 1_000_000
ENDS: Final = "ends"


@contextmanager
def failing(
    engine: Engine, table: str, sqlstate: str = "P0001", times: int = ALWAYS, after: int = 0
) -> Iterator[None]:
    """The next writes to a table fail, so many times and after so many; the code is PostgreSQL's alone.

    ENDS instead of a code ends the backend, as an administrator would in the middle of its work.
    """
    if engine.dialect.name == "sqlite":
        made = [
            f"CREATE TRIGGER broken_{verb} BEFORE {verb} ON {table}"
            " BEGIN SELECT RAISE(ABORT, 'as the test asked'); END"
            for verb in ("INSERT", "UPDATE", "DELETE")
        ]
        undone = [f"DROP TRIGGER broken_{verb}" for verb in ("INSERT", "UPDATE", "DELETE")]
    else:
        when = f"BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
        function = _FUNCTION.format(times=times, after=after, action=_action(sqlstate))
        made = [function, f"CREATE TRIGGER broken {when} EXECUTE FUNCTION break_it()"]
        undone = [f"DROP TRIGGER broken ON {table}"]
    run(engine, *made)
    try:
        yield
    finally:
        run(engine, *undone)


def calls(engine: Engine) -> int:
    """How many writes met the trigger of `failing` so far; PostgreSQL's alone."""
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT last_value FROM broken_calls").scalar_one())


def _action(sqlstate: str) -> str:
    if sqlstate == ENDS:
        return "PERFORM pg_terminate_backend(pg_backend_pid())"
    return f"RAISE EXCEPTION 'as the test asked' USING ERRCODE = '{sqlstate}'"


def run(engine: Engine, *statements: str) -> None:
    """Statements of the test's own, committed."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
