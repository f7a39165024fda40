"""What a database is asked, as its driver is: by SQLAlchemy, or past it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, event

from onboarding import cursors

# What a connection is asked when it is taken out of the pool, and what it is told where a transaction ends.
_NOBODYS: Final = {";", "COMMIT", "ROLLBACK"}
# SQLite tells a statement with its values in it.
_VALUE: Final = re.compile(r"x?'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b", re.IGNORECASE)

Noted = list[tuple[str, Any]]


def count_statements(engine: Engine) -> list[str]:
    """A list that grows by the text of every statement sent to this engine; it has no other connections than new ones."""
    texts: list[str] = []
    is_sqlite = engine.dialect.name == "sqlite"
    _note(engine, lambda text, _: texts.append(_VALUE.sub("?", text) if is_sqlite else text))
    return texts


@contextmanager
def noted(engine: Engine) -> Iterator[Noted]:
    """The statements that are sent meanwhile, each with the values that it can be sent with again.

    On SQLite, those that go by SQLAlchemy: of others it tells only with their values in them, and plans
    those in another way.
    """
    statements: Noted = []

    def note(_c: object, _cursor: object, text: str, values: Any, *_: object) -> None:
        statements.append((text, values))

    if engine.dialect.name == "sqlite":
        event.listen(engine, "before_cursor_execute", note)
        yield statements
        event.remove(engine, "before_cursor_execute", note)
        return
    under_way = True
    _note(engine, lambda *each: statements.append(each) if under_way else None)
    yield statements
    under_way = False


@contextmanager
def behind_each(engine: Engine, do: Callable[[str], None]) -> Iterator[None]:
    """Do something behind each statement on PostgreSQL, before anybody sees what it gave."""
    under_way = True
    _note(engine, lambda *_: None, lambda text: do(text) if under_way else None)
    yield
    under_way = False


def _note(engine: Engine, take: Any, behind: Callable[[str], None] = lambda _: None) -> None:
    def told(text: str, values: Any = ()) -> None:
        if text not in _NOBODYS and not text.startswith("--"):
            take(text, values)

    class Cursor(cursors.Cursor):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            told(str(query), params)
            done = super().execute(query, params, **options)
            behind(str(query))
            return done

    @event.listens_for(engine, "connect")
    def listen(connection: Any, _: object) -> None:
        if engine.dialect.name == "sqlite":
            connection.set_trace_callback(told)
        else:
            connection.cursor_factory = Cursor

    engine.dispose()
