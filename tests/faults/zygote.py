"""Runs the product's commands as processes of their own, without the second that an interpreter takes to start.

A process that has imported everything forks a child for each order on its stdin, and the child is
`onboarding ROLE` from there on: its own settings, its own log, its own process group.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Zygote:
    """The process that forks, seen from a test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def start(self, role: str, environment: dict[str, str], log: Path) -> int:
        """The ID of a new process that runs a role. It stays this one's until `kill`."""
        return self._order("start", role=role, environment=environment, log=str(log))

    def kill(self, process: int) -> None:
        """End a process with all that it has started, as a crash would; one that is dead is collected."""
        self._order("kill", process=process)

    def _order(self, what: str, **about: object) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([what, about]) + "\n")
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


def _main() -> None:
    """Import what every role needs, but not what reads the settings on import."""
    import celery.app.base  # noqa: PLC0415
    import celery.bin.worker  # noqa: PLC0415
    import celery.concurrency.prefork  # noqa: PLC0415
    import celery.worker.worker  # noqa: F401, PLC0415
    import kombu.transport.redis  # noqa: F401, PLC0415

    from onboarding.commands import opening  # noqa: F401, PLC0415
    from tests.faults.nursery import adopt_orphans  # noqa: PLC0415
    from workers import serving  # noqa: F401, PLC0415

    adopt_orphans()
    for line in sys.stdin:
        what, about = json.loads(line)
        sys.stdout.write(f"{_ORDERS[what](**about)}\n")
        sys.stdout.flush()


def _start(role: str, environment: dict[str, str], log: str) -> int:
    process = os.fork()
    if process == 0:
        _become(role, environment, log)
    return process


def _kill(process: int) -> int:
    """The dead are collected here and nowhere else, so that no number is somebody else's by now.

    The whole group is waited for: one of it that has not let go yet, of a port or of a lock, would
    stand in the way of whoever is started next. Where orphans are not ours to collect, they are not.
    """
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-process, 0)
    return process


def _become(role: str, environment: dict[str, str], log: str) -> None:
    """Never returns."""
    from onboarding.settings import settings  # noqa: PLC0415
    from tests.faults.nursery import on_a_leash  # noqa: PLC0415
    from workers import cli  # noqa: PLC0415

    on_a_leash()
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.environ |= environment
    settings.cache_clear()
    sys.argv = ["onboarding", role]
    cli.main()
    os._exit(0)


_ORDERS: dict[str, Callable[..., int]] = {"start": _start, "kill": _kill}

if __name__ == "__main__":
    _main()
