"""Connections for what needs no session, kept at hand for the next: on PostgreSQL they commit by themselves.

To take one out of SQLAlchemy's pool and to give it back costs a third of what a statement does. So some
are taken out once. They count in the pool, which tries each of them again that has rested.
"""

import os
import select
import sqlite3
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, PoolProxiedConnection, event
from sqlalchemy.exc import DBAPIError

# Seconds after which a connection must show that it still is one.
_RESTED: Final = 1.0

_of_engines: Final[WeakKeyDictionary[Engine, "AtHand"]] = WeakKeyDictionary()
# Closing one of the process that this was forked from would end it there.
_inherited: Final[list["Kept"]] = []


def keep(engine: Engine, most: int) -> None:
    """Have `taken` keep so many of an engine's connections at most: transactions need some, too."""
    _of_engines[engine] = AtHand(engine, most)


def taken(engine: Engine) -> "Kept":
    """One that works, until the end of the block: it has just been used, or the pool has tried it."""
    return _of_engines[engine].take(engine)


def of_pool(engine: Engine) -> PoolProxiedConnection:
    """One that SQLAlchemy's pool gives away. Where it has none, the driver's error comes out as SQLAlchemy's."""
    kind = engine.dialect.loaded_dbapi.Error
    try:
        return engine.raw_connection()
    except kind as error:
        raise DBAPIError.instance(None, None, error, kind, dialect=engine.dialect) from error


def note_use(info: dict[Any, Any]) -> None:
    """The pool has one back, of which it knows this: used until now, or until it began to rest at hand."""
    info["used_at"] = info.pop("rests_since", time.monotonic())


def must_be_tried(info: Mapping[Any, Any], driver: Any) -> bool:
    """Whether one of the pool has rested since `used_at`, or the server has said something unasked: a good bye."""
    if isinstance(driver, sqlite3.Connection):
        return False
    return _has_rested(info.get("used_at", 0.0)) or _has_news(driver, _news_of(driver))


def cursor_of(pooled: PoolProxiedConnection) -> Any:
    """One for each connection: every statement's rows are fetched before the next, and a new one costs a fifth more."""
    cursor = pooled.info.get("cursor")
    if cursor is None:
        driver: Any = pooled.driver_connection
        cursor = pooled.info["cursor"] = driver.cursor()
    return cursor


class AtHand:
    """Those of one engine, at most so many."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._most = most
        self._process = os.getpid()
        self._free: deque[Kept] = deque()
        event.listen(engine, "engine_disposed", self._let_go)

    def take(self, engine: Engine) -> "Kept":
        """The one that was used last, if it need not be tried; else one of the pool."""
        while True:
            try:
                kept = self._free.pop()
            except IndexError:
                return Kept(self, of_pool(engine))
            if not kept.must_be_tried():
                return kept
            kept.go_back()

    def give_back(self, kept: "Kept") -> None:
        """It is kept, unless it is broken, is still at something, or enough are."""
        if kept.pooled.is_valid and kept.is_busy():
            kept.pooled.invalidate()
        kept.used_at = time.monotonic()
        if kept.pooled.is_valid and len(self._free) < self._most:
            self._free.append(kept)
        else:
            kept.go_back()

    def _let_go(self, _: Engine) -> None:
        """The engine gives up its connections, perhaps because they are another process's."""
        free, self._free = self._free, deque()
        if self._process == os.getpid():
            for kept in free:
                kept.pooled.invalidate()
                kept.pooled.close()
        else:
            self._process = os.getpid()
            _inherited.extend(free)


class Kept:
    """One of the pool's connections and what it takes to use it, asked for once. It is a block's until that ends."""

    __slots__ = ("_news", "_of", "cursor", "driver", "pooled", "used_at")

    def __init__(self, of: AtHand, pooled: PoolProxiedConnection) -> None:
        self._of, self.pooled, self.used_at = of, pooled, time.monotonic()
        self.driver: Any = pooled.driver_connection
        self.cursor: Any = None
        self._news: Any = None
        if isinstance(self.driver, psycopg.Connection):
            if not self.driver.autocommit:
                self.driver.autocommit = True
            self.cursor = cursor_of(pooled)
            self._news = _news_of(self.driver)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._of.give_back(self)

    def must_be_tried(self) -> bool:
        """Whether it has rested, or the server has said something unasked."""
        if self._news is None:
            return False
        return _has_rested(self.used_at) or _has_news(self.driver, self._news)

    def is_busy(self) -> bool:
        """Whether whoever gives it back was interrupted."""
        if self._news is None:
            return bool(self.driver.in_transaction)
        return bool(self.driver.pgconn.transaction_status != TransactionStatus.IDLE)

    def go_back(self) -> None:
        """To the pool, which tries it where it has rested here."""
        if self.pooled.is_valid:
            self.pooled.info["rests_since"] = self.used_at
        self.pooled.close()


def _has_rested(since: float) -> bool:
    return time.monotonic() - since > _RESTED


def _has_news(driver: Any, news: Any) -> bool:
    return driver.closed or bool(news.poll(0))


def _news_of(driver: Any) -> Any:
    """Not select(): it knows no descriptor from 1024 on."""
    news = select.poll()
    if not driver.closed:
        news.register(driver.fileno(), select.POLLIN)
    return news
