"""Wakes workers after a commit. Best effort: what is not published comes due by itself.

Both publishers return at once, so that no request ever waits for a broker.
"""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from celery import Celery

from onboarding import crash_points, logs
from onboarding.outbox import Announcement
from workers import tasks

log = logs.get(__name__)

# Announcements that wait for a slow broker. More than this are dropped: the sweep finds them.
BACKLOG = 10_000
# What goes before all that waits in the broker: Celery counts from 0 there.
FIRST, NORMAL = 0, 3


class EmbeddedPublisher:
    """Without a broker: the same task functions, run by a few threads of this process."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="task")

    def publish(self, announcements: Sequence[Announcement]) -> None:
        """Queue each task on a thread."""
        for announcement in announcements:
            self._pool.submit(_run, announcement)

    def close(self) -> None:
        """Let running tasks end; those that have not begun stay promised."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class CeleryPublisher:
    """With a broker: a thread of its own sends the messages, however slow the broker is."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._waiting: queue.Queue[Sequence[Announcement] | None] = queue.Queue(BACKLOG)
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
        self._thread.start()

    def publish(self, announcements: Sequence[Announcement]) -> None:
        """Hand the announcements to the thread."""
        try:
            self._waiting.put_nowait(announcements)
        except queue.Full:
            log.warning("publisher_backlog_full")

    def close(self) -> None:
        """Send what is waiting, then stop; a broker that is away does not hold this up for long."""
        self._waiting.put(None)
        self._thread.join(timeout=5)

    def _work(self) -> None:
        while (announcements := self._waiting.get()) is not None:
            try:
                self._send(announcements)
            except Exception as error:  # noqa: BLE001 - the sweep will publish it again
                log.warning("publish_failed", error=type(error).__name__, count=len(announcements))

    def _send(self, announcements: Sequence[Announcement]) -> None:
        """No retry: a broker that is away would hold up everything behind this."""
        crash_points.reach("publish.begun")
        with self._app.producer_pool.acquire(block=True) as producer:
            for announcement in announcements:
                self._app.send_task(
                    announcement.task,
                    args=(str(announcement.id),),
                    priority=FIRST if announcement.first else NORMAL,
                    producer=producer,
                    retry=False,
                )
                crash_points.reach("publish.sent")


def _run(announcement: Announcement) -> None:
    """A thread pool swallows what its functions raise, so it is said here."""
    try:
        tasks.run(str(announcement.id))
    except Exception:
        log.exception("task_crashed", task=announcement.task, message=str(announcement.id))
