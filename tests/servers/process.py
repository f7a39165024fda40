"""Starts the process of a server, waits for its answer, and ends it. Nothing here outlives us."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")


class ServerFailed(Exception):
    """A server did not start, or did not answer in time; the message ends with its last words."""


def start(
    command: Sequence[str | Path], log: Path, *, end_with: int = signal.SIGTERM, user: str = ""
) -> subprocess.Popen[bytes]:
    """Starts a program in the folder of its log; `end_with` is its signal when our process ends."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("A server ends with its thread: start it from the main thread.")
    with log.open("ab") as output:
        return subprocess.Popen(
            leashed(command, end_with=end_with, user=user),
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal is for pytest, which then ends its servers in order.
            start_new_session=True,
        )


def leashed(
    command: Sequence[str | Path], *, end_with: int = signal.SIGTERM, user: str = ""
) -> list[str]:
    """The command line that runs `command` as `user`, on a leash."""
    python = [sys.executable, "-I", "-S", str(LEASH)]
    return [*python, str(int(end_with)), str(os.getpid()), user, *map(str, command)]


def answers(process: subprocess.Popen[bytes], ready: Callable[[], bool], deadline: float) -> bool:
    """Whether the server came to answer before it ended, or time.monotonic() passed a deadline."""
    while process.poll() is None and time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(0.005)
    return False


def stop(process: subprocess.Popen[bytes], how: int = signal.SIGTERM, seconds: float = 10) -> None:
    """Asks the process to end and waits for it; one that does not obey is killed."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def failure(what: str, log: Path) -> ServerFailed:
    return ServerFailed(f"{what} did not start:\n{last_words(log)}")


def last_words(log: Path, lines: int = 5) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
