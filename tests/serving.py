"""Our application behind a socket of this machine, in a thread: for clients that need a real server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.web.asking import whole


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Its address, until the block ends."""
    config = uvicorn.Config(app, log_config=None, ws="none", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=whole, args=(server.serve([listener]),))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
