"""Serves an application on a free port for the length of a test, over real HTTP."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

PATIENCE = 30.0


class _Server(uvicorn.Server):
    """One that tells when its application has begun, which opens what that needs."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()


@contextmanager
def serving(make_app: Callable[[str], FastAPI]) -> Iterator[str]:
    """The address of the application, which is made knowing that address."""
    # The socket listens before the server runs. Whoever calls the application past it must not be first.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(make_app(url), lifespan="on", ws="none", log_level="warning")
        server = _Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert server.begun.wait(PATIENCE)
            yield url
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()
