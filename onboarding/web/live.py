"""Who follows what changes: the streams of this process, and the one question asked for all of them.

A stream is held open by the event loop, not by a thread, and asks the database nothing itself.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from onboarding.db import reading
from onboarding.errors import Refusal, Unavailable

# Of this process, and of one operator or system: a browser has six connections to a host over HTTP/1.1.
MOST: Final = 200
MOST_OF_ONE: Final = 4
# Seconds: between two questions, two signs of life, and two looks at who is there.
_ASKS: Final = 2.0
_HEARTBEAT: Final = 15.0
_LOOKS: Final = 0.5
# Then the browser comes again, and has to show that it is still signed in.
LASTS: Final = 300.0
_COMES_AGAIN: Final = "retry: 3000\n\n"

# What all want to know: a short text, another one once there is news.
Question = Callable[[Session], str]
# What a stream says once the latest is another than it has seen, and what it has seen then.
Tell = Callable[[str, str], Awaitable[tuple[Sequence[str], str]]]


class Streams:
    """The streams that are open, and what changed last; `asks` in seconds from one question to the next."""

    def __init__(self, question: Question, asks: float = _ASKS) -> None:
        self.lasts = LASTS
        self._question, self._asks = question, asks
        # Whether the server stops: then they end, so that it need not cut them off.
        self.is_over: Callable[[], bool] = lambda: False
        self._open: dict[object, tuple[str, float]] = {}
        self._guard = threading.Lock()
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._latest = ""

    def enter(self, who: str) -> object:
        """A place for a stream of this operator or system. Raises Unavailable where all are taken."""
        now = time.monotonic()
        with self._guard:
            # One that was never begun has nobody to end it.
            late = [p for p, (_, since) in self._open.items() if now - since > 2 * self.lasts]
            for place in late:
                del self._open[place]
            theirs = sum(whose == who for whose, _ in self._open.values())
            if theirs >= MOST_OF_ONE or len(self._open) >= MOST:
                raise Unavailable
            place = object()
            self._open[place] = (who, now)
            return place

    def leave(self, place: object) -> None:
        """Somebody else may have it."""
        with self._guard:
            self._open.pop(place, None)

    @property
    def number(self) -> int:
        """How many are open."""
        return len(self._open)

    async def told(self, place: object, seen: str, tell: Tell | None = None) -> AsyncIterator[str]:
        """What a stream says, whenever something else is the latest than what was seen."""
        tell = tell or _changed
        began = spoke = time.monotonic()
        try:
            yield _COMES_AGAIN
            while not self.is_over():
                latest, now = await self._ask(), time.monotonic()
                said: Sequence[str] = ()
                if latest != seen:
                    said, seen = await tell(seen, latest)
                if not said and now - spoke >= _HEARTBEAT:
                    said = [": still here\n\n"]
                for words in said:
                    spoke = now
                    yield words
                if now - began >= self.lasts:
                    return
                await asyncio.sleep(0 if len(said) > 1 else _LOOKS)
        finally:
            self.leave(place)

    async def _ask(self) -> str:
        """The latest; one question in a while, whoever wants to know."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= self._asks:
                self._latest = await run_in_threadpool(_latest, self._question, self._latest)
                self._asked_at = time.monotonic()
        return self._latest


async def _changed(seen: str, latest: str) -> tuple[Sequence[str], str]:
    """An event without content."""
    return [f"id: {latest}\nevent: changed\ndata: {latest}\n\n"], latest


def _latest(question: Question, before: str) -> str:
    """What does not answer has no news; every page says by itself that it is away."""
    try:
        with reading() as session:
            return question(session)
    except (Refusal, SQLAlchemyError):
        return before
