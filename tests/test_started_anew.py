"""Who is killed has let go of all that its successor needs, so a test may start it anew at once."""

import socket
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.faults.zygote import a_zygote
from tests.servers.ports import free_port
from tests.servers.process_table import alive, below


def test_nobody_else_is_given_the_port_of_a_server_that_is_down() -> None:
    port = free_port()
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)):
            socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(OSError, match="in use"), socket.socket() as another:
            another.bind(("127.0.0.1", port))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_who_is_killed_has_let_go_of_everything(tmp_path: Path) -> None:
    """A supervisor's child dies later than it does, and holds what its successor needs."""
    port, log = free_port(), tmp_path / "log"
    environment = {
        "ONBOARDING_DATABASE_URL": f"sqlite:///{tmp_path / 'onboarding.db'}",
        "ONBOARDING_KEYS_DIR": str(tmp_path / "keys"),
        "ONBOARDING_PORT": str(port),
    }
    with a_zygote() as zygote:
        for _ in range(5):
            process = zygote.start("serve", environment, log)
            await_readiness(port, log)
            theirs = below(process)
            zygote.kill(process)
            assert theirs
            assert not alive() & {process, *theirs}
            socket.create_server(("127.0.0.1", port)).close()


def await_readiness(port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz").is_success:
                return
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
