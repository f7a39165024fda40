"""Connections for what needs no session, kept at hand for the next: on PostgreSQL they commit by themselves.

To take one out of SQLAlchemy's pool and to give it back costs a third of what a statement does. So some
are taken out once. They count in the pool, which tries each of them again that has rested.
"""

import os
import select
import sqlite3
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, PoolProxiedConnection, event

# Seconds after which a connection must show that it still is one.
_RESTED: Final = 1.0

_of_engines: Final[WeakKeyDictionary[Engine, "AtHand"]] = WeakKeyDictionary()
# Closing one of the process that this was forked from would end it there.
_inherited: Final[list[PoolProxiedConnection]] = []


def keep(engine: Engine, most: int) -> None:
    """Have `taken` keep so many of an engine's connections at most: transactions need some, too."""
    _of_engines[engine] = AtHand(engine, most)


@contextmanager
def taken(engine: Engine) -> Iterator[PoolProxiedConnection]:
    """One that works: it has just been used, or the pool has tried it."""
    at_hand = _of_engines[engine]
    pooled = at_hand.take(engine)
    try:
        yield pooled
    finally:
        at_hand.give_back(pooled)


def must_be_tried(info: Mapping[Any, Any], driver: Any) -> bool:
    """Whether one has rested since `used_at`, or the server has said something unasked: a good bye."""
    if isinstance(driver, sqlite3.Connection):
        return False
    rested = time.monotonic() - info.get("used_at", 0.0) > _RESTED
    return rested or _has_news(driver)


class AtHand:
    """Those of one engine, at most so many."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._most = most
        self._process = os.getpid()
        self._free: deque[PoolProxiedConnection] = deque()
        event.listen(engine, "engine_disposed", self._let_go)

    def take(self, engine: Engine) -> PoolProxiedConnection:
        """The one that was used last, if it need not be tried; else one of the pool."""
        with suppress(IndexError):
            while kept := self._free.pop():
                if not must_be_tried(kept.info, kept.driver_connection):
                    return kept
                kept.close()
        pooled = engine.raw_connection()
        driver: Any = pooled.driver_connection
        if isinstance(driver, psycopg.Connection) and not driver.autocommit:
            driver.autocommit = True
        return pooled

    def give_back(self, pooled: PoolProxiedConnection) -> None:
        """It is kept, unless it is broken, is still at something, or enough are."""
        if pooled.is_valid and _is_busy(pooled.driver_connection):
            pooled.invalidate()
        if pooled.is_valid and len(self._free) < self._most:
            pooled.info["used_at"] = time.monotonic()
            self._free.append(pooled)
        else:
            pooled.close()

    def _let_go(self, _: Engine) -> None:
        """The engine gives up its connections, perhaps because they are another process's."""
        free, self._free = self._free, deque()
        if self._process == os.getpid():
            for pooled in free:
                pooled.invalidate()
                pooled.close()
        else:
            self._process = os.getpid()
            _inherited.extend(free)


def _is_busy(driver: Any) -> bool:
    if isinstance(driver, sqlite3.Connection):
        return driver.in_transaction
    return bool(driver.pgconn.transaction_status != TransactionStatus.IDLE)


def _has_news(driver: Any) -> bool:
    if driver.closed:
        return True
    # Not select(): it knows no descriptor from 1024 on.
    looked = select.poll()
    looked.register(driver.fileno(), select.POLLIN)
    return bool(looked.poll(0))
