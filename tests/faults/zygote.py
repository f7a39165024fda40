"""Runs the product's commands as processes of their own, without the second that an interpreter takes to start.

A process that has imported everything forks a child for each order on its stdin, and the child is
`onboarding ROLE` from there on: its own settings, its own log, its own process group.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Zygote:
    """The process that forks, seen from a test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def start(self, role: str, environment: dict[str, str], log: Path) -> int:
        """The ID of a new process that runs a role."""
        order = {"role": role, "environment": environment, "log": str(log)}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def a_zygote() -> Iterator[Zygote]:
    """One for a whole file of tests. Its children end with it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.zygote"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        try:
            yield Zygote(process)
        finally:
            process.kill()


def lives(process: int) -> bool:
    """Whether a process is still there."""
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def kill(process: int, seconds: float = 20) -> None:
    """End a process with all that it has started, as a crash would, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while lives(process):
        assert time.monotonic() < deadline, f"process {process} outlives kill -9"
        time.sleep(0.002)


def _main() -> None:
    """Import what every role needs, but not what reads the settings on import."""
    import celery.app.base  # noqa: PLC0415
    import celery.bin.worker  # noqa: PLC0415
    import celery.concurrency.prefork  # noqa: PLC0415
    import celery.worker.worker  # noqa: F401, PLC0415
    import kombu.transport.redis  # noqa: F401, PLC0415

    from onboarding.commands import opening  # noqa: F401, PLC0415
    from workers import serving  # noqa: F401, PLC0415

    # The kernel collects the dead; a child needs its own again.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if process == 0:
            _become(**order)
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()


def _become(role: str, environment: dict[str, str], log: str) -> None:
    """Never returns."""
    from onboarding.settings import settings  # noqa: PLC0415
    from tests.faults.nursery import on_a_leash  # noqa: PLC0415
    from workers import cli  # noqa: PLC0415

    on_a_leash()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.environ |= environment
    settings.cache_clear()
    sys.argv = ["onboarding", role]
    cli.main()
    os._exit(0)


if __name__ == "__main__":
    _main()
