"""How a command ends: its exit code, and a failure that it can put into words."""

from typing import Final

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
UNAVAILABLE: Final = 4
FINDINGS: Final = 5
INTERRUPTED: Final = 130

MEANINGS: Final[dict[int, str]] = {
    DONE: "done",
    REFUSED: "refused, or failed",
    USAGE: "wrong usage or wrong settings",
    NOT_FOUND: "there is no such thing",
    UNAVAILABLE: "the database, the broker, the server or the workers do not answer",
    FINDINGS: "what was checked has findings",
    INTERRUPTED: "interrupted",
}


class Failure(Exception):
    """A command cannot go on: what happened, what to do about it, and the exit code."""

    def __init__(self, sentence: str, advice: str = "", code: int = REFUSED) -> None:
        super().__init__(sentence)
        self.sentence, self.advice, self.code = sentence, advice, code
