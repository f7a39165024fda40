"""Forks children that run one role each, notices who has died and of what, and replaces them.

The parent has imported everything already and has no thread, so a child is at work a few
milliseconds after its predecessor's death.
"""

import ctypes
import gc
import os
import random
import re
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from onboarding import crash_points

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_DIED = re.compile(rb"crash point ([a-z._]+)\n")


@dataclass(frozen=True)
class Child:
    """Who it was is who follows it."""

    role: str
    slot: int


class Nursery:
    """Children by process ID, and what became of those that are gone."""

    def __init__(
        self, run: Callable[[str, int], None], crash_at: Mapping[str, float], log: Path
    ) -> None:
        self.run, self.log = run, log
        self.crash_at = " ".join(f"{name}={chance:.5f}" for name, chance in crash_at.items())
        self.children: dict[int, Child] = {}
        self.died = self.killed_from_outside = 0
        self.wrong_ends: list[str] = []
        self._output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        # In place before any child is, so that none misses it.
        signal.signal(signal.SIGUSR1, lambda *_: crash_points.arm(""))
        gc.freeze()

    def add(self, role: str, slot: int) -> None:
        """Fork a child, which may die wherever it is told to."""
        process = os.fork()
        if process == 0:
            self._live(role, slot)
        self.children[process] = Child(role, slot)

    def look(self) -> None:
        """Replace the dead. One that has ended by itself has nothing left to do."""
        for process in [*self.children]:
            ended, status = os.waitpid(process, os.WNOHANG)
            if not ended:
                continue
            child = self.children.pop(process)
            if os.WIFSIGNALED(status):
                self.died += 1
                self.add(child.role, child.slot)
            elif status:
                self.wrong_ends.append(f"{child.role} ended: {self._last_words(process)}")

    def kill_one(self, draw: random.Random) -> None:
        """As the system does when memory runs out: without asking where the process is."""
        os.kill(draw.choice([*self.children]), signal.SIGKILL)
        self.killed_from_outside += 1

    def calm_down(self) -> None:
        """From here on nobody dies."""
        self.crash_at = ""
        for process in self.children:
            os.kill(process, signal.SIGUSR1)

    def end(self) -> None:
        """Kill and collect all that are left."""
        for process in self.children:
            os.kill(process, signal.SIGKILL)
        for process in self.children:
            os.waitpid(process, 0)
        self.children.clear()

    def deaths(self) -> Counter[str]:
        """How often each crash point has killed, from what the dying said."""
        return Counter(name.decode() for name in _DIED.findall(self.log.read_bytes()))

    def _live(self, role: str, slot: int) -> None:
        """Never returns. The kernel ends it with its parent, however that one ends."""
        try:
            on_a_leash()
            os.dup2(self._output, 2)
            random.seed()
            crash_points.arm(self.crash_at)
            self.run(role, slot)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - it must not go on as a second parent
            words = self.log.with_name(f"last-words-{os.getpid()}")
            words.write_text(traceback.format_exc())
        os._exit(1)

    def _last_words(self, process: int) -> str:
        return self.log.with_name(f"last-words-{process}").read_text()


def on_a_leash() -> None:
    """The kernel ends this process with its parent, however that one ends. Only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """What a child leaves behind becomes this process's, which can wait for its end. Only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
