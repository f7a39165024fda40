"""What `serve` and `web` run: the web server on a socket of ours, and around it whatever else is asked for.

The socket listens before anything is made, so a taken port is noticed first, and a request that
comes early waits instead of failing. It outlives the process that serves: while a killed one is
replaced, requests wait, too.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

import uvicorn

from onboarding import cli, db, logs, tracing
from onboarding.sealing import Keyring
from onboarding.settings import PREFIX, Settings, settings
from onboarding.web.app import create_app
from workers import demo, relay
from workers.listening import listen
from workers.publisher import CeleryPublisher, EmbeddedPublisher
from workers.supervision import supervise

log = logs.get(__name__)

Publisher = EmbeddedPublisher | CeleryPublisher
Publishing = Callable[[Settings], AbstractContextManager[Publisher]]

# Seconds that requests in flight may take once the program is told to stop.
GRACE: Final = 2


def serve(publishing: Publishing, *, samples: bool, migrate: bool) -> int:
    """Pages, API, relay, clock and tasks in one process, until Ctrl-C or SIGTERM; the exit code."""
    with _listener() as (listener, chosen):
        upgrade = migrate or chosen.database_url.startswith("sqlite")
        ring = cli.prepare(chosen, upgrade=upgrade)

        def run(deaths: int) -> int:
            traced = tracing.sent_to(chosen.otlp_endpoint, "serve")
            with traced, publishing(chosen) as publisher, _sweeping(publisher):
                server = _server(chosen, ring)
                journeys = demo.begin(server, chosen, ring) if samples and not deaths else None
                _run(server, listener)
                if journeys is not None:
                    journeys.join(GRACE)
            return 0

        db.engine().dispose()
        return supervise(run)


def web(publishing: Publishing) -> int:
    """Pages and API only, until Ctrl-C or SIGTERM; the exit code."""
    with _listener() as (listener, chosen):
        ring = cli.prepare(chosen)

        def run(_: int) -> int:
            with tracing.sent_to(chosen.otlp_endpoint, "web"), publishing(chosen):
                _run(_server(chosen, ring), listener)
            return 0

        db.engine().dispose()
        return supervise(run)


@contextmanager
def _listener() -> Iterator[tuple[socket.socket, Settings]]:
    """The socket, and the settings with the port that it has got. Raises Failure."""
    chosen = settings()
    listener = listen(chosen.host, chosen.port)
    with listener:
        if chosen.port == 0:
            # Links, sign-in and tasks need the real one, and they all ask the settings.
            os.environ[f"{PREFIX}PORT"] = str(listener.getsockname()[1])
            settings.cache_clear()
        yield listener, settings()


def _server(chosen: Settings, ring: Keyring) -> uvicorn.Server:
    """One process, threads for handlers; the logs are ours."""
    app = create_app(chosen, ring)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            # Of what is installed beside it, nothing changes how it runs.
            loop="asyncio",
            ws="none",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )
    for held in (app.state.live, app.state.event_streams, app.state.waiting):
        held.is_over = lambda: server.should_exit
    return server


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Until it is told to stop: uvicorn raises the signal again once it has stopped in order."""
    host, port = listener.getsockname()[:2]
    log.info("listening", host=host, port=port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


@contextmanager
def _sweeping(publisher: Publisher) -> Iterator[None]:
    stop = threading.Event()
    swept = (publisher.publish, stop, publisher.has_room, [relay.canary()])
    thread = threading.Thread(target=relay.run, args=swept, name="relay")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
