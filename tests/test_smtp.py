"""A mail server has a time for each answer and one for all of them, however it spends them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from onboarding import mail_server, outbox_statements
from onboarding.mail_server import Unavailable
from tests.composing import hand_over
from tests.test_mail import LETTER, settings
from workers.app import app


@contextmanager
def tarpit() -> Iterator[tuple[int, list[bytes]]]:
    """A mail server that takes its time for each byte of its answers, and what it was told."""
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                client, _ = server.accept()
                with client, client.makefile("rb") as lines:
                    _dribble(client, b"220")
                    for line in lines:
                        told.append(line)
                        if b"data\r\n" not in told or line == b".\r\n":
                            _dribble(client, b"250")
                        elif line == b"data\r\n":
                            _dribble(client, b"354")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1]), told
        thread.join(20)


def _dribble(client: socket.socket, code: bytes) -> None:
    for byte in code + b" no hurry\r\n":
        time.sleep(0.03)
        client.send(bytes([byte]))


@pytest.mark.parametrize(("patience", "in_all"), [(0.2, 60.0), (60.0, 1.0)])
def test_a_server_that_is_slow_on_purpose_does_not_hold_a_letter(
    monkeypatch: pytest.MonkeyPatch, patience: float, in_all: float
) -> None:
    """No byte keeps anybody waiting for long: an answer does, and the whole conversation."""
    monkeypatch.setattr(mail_server, "PATIENCE", patience)
    monkeypatch.setattr(mail_server, "IN_ALL", in_all)
    with tarpit() as (port, told):
        with pytest.raises(Unavailable) as caught:
            hand_over(LETTER, settings(smtp_url=f"smtp://127.0.0.1:{port}"))
        assert caught.value.cause in {"mail_server_away", "mail_server_unavailable"}
    assert b".\r\n" not in told


def test_a_slow_server_that_is_in_time_gets_its_letter() -> None:
    with tarpit() as (port, told):
        hand_over(LETTER, settings(smtp_url=f"smtp://127.0.0.1:{port}"))
    assert b".\r\n" in told


def test_a_conversation_ends_before_its_task_is_cut_off() -> None:
    assert mail_server.IN_ALL < app.conf.task_soft_time_limit < outbox_statements.LEASE
