"""Keeps others waiting until a transaction ends: who writes to a table, or whoever gives the same name."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

# The first half of these advisory locks' names. Any number, as long as nobody else takes it.
_NAMES: Final = 1_852_796_517


def hold(session: Session, table: str, *, alone: bool = False) -> None:
    """Keep everybody from writing to a table until this transaction ends; others may hold it too.

    Unless it is held `alone`. SQLite needs nothing: whoever writes there is alone.
    """
    mode = "SHARE ROW EXCLUSIVE" if alone else "SHARE"
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"LOCK TABLE {table} IN {mode} MODE"))


def one_by_one(session: Session, name: str) -> None:
    """Let transactions that give the same name follow each other, each until the one before has ended.

    SQLite needs nothing: whoever writes there is alone.
    """
    if session.get_bind().dialect.name == "postgresql":
        locked = text("SELECT pg_advisory_xact_lock(:ours, hashtext(:name))")
        session.execute(locked, {"ours": _NAMES, "name": name})
