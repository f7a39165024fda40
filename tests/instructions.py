"""Counts the interpreter's instructions: the same on every machine, for one version of Python."""

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


def instructions(do: Callable[[], object]) -> int:
    """How many instructions of this thread, and of those that it starts meanwhile, it takes in Python.

    What is done in C is not counted.
    """
    count = 0

    def step(frame: FrameType, what: str, _: object) -> Any:
        nonlocal count
        count += what == "opcode"
        return step

    def enter(frame: FrameType, what: str, told: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return step(frame, what, told)

    before = sys.gettrace()
    sys.settrace(enter)
    threading.settrace(enter)
    try:
        do()
    finally:
        threading.settrace(before)
        sys.settrace(before)
    return count
