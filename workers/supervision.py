"""A process that does nothing but replace another one at once, should something kill it.

To load the program takes seconds; to fork a process that has loaded it takes milliseconds. So a task
that takes its whole process down, or a system that is out of memory, holds work up for a moment only.
Whoever ends by itself is not replaced: an error at the start is for people to see.
"""

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from onboarding import logs

log = logs.get(__name__)

# What the process may be asked to end with; each is passed on.
ENDINGS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
# Who has lived for so many seconds was well; whoever dies younger is replaced after a pause.
GROWN_UP: Final = 1.0
PAUSES: Final = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
_HEARD: Final = (*ENDINGS, signal.SIGCHLD)
_DIE_WITH_PARENT: Final = 1


def supervise(run: Callable[[int], int]) -> int:
    """Run in a forked process, and in a new one whenever it is killed; returns the exit code.

    `run` gets the number of its predecessors. No thread and no connection may be open: both would
    be shared. In the forked process this returns too, so that it ends as it would unsupervised.
    """
    # What is loaded stays for good: neither a collection nor a fork has to go through it again.
    gc.collect()
    gc.freeze()
    watch = _Watch()
    parent = os.getpid()
    while True:
        if not watch.fork():
            _die_with(parent)
            return run(watch.deaths)
        code = watch.wait()
        if code is not None:
            return code


class _Watch:
    """Over one child at a time: passes on what it is asked to end with, and tells how it ended.

    Signals wait until they are waited for. A handler of Python's would not run while `waitpid`
    blocks, if the signal came just before it.
    """

    def __init__(self) -> None:
        self.child = 0
        self.deaths = 0
        self._young = 0
        self._asked = False
        # Without a handler, the end of a child might be thrown away even while it is blocked.
        self._at_child = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)

    def fork(self) -> bool:
        """False in the child, where signals do what they did before; none is lost on the way."""
        self.child = os.fork()
        if not self.child:
            signal.signal(signal.SIGCHLD, self._at_child)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
        return bool(self.child)

    def wait(self) -> int | None:
        """The exit code of a child that has ended as it should; None: it takes a new one."""
        born = time.monotonic()
        code = self._end()
        if code >= 0:
            return code
        if self._asked:
            return 128 - code
        self.deaths += 1
        self._young = self._young + 1 if time.monotonic() - born < GROWN_UP else 0
        log.error("process_replaced", killed_by=signal.Signals(-code).name, deaths=self.deaths)
        pause = PAUSES[min(self._young, len(PAUSES) - 1)]
        return None if signal.sigtimedwait(ENDINGS, pause) is None else 128 - code

    def _end(self) -> int:
        """Wait for the child's end: its exit code, or less than zero for what has killed it."""
        while True:
            ended, status = os.waitpid(self.child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            heard = signal.sigwait(_HEARD)
            if heard != signal.SIGCHLD:
                self._pass_on(heard)

    def _pass_on(self, number: int) -> None:
        """A terminal has sent SIGINT to the child as well, and a second one would be an order to drop all."""
        self._asked = True
        with suppress(ProcessLookupError):
            os.kill(self.child, signal.SIGTERM if number == signal.SIGINT else number)


def _die_with(parent: int) -> None:
    """A process without its supervisor would hold on to what the next one needs. Only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
