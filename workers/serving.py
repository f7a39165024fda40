"""What `serve` and `web` run: the web server on a socket of ours, and around it whatever else is asked for.

The socket listens before anything is made, so a taken port is noticed first, and a request that
comes early waits instead of failing. What was left unfinished is taken up before the web framework
is even loaded: after a crash, nobody waits for pages to be ready.
"""
# ruff: noqa: PLC0415 - see above

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from onboarding import cli, logs
from onboarding.sealing import Keyring
from onboarding.settings import PREFIX, Settings, settings
from workers import relay
from workers.listening import listen
from workers.publisher import CeleryPublisher, EmbeddedPublisher

if TYPE_CHECKING:
    import uvicorn

log = logs.get(__name__)

Publisher = EmbeddedPublisher | CeleryPublisher
Publishing = Callable[[Settings], AbstractContextManager[Publisher]]

# Seconds that requests in flight may take once the program is told to stop.
GRACE: Final = 2


def serve(publishing: Publishing, *, samples: bool, migrate: bool) -> None:
    """Pages, API, relay, clock and tasks in one process, until Ctrl-C or SIGTERM."""
    with _listener() as (listener, chosen):
        upgrade = migrate or chosen.database_url.startswith("sqlite")
        ring = cli.prepare(chosen, upgrade=upgrade)
        with publishing(chosen) as publisher, _sweeping(publisher):
            server = _server(chosen, ring)
            journeys = _journeys(server, chosen) if samples else None
            _run(server, listener)
            if journeys is not None:
                journeys.join(GRACE)


def web(publishing: Publishing) -> None:
    """Pages and API only."""
    with _listener() as (listener, chosen):
        server = _server(chosen, cli.prepare(chosen))
        with publishing(chosen):
            _run(server, listener)


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


def _server(chosen: Settings, ring: Keyring) -> "uvicorn.Server":
    """One process, threads for handlers; the logs are ours."""
    import uvicorn

    from onboarding.web.app import create_app

    return uvicorn.Server(
        uvicorn.Config(
            create_app(chosen, ring),
            log_config=None,
            ws="none",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )


def _journeys(server: "uvicorn.Server", chosen: Settings) -> threading.Thread:
    from workers import demo

    return demo.begin(server, chosen)


def _run(server: "uvicorn.Server", listener: socket.socket) -> None:
    """Until it is told to stop: uvicorn raises the signal again once it has stopped in order."""
    host, port = listener.getsockname()[:2]
    log.info("listening", host=host, port=port)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


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
