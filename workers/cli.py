"""The composition root: `onboarding` starts here, with the commands that need workers added.

It hands the product its publisher. Bodies import what they need, as in `onboarding.cli`.
"""
# ruff: noqa: PLC0415 - see above

import gc
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from onboarding import cli
from onboarding.cli_options import AsJson, open_database

if TYPE_CHECKING:
    from onboarding.settings import Settings
    from workers.serving import Publisher


@cli.app.command()
def serve(
    *,
    samples: Annotated[
        bool,
        typer.Option("--demo", help="Fill a new database with samples and walk sample journeys."),
    ] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Update the schema first; SQLite's always is.")
    ] = False,
) -> None:
    """Run everything in one process.

    Pages, API, relay and clock; without a broker the tasks too.
    """
    with _at_once():
        from workers import serving

    raise typer.Exit(serving.serve(_publishing, samples=samples, migrate=migrate))


@cli.app.command()
def web() -> None:
    """Run pages and API only; tasks need a broker and workers."""
    with _at_once():
        from onboarding.settings import settings
        from workers import serving

    cli.need_broker(settings())
    raise typer.Exit(serving.web(_publishing))


@cli.app.command()
def worker(
    concurrency: Annotated[int, typer.Option(help="Tasks at once.", min=1)] = 2,
) -> None:
    """Run a Celery worker on the broker; it sweeps too."""
    with _at_once():
        from onboarding.settings import settings

        cli.need_broker(settings())
        cli.prepare(settings())
        from workers import celery_worker

    raise typer.Exit(celery_worker.work(concurrency, settings().log_level))


@cli.app.command()
def worker_health(*, as_json: AsJson = False) -> None:
    """Say whether workers take work: exit code 4 if none has for 90 seconds."""
    from onboarding.commands import workers

    open_database()
    workers.health(as_json=as_json)


@cli.app.command(name="relay")
def relay_() -> None:
    """Run the sweep only: what came due again, and deadlines."""
    from onboarding import tracing
    from onboarding.settings import settings
    from workers import relay

    cli.need_broker(settings())
    cli.prepare(settings())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    traced = tracing.sent_to(settings().otlp_endpoint, "relay")
    with traced, _publishing(settings()) as publisher:
        relay.run(publisher.publish, stop, publisher.has_room, [relay.canary()])


def main() -> None:
    """The `onboarding` command."""
    cli.main(publishing=_publishing, task_names=_task_names)


@contextmanager
def _at_once() -> Iterator[None]:
    """What is loaded here stays: to look through it again and again for garbage takes a fifth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _publishing(chosen: "Settings") -> "Iterator[Publisher]":
    """The publisher that the settings ask for, in place until the end of the block."""
    from onboarding import outbox
    from workers.publisher import CeleryPublisher, EmbeddedPublisher

    publisher: Publisher
    if chosen.broker_url:
        from workers.app import app

        publisher = CeleryPublisher(app)
    else:
        publisher = EmbeddedPublisher(chosen.worker_threads)
    outbox.publish_with(publisher.publish)
    try:
        yield publisher
    finally:
        outbox.publish_with(None)
        publisher.close()


def _task_names() -> Collection[str]:
    from workers.tasks import TASKS

    return TASKS
