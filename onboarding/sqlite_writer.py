"""The one writer of an SQLite database in this process, and the flushes that its transactions share.

SQLite has one writer at a time. Waiting for it in its busy handler starves threads for seconds; waiting
on a lock of our own is first come, first served. A COMMIT leaves what was written to the operating system,
which a kill does not take away, but a power cut does. So whoever is about to say that something has
happened, or what is there, waits for a flush to the disk that began after that. The turn has passed on
by then, and one flush serves all who wait for it.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from onboarding import logs
from onboarding.engines import SQLITE_PATIENCE
from onboarding.errors import DatabaseAway, DatabaseBusy

log = logs.get(__name__)

Flush = Callable[[str], None]
_ADVICE: Final = "Look at the disk that the database is on, and start the program again."


def flush_wal(database: str) -> None:
    """Have the disk keep what is in a database's WAL. Without one, all is in the database, and kept.

    SQLite holds its locks elsewhere, so a file of our own may be closed again. Raises OSError.
    """
    try:
        wal = os.open(f"{database}-wal", os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        _flush_data(wal)
    finally:
        os.close(wal)


class Writer:
    """The writer of one database, by the path of its file; without one it is in memory, and nothing is flushed."""

    def __init__(self, database: str | None, flush: Flush = flush_wal) -> None:
        self.database = database
        self.flushes = 0
        self._flush = flush
        self._turn = threading.Lock()
        # Held while a COMMIT is under way: whoever sees what it wrote can tell that it is not counted yet.
        self._committing = threading.Lock()
        self._is_committing = False
        # How many have been committed, and how many of those the disk has.
        self._committed = 0
        self._kept = 0
        self._flushing = threading.Lock()
        self._is_lost = False

    @contextmanager
    def turn(self) -> Iterator[Callable[[], None]]:
        """The writer's place; what it gives is to be called right before the COMMIT.

        Raises DatabaseBusy for who has waited too long: nobody piles up. Raises DatabaseAway.
        """
        if self._is_lost:
            raise DatabaseAway
        if not self._turn.acquire(timeout=SQLITE_PATIENCE):
            raise DatabaseBusy
        try:
            yield self._about_to_commit
        finally:
            self._count()
            self._turn.release()

    def keep(self) -> None:
        """Return once the disk has all that anybody has seen by now. Raises DatabaseAway."""
        if self._is_committing:
            with self._committing:
                pass
        wanted = self._committed
        if self._kept >= wanted:
            return
        with self._flushing:
            # Somebody's flush may have begun late enough, while this one waited.
            if self._kept < wanted:
                self._keep_all()

    def _about_to_commit(self) -> None:
        self._committing.acquire()
        self._is_committing = True

    def _count(self) -> None:
        """One that was rolled back in its COMMIT counts, too: it costs a flush, and nobody a promise."""
        if self._is_committing:
            self._committed += 1
            self._is_committing = False
            self._committing.release()

    def _keep_all(self) -> None:
        """A disk that has failed once may say later that it has what it lost: it is not asked again."""
        if self._is_lost:
            raise DatabaseAway
        upto = self._committed
        try:
            if self.database:
                self._flush(self.database)
        except OSError as error:
            self._is_lost = True
            log.error("flush_failed", error=type(error).__name__, advice=_ADVICE)
            raise DatabaseAway from error
        self.flushes += 1
        self._kept = upto


# Not everywhere is there one that leaves out the times of a file.
_flush_data = getattr(os, "fdatasync", os.fsync)
