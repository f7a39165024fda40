"""The Celery application. The outbox is the truth; a Celery message is a wake-up with an ID in it.

Started by `onboarding worker`, or as `celery -A workers.app worker`. Every worker also sweeps: it
publishes what came due again and fires deadlines, so no separate process has to be alive.
"""

import sys
import threading
from typing import Any

from celery import Celery, Task
from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)

from onboarding import db, engines, logs, outbox, tracing
from onboarding.commands import failures, opening
from onboarding.settings import settings
from workers import broker, relay, tasks, turns, watchdog
from workers.publisher import FIRST, CeleryPublisher
from workers.wakes import Bell, bell_of


def build(broker_url: str) -> Celery:
    """An application that leaves nothing to Celery which the outbox already does."""
    broker.install()
    celery = Celery("onboarding", broker=broker_url)
    celery.conf.update(
        accept_content=["json"],
        task_serializer="json",
        # No result backend: the database row is the result.
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=True,
        # A task that kills its child must not come back by itself: the outbox counts attempts.
        task_reject_on_worker_lost=False,
        # Both below the outbox's lease, so that a hanging task is cut off before its turn ends.
        task_soft_time_limit=20,
        task_time_limit=25,
        worker_prefetch_multiplier=4,
        # Whoever reaches the broker must not be able to command the workers.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_soft_shutdown_timeout=20,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": 120,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            # Seconds. What waits at a line that is half open lets go of it after twice this, and one more.
            "health_check_interval": 5,
            # Whoever asks or sends is told at once: deadlines would wait with the sweep. A worker
            # that has lost its broker tries for ever all the same.
            "max_retries": 0,
        },
        task_default_queue="onboarding",
    )
    bell = bell_of(broker_url)
    for name in tasks.TASKS:
        _register(celery, name, bell)
    return celery


def _register(celery: Celery, name: str, bell: Bell | None) -> None:
    """A Celery task of the promised name, which takes a message's ID."""

    # Shared tasks would be those of every other application in the process, too.
    @celery.task(name=name, shared=False, bind=True)
    def run(self: Task, message_id: str) -> None:
        sent = self.request.delivery_info or {}
        if sent.get("priority") == FIRST:
            turns.run_first(message_id)
        else:
            turns.drain(message_id, hear=bell.hear if bell else None)


app = build(settings().broker_url)
_stop = threading.Event()


@setup_logging.connect
def _log(**_: Any) -> None:
    """Celery would bring its own format; a listener here keeps it from doing so."""
    logs.configure(settings())


@worker_init.connect
def _connect(**_: Any) -> None:
    """Before the pool forks; each child drops what it has inherited.

    What goes wrong ends it here: Celery would log it and go on without a database or a keyring.
    """
    try:
        opening.prepare(settings())
        engines.read_no_whole_table(db.engine())
    except Exception as error:  # noqa: BLE001 - whatever it is
        failure = failures.explain(error)
        sys.exit(f"{failure.sentence} {failure.advice}" if failure else repr(error))


@worker_process_init.connect
def _publish(**_: Any) -> None:
    """What a task's own event promises is published right after its commit, as everywhere."""
    tracing.start(settings().otlp_endpoint, "worker")
    outbox.publish_with(CeleryPublisher(app).publish)


@worker_ready.connect
def _sweep(**_: Any) -> None:
    """The worker's main process sweeps, in a thread; its children run tasks."""
    tracing.start(settings().otlp_endpoint, "relay")
    publisher = CeleryPublisher(app)
    outbox.publish_with(publisher.publish)
    deaf = relay.Seldom(watchdog.Watchdog(publisher.has_room).look, watchdog.EVERY)
    swept = (publisher.publish, _stop, publisher.has_room, [relay.canary(), deaf])
    threading.Thread(target=relay.run, args=swept, name="relay", daemon=True).start()


@worker_process_shutdown.connect
def _send_last_spans(**_: Any) -> None:
    tracing.stop()


@worker_shutting_down.connect
def _stop_sweeping(**_: Any) -> None:
    _stop.set()
