"""Wakes workers after a commit. Best effort: what is not published comes due by itself.

Both publishers return at once, so that no request ever waits for a broker. What a sweep publishes
again is bounded: while nobody works, copies would pile up, and each costs a transaction in the end.
"""

import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from uuid import UUID

from celery import Celery
from kombu.exceptions import ChannelError

from onboarding import crash_points, logs, tracing
from onboarding.outbox import Announcement
from workers import turns
from workers.wakes import bell_of

log = logs.get(__name__)

# Announcements that wait for a slow broker. More than this are dropped: the sweep finds them.
BACKLOG = 10_000
# Messages in a queue that are enough: a sweep that added to them would only add copies.
ENOUGH = 1000
# Seconds after which it is asked again whether somebody looks, where nobody listened: all workers are at
# something, and who comes next takes what is committed by then.
REST = 0.003
# What goes before all that waits in the broker: Celery counts from 0 there.
FIRST, NORMAL = 0, 3
# What Celery writes between a queue's name and a priority in Redis, where each priority is a list.
SEPARATOR = "\x06\x16"
# How AMQP, and all who take after it, say that there is none.
NO_SUCH_QUEUE = 404


class EmbeddedPublisher:
    """Without a broker: the same task functions, run by a few threads of this process."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="task")
        self._waiting: set[UUID] = set()
        self._fresh: Announcement | None = None

    def publish(self, announcements: Sequence[Announcement]) -> None:
        """Queue each task on a thread, unless it waits for one already.

        Whoever comes takes all that nobody has tried yet, so one call is enough for all those.
        """
        for announcement in announcements:
            if _comes_alone(announcement):
                self._submit(announcement)
            elif self._fresh is None:
                self._fresh = announcement
                if not self._submit(announcement):
                    # It waits already, under an announcement that will look for the rest as well.
                    self._fresh = None

    def has_room(self) -> bool:
        """Whether a sweep may add to what waits."""
        return len(self._waiting) < ENOUGH

    def close(self) -> None:
        """Let running tasks end; those that have not begun stay promised."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, announcement: Announcement) -> bool:
        """False: it waits for a thread already."""
        if announcement.id in self._waiting:
            return False
        self._waiting.add(announcement.id)
        with _traced(announcement):
            self._pool.submit(self._run, announcement)
        return True

    def _run(self, announcement: Announcement) -> None:
        """A thread pool swallows what its functions raise, so it is said here."""
        # From here on its turn speaks for it; after that, one that hangs must be noticed.
        self._waiting.discard(announcement.id)
        if self._fresh is announcement:
            self._fresh = None
        try:
            take = turns.run_first if announcement.first else turns.drain
            take(str(announcement.id))
        except Exception:
            log.exception("task_crashed", task=announcement.task, message=str(announcement.id))


class CeleryPublisher:
    """With a broker: a thread of its own sends the messages, however slow the broker is."""

    def __init__(self, app: Celery, enough: int = ENOUGH, rest: float = REST) -> None:
        self._app = app
        self._enough = enough
        self._rest = rest
        self._bell = bell_of(app.conf.broker_url or "")
        self._queue: str = app.conf.task_default_queue
        self._unsent = 0
        self._counting = threading.Lock()
        self._waiting: queue.SimpleQueue[Sequence[Announcement] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
        self._thread.start()

    def publish(self, announcements: Sequence[Announcement]) -> None:
        """Hand the announcements to the thread."""
        if self._waiting.qsize() >= BACKLOG:
            log.warning("publisher_backlog_full")
            return
        self._count(len(announcements))
        self._waiting.put(announcements)

    def has_room(self) -> bool:
        """Whether a sweep may add to what waits. Asks the broker; raises where it does not answer."""
        return self._unsent + self._length() < self._enough

    def close(self) -> None:
        """Send what is waiting, then stop; a broker that is away does not hold this up for long."""
        self._waiting.put(None)
        self._thread.join(timeout=5)
        if self._bell:
            self._bell.close()

    def _work(self) -> None:
        while unsent := self._collected():
            try:
                self._send(unsent)
            except Exception as error:  # noqa: BLE001 - the sweep will publish it again
                log.warning("publish_failed", error=type(error).__name__, count=len(unsent))
                self._count(-len(unsent))
            if self._bell and not self._bell.heard:
                time.sleep(self._rest)

    def _collected(self) -> list[Announcement]:
        """All that has come meanwhile; nothing at the end."""
        collected: list[Announcement] = []
        while not collected or (self._waiting.qsize() and len(collected) < ENOUGH):
            more = self._waiting.get()
            if more is None:
                # Again for the next call, which must find it at once.
                self._waiting.put(None)
                break
            collected += more
        return collected

    def _count(self, more: int) -> None:
        with self._counting:
            self._unsent += more

    def _length(self) -> int:
        """What no worker has taken yet, of every priority. A broker that lost everything has no queue."""
        with self._app.connection_for_write() as connection:
            try:
                return int(connection.default_channel.queue_declare(self._queue, passive=True)[1])
            except ChannelError as error:
                if int(error.reply_code) != NO_SUCH_QUEUE:
                    raise
                return 0

    def _send(self, unsent: list[Announcement]) -> None:
        """Take one after the other off the list. No retry: it would hold up everything behind this.

        A worker that comes takes all that nobody has tried yet, so one message wakes it for all
        those, and none is needed while one waits in the broker: it is committed before that is read.
        Nor is any where somebody listens who has just worked.
        """
        crash_points.reach("publish.begun")
        unsent.sort(key=_comes_alone, reverse=True)
        while unsent:
            announcement = unsent[0]
            with _traced(announcement):
                if _comes_alone(announcement) or not self._somebody_looks():
                    self._send_message(announcement)
            # It counts in the broker from now on, and never in both places.
            sent = 1 if _comes_alone(announcement) else len(unsent)
            del unsent[:sent]
            self._count(-sent)
            crash_points.reach("publish.sent")

    def _somebody_looks(self) -> bool:
        """Whether somebody listens who takes all that nobody has tried, or a message waits that will wake one."""
        if self._bell:
            return self._bell.ring(f"{self._queue}{SEPARATOR}{NORMAL}")
        with self._app.producer_pool.acquire(block=True) as producer:
            declared = producer.channel.queue_declare(
                self._queue, durable=True, exclusive=False, auto_delete=False
            )
            return bool(declared.message_count)

    def _send_message(self, announcement: Announcement) -> None:
        with self._app.producer_pool.acquire(block=True) as producer:
            self._app.send_task(
                announcement.task,
                args=(str(announcement.id),),
                priority=FIRST if announcement.first else NORMAL,
                producer=producer,
                retry=False,
            )


def _comes_alone(announcement: Announcement) -> bool:
    return announcement.first or announcement.tried


def _traced(announcement: Announcement) -> AbstractContextManager[object]:
    """Sent by a thread, or by a sweep: only a link says what it was sent for."""
    told = {"message.id": announcement.id, "message.task": announcement.task}
    return tracing.span("outbox.publish", told, follows=announcement.traceparent)
