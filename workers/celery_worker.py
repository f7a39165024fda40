"""What `worker` runs: a Celery worker that talks to nobody but the broker, and is replaced if it dies."""

from importlib import import_module
from typing import Final

from onboarding import db
from workers.app import app
from workers.supervision import supervise

# Celery loads these when it needs them; a process that replaces another one must not wait for that.
_LATER: Final = (
    "billiard.heap",
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "billiard.synchronize",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.app.routes",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.prefork",
    "celery.events.receiver",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "celery.worker.worker",
    "kombu.mixins",
    "kombu.pidbox",
    "kombu.transport.redis",
)
# Workers tell each other nothing: who is alive, and what is done, the database knows.
_ALONE: Final = {"without_mingle": True, "without_gossip": True, "without_heartbeat": True}


def work(concurrency: int, log_level: str) -> int:
    """Carry out tasks, so many at once, until SIGTERM; the exit code."""
    for name in _LATER:
        import_module(name)

    def run(_: int) -> int:
        worker = app.Worker(concurrency=concurrency, loglevel=log_level.upper(), **_ALONE)
        worker.start()
        # Whoever keeps it running must learn that it has not ended in order.
        return worker.exitcode or 0

    db.engine().dispose()
    return supervise(run)
