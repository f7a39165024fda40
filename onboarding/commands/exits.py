"""How a command ends: its exit code, and a failure that it can put into words."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
UNAVAILABLE: Final = 4
FINDINGS: Final = 5
INTERRUPTED: Final = 130
# As a shell counts whoever dies of SIGPIPE.
UNREAD: Final = 141

MEANINGS: Final[dict[int, str]] = {
    DONE: "done",
    REFUSED: "refused, or failed",
    USAGE: "wrong usage or wrong settings",
    NOT_FOUND: "there is no such thing",
    UNAVAILABLE: "the database, the broker, the server or the workers do not answer",
    FINDINGS: "what was checked has findings",
    INTERRUPTED: "interrupted",
    UNREAD: "nobody read on, as after `head`",
}


class Failure(Exception):
    """A command cannot go on: what happened, what to do about it, and the exit code."""

    def __init__(self, sentence: str, advice: str = "", code: int = REFUSED) -> None:
        super().__init__(sentence)
        self.sentence, self.advice, self.code = sentence, advice, code


@contextmanager
def quiet_when_unread() -> Iterator[None]:
    """Whoever closes stdout has read enough: there is nothing to say about it. Raises SystemExit."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What nobody has read is written once more when the interpreter ends, and must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(UNREAD)
