"""Which of a few is meant by what was typed: an ID, its beginning, or a name."""

from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol, TypeVar
from uuid import UUID

from onboarding.commands.exits import NOT_FOUND, USAGE, Failure

# Fewer characters are meant by nobody.
_LEAST: Final = 4


class _Known(Protocol):
    @property
    def id(self) -> UUID: ...


One = TypeVar("One", bound=_Known)


def one(
    known: Sequence[One],
    typed: str,
    names: Callable[[One], Collection[str]],
    what: str,
    listed_by: str,
) -> One:
    """A whole ID or a name goes before the beginning of an ID. Raises Failure for none and for several."""
    found = [each for each in known if typed in {str(each.id), *names(each)}]
    if not found and len(typed) >= _LEAST:
        found = [each for each in known if str(each.id).startswith(typed.lower())]
    return only(found, typed, what, listed_by)


def only(found: Sequence[One], typed: str, what: str, listed_by: str) -> One:
    """The one that was found. Raises Failure for none and for several."""
    if not found:
        raise Failure(f"No {what} {typed}.", f"`onboarding {listed_by}` shows them.", NOT_FOUND)
    if len(found) > 1:
        raise Failure(
            f"{len(found)} {what}s are meant by {typed}.",
            f"Say which by its ID: {', '.join(str(each.id) for each in found)}.",
            USAGE,
        )
    return found[0]
