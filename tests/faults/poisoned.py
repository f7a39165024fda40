"""`python -m tests.faults.poisoned worker`: the program, with tasks in it that kill whoever runs them.

They stand in for what no program of ours promises to do: a bug in a library, a server that never
answers, memory that runs out.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable

from onboarding.outbox import Claim
from workers import cli, tasks

# What Celery allows a task here, in seconds; the real limits would take half a minute.
SOFT_LIMIT, HARD_LIMIT = 3, 4


def poison_raises(claim: Claim) -> None:
    raise ZeroDivisionError("always")


def poison_hangs(claim: Claim) -> None:
    while True:
        signal.pause()


def poison_holds_on(claim: Claim) -> None:
    """Hangs, and does not listen to Celery's soft limit."""
    while True:
        try:
            signal.pause()
        except Exception:  # noqa: BLE001 - that is the poison
            continue


def poison_eats_memory(claim: Claim) -> None:
    """Until there is no more; a limit of its own stands in for the machine's."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, limits[1]))
    try:
        held = [bytes(1 << 26)]
        while True:
            held.append(bytes(1 << 26))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def poison_is_killed(claim: Claim) -> None:
    """As the kernel does where memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def poison_crashes(claim: Claim) -> None:
    ctypes.string_at(0)


def poison_exits(claim: Claim) -> None:
    os._exit(0)


# Where it is survived, and how the outbox comes to know of it.
RAISE: tuple[Callable[[Claim], None], ...] = (poison_raises, poison_eats_memory)
KILL: tuple[Callable[[Claim], None], ...] = (poison_is_killed, poison_crashes, poison_exits)
HANG: tuple[Callable[[Claim], None], ...] = (poison_hangs, poison_holds_on)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tasks.TASKS.update({work.__name__: work for work in (*RAISE, *KILL, *HANG)})
    if sys.argv[1] == "worker":
        from workers.app import app  # noqa: PLC0415 - it registers the tasks that are there by now

        app.conf.update(task_soft_time_limit=SOFT_LIMIT, task_time_limit=HARD_LIMIT)
    cli.main()


if __name__ == "__main__":
    main()
