"""The composition root: `onboarding` starts here, with the commands that need workers added.

It opens what the product needs (logs, database, keyring, publisher) and hands it over.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
import uvicorn

from onboarding import cli, outbox
from onboarding.settings import Settings, settings
from onboarding.web.app import create_app
from workers import demo, relay
from workers.publisher import CeleryPublisher, EmbeddedPublisher

Publisher = EmbeddedPublisher | CeleryPublisher


@cli.app.command()
def serve(
    *,
    samples: Annotated[
        bool, typer.Option("--demo", help="Add sample aggregators and walk sample journeys.")
    ] = False,
) -> None:
    """Run everything in one process: pages, API, relay, clock and tasks."""
    cli.prepare(settings(), upgrade=True)
    with _publishing(settings()) as publisher, _sweeping(publisher):
        server = _server(settings())
        if samples:
            demo.begin(server, settings())
        server.run()


@cli.app.command()
def web() -> None:
    """Run pages and API only; tasks need a broker and workers."""
    cli.prepare(settings())
    with _publishing(settings()):
        _server(settings()).run()


@cli.app.command()
def worker(
    concurrency: Annotated[int, typer.Option(help="Tasks at once.", min=1)] = 2,
) -> None:
    """Run a Celery worker on the broker; it sweeps too."""
    cli.need_broker(settings())
    cli.prepare(settings())
    from workers.app import app  # noqa: PLC0415 - Celery starts here only

    level = settings().log_level.upper()
    app.worker_main(["worker", f"--concurrency={concurrency}", f"--loglevel={level}"])


@cli.app.command(name="relay")
def relay_() -> None:
    """Run only the sweep: publish what came due again and fire deadlines."""
    cli.need_broker(settings())
    cli.prepare(settings())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _publishing(settings()) as publisher:
        relay.run(publisher.publish, stop)


def main() -> None:
    """The `onboarding` command."""
    cli.main(publishing=_publishing)


@contextmanager
def _publishing(chosen: Settings) -> Iterator[Publisher]:
    """The publisher that the settings ask for, in place until the end of the block."""
    publisher: Publisher
    if chosen.broker_url:
        from workers.app import app  # noqa: PLC0415 - Celery costs 0.2 s that others need not pay

        publisher = CeleryPublisher(app)
    else:
        publisher = EmbeddedPublisher(chosen.worker_threads)
    outbox.publish_with(publisher.publish)
    try:
        yield publisher
    finally:
        outbox.publish_with(None)
        publisher.close()


@contextmanager
def _sweeping(publisher: Publisher) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(publisher.publish, stop), name="relay")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _server(chosen: Settings) -> uvicorn.Server:
    """One process, threads for handlers; the logs are ours."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(chosen),
            host=chosen.host,
            port=chosen.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )
