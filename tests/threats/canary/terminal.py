"""Commands that are told a secret at a terminal: what it shows, and what others can see of them meanwhile."""

import os
import pty
import select
import subprocess
from typing import Final

from tests.faults.stage import PATIENCE
from tests.system import ONBOARDING
from tests.threats.canary import sinks
from tests.threats.canary.watched import Watched

PROMPT: Final = b"Client secret: "


def tested(watched: Watched, client_id: str, secret: str) -> None:
    """`test-credentials`, typed at a terminal that shows whatever is not hidden from it."""
    command = ("test-credentials", "--client-id", client_id, "--url", watched.stage.system.url)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [ONBOARDING, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | watched.stage.system.environment,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = _read_until(ours, PROMPT)
        os.write(ours, secret.encode() + b"\n")
        shown += _read_until(ours, b"These credentials work")
        watched.processes += sinks.processes(process.pid)
        shown += _rest(ours)
        assert process.wait(PATIENCE) == 0, shown
    watched.terminal.append(shown)


def said(watched: Watched, *command: str, stdin: str, code: int) -> None:
    """A command that is sent something, and what it prints."""
    done = subprocess.run(
        [ONBOARDING, *command],
        input=stdin.encode(),
        capture_output=True,
        env=os.environ | watched.stage.system.environment,
        check=False,
    )
    assert done.returncode == code, done.stderr
    watched.terminal.append(done.stdout + done.stderr)


def _read_until(terminal: int, words: bytes) -> bytes:
    shown = b""
    while words not in shown:
        assert select.select([terminal], [], [], PATIENCE)[0], shown
        shown += os.read(terminal, 4096)
    return shown


def _rest(terminal: int) -> bytes:
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # Nobody is at the other end any more.
        pass
    os.close(terminal)
    return shown
