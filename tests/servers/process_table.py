"""What the kernel says about the processes of the machine; Linux only."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STATUS = re.compile(r"^(\d+) \((.*)\) (\S) (\d+)", re.DOTALL)


@dataclass(frozen=True)
class Process:
    """One line of the kernel's process table."""

    pid: int
    name: str
    state: str
    parent: int


def below(ancestor: int) -> dict[int, str]:
    """The IDs and names of all processes that a process and its children started."""
    found = {child.pid: child.name for child in process_table() if child.parent == ancestor}
    return found | {pid: name for child in found for pid, name in below(child).items()}


def alive() -> set[int]:
    # A zombie has ended; whether it is collected is the business of the machine's first process.
    return {process.pid for process in process_table() if process.state != "Z"}


def process_table() -> list[Process]:
    table = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        # A process that ends while we look is no longer of interest.
        with suppress(OSError):
            [[pid, name, state, parent]] = STATUS.findall(status.read_text())
            table.append(Process(int(pid), name, state, int(parent)))
    return table
