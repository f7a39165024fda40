"""Who waits for an onboarding to move: the requests of this process, and one question for all of them.

A request that waits is held by the event loop: it takes no thread and no connection of its own.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from onboarding.chart import NEXT_MOVE
from onboarding.db import reading
from onboarding.errors import Refusal
from onboarding.models import Onboarding

# Of this process; whoever comes too late is answered at once, as a preference allows.
MOST: Final = 1000
# Seconds between two questions.
_ASKS: Final = 0.05
# IDs in one question.
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an onboarding stands, as far as those who wait want to know."""

    state: str
    sequence: int

    @property
    def is_ours(self) -> bool:
        """Whether it is this program's move."""
        move = NEXT_MOVE.get(self.state)
        return move is not None and move.whom == "platform"


Wanted = Callable[[Standing], bool]


@dataclass(eq=False, slots=True)
class _Waiter:
    onboarding_id: UUID
    wanted: Wanted
    came: asyncio.Event = field(default_factory=asyncio.Event)


class Waiting:
    """Those who wait in this process."""

    def __init__(self) -> None:
        # Whether the server stops: then everybody is answered, so that it need not cut them off.
        self.is_over: Callable[[], bool] = lambda: False
        self._waiters: set[_Waiter] = set()
        self._asking: asyncio.Task[None] | None = None

    @property
    def number(self) -> int:
        """How many wait."""
        return len(self._waiters)

    @property
    def is_full(self) -> bool:
        """Whether nobody else may wait."""
        return self.number >= MOST

    async def until(self, onboarding_id: UUID, wanted: Wanted, seconds: float) -> bool:
        """Until it stands as wanted; False: the time is up, or the server stops."""
        with self._placed(_Waiter(onboarding_id, wanted)) as waiter:
            try:
                async with asyncio.timeout(seconds):
                    await waiter.came.wait()
            except TimeoutError:
                return False
        return not self.is_over()

    @contextmanager
    def _placed(self, waiter: _Waiter) -> Iterator[_Waiter]:
        self._waiters.add(waiter)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask_on())
        try:
            yield waiter
        finally:
            self._waiters.discard(waiter)

    async def _ask_on(self) -> None:
        """For as long as anybody waits."""
        while self._waiters:
            ids = list({each.onboarding_id for each in self._waiters})
            found = await run_in_threadpool(_standing, ids)
            over = self.is_over()
            for waiter in self._waiters:
                standing = found.get(waiter.onboarding_id)
                if over or (standing is not None and waiter.wanted(standing)):
                    waiter.came.set()
            await asyncio.sleep(_ASKS)


def _standing(ids: list[UUID]) -> dict[UUID, Standing]:
    """What does not answer has no news: those who wait ask again, or their time is up."""
    columns = select(Onboarding.id, Onboarding.state, Onboarding.sequence)
    found: dict[UUID, Standing] = {}
    try:
        with reading() as session:
            for first in range(0, len(ids), _BATCH):
                some = columns.where(Onboarding.id.in_(ids[first : first + _BATCH]))
                found |= {
                    row.id: Standing(row.state, row.sequence) for row in session.execute(some)
                }
    except (Refusal, SQLAlchemyError):
        return {}
    return found
