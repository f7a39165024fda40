"""Signs of life: how a process that died is recognised at once, not when its turns run out.

Each process that takes turns at messages holds a lock that the system itself takes away when it
dies, whatever the way: an advisory lock of a connection of its own on PostgreSQL, a locked file
beside the database on SQLite. Its number is written with every turn. A lock can be lost without a
death, with its connection; then somebody else may begin the same work, which the attempt's number
fences. A machine that vanishes from the network keeps its lock for a while: there the lease counts.
"""

import fcntl
import os
import secrets
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event, text

from onboarding import at_hand, db

# The first half of our advisory locks' names. Any number, as long as nobody else takes it.
_LOCKS: Final = 0x6F6E62
_BITS: Final = 31


@dataclass(frozen=True, slots=True)
class _Sign:
    """The sign that this process gives, on one database."""

    engine: Engine
    process: int
    number: int
    is_held: Callable[[], bool]
    let_go: Callable[[], None]


_given: list[_Sign] = []
# A forked child must neither use nor close what its parent holds; it keeps it untouched.
_inherited: list[_Sign] = []
_one_at_a_time = threading.Lock()


def sign() -> int:
    """The number under which this process lives, given at the first call and renewed when lost."""
    engine = db.engine()
    with _one_at_a_time:
        if not (_given and _is_ours(_given[0], engine) and _given[0].is_held()):
            withdraw()
            give = _give_on_sqlite if engine.dialect.name == "sqlite" else _give_on_postgresql
            _given.append(give(engine))
            # The same function of the same engine is kept once, however often it is said.
            event.listen(engine, "engine_disposed", withdraw)
        return _given[0].number


def withdraw(of: Engine | None = None) -> None:
    """Take the sign back, as the end of the process would: whichever it is, or only one on this database."""
    while _given and of in (None, _given[-1].engine):
        given = _given.pop()
        if given.process == os.getpid():
            given.let_go()
        else:
            _inherited.append(given)


def living() -> set[int]:
    """The numbers of all processes that live, on this database."""
    engine = db.engine()
    return _living_on_sqlite(engine) if engine.dialect.name == "sqlite" else _locked(engine)


def _is_ours(given: _Sign, engine: Engine) -> bool:
    return given.engine is engine and given.process == os.getpid()


def _give_on_postgresql(engine: Engine) -> _Sign:
    """On a connection that the pool does not know any more: it is held until the process ends."""
    pooled = at_hand.of_pool(engine)
    driver: Any = pooled.driver_connection
    pooled.detach()
    number = secrets.randbits(_BITS)
    try:
        driver.autocommit = True
        driver.execute("SELECT pg_advisory_lock(%s, %s)", (_LOCKS, number))
    except BaseException:
        driver.close()
        raise
    return _Sign(engine, os.getpid(), number, lambda: _is_open(engine, driver), driver.close)


def _is_open(engine: Engine, driver: Any) -> bool:
    """A server says nothing on an idle connection unless it ends it, so few calls ask it."""
    # Not select(): it knows no descriptor from 1024 on.
    looking = select.poll()
    looking.register(driver.fileno(), select.POLLIN)
    if not looking.poll(0):
        return True
    try:
        driver.execute("SELECT 1")
    except engine.dialect.loaded_dbapi.Error:
        return False
    return True


def _locked(engine: Engine) -> set[int]:
    """Who lives is asked outside every snapshot: pg_locks shows this very instant."""
    held = text(
        "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND objsubid = 2 AND classid = :locks"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with engine.connect() as connection:
        return set(connection.scalars(held, {"locks": _LOCKS}))


def _give_on_sqlite(engine: Engine) -> _Sign:
    """The file is locked before it has its name, so nobody finds it free. Others may look at it."""
    folder = _folder(engine)
    folder.mkdir(mode=0o700, exist_ok=True)
    number = secrets.randbits(_BITS)
    draft = folder / f".{number}"
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    fcntl.flock(handle, fcntl.LOCK_EX)
    path = draft.rename(folder / str(number))

    def let_go() -> None:
        path.unlink(missing_ok=True)
        os.close(handle)

    return _Sign(engine, os.getpid(), number, path.exists, let_go)


def _living_on_sqlite(engine: Engine) -> set[int]:
    folder = _folder(engine)
    paths = folder.glob("[0-9]*") if folder.exists() else ()
    return {int(path.name) for path in paths if _is_held(path)}


def _is_held(path: Path) -> bool:
    """Whoever can lock a file shows that its process is dead, and clears it away.

    A file that may not be read is another user's: nobody can say that its process is dead.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return False
    except (BlockingIOError, PermissionError):
        return True
    return False


def _folder(engine: Engine) -> Path:
    return Path(f"{engine.url.database}.workers")


def _start_afresh() -> None:
    """The lock may have been held at the fork, by a thread that the child does not have."""
    global _one_at_a_time  # noqa: PLW0603 - it belongs to the process
    _one_at_a_time = threading.Lock()


os.register_at_fork(after_in_child=_start_afresh)
