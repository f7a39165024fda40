"""What an action is: who may, when it makes sense, what it asks for, and what it does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from onboarding.operators import Who
from onboarding.standing import Standing

# What an action leaves in the trail.
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants it done, why, and what was chosen where there is a choice."""

    who: Who
    reason: str = ""
    choice: str = ""
    # The reason in the lines in which it was written, where there are any.
    lines: str = ""


class Option(NamedTuple):
    """One thing to choose: as it is sent, and as it is called where it has a name."""

    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do.

    `why_not` asks nothing but what it is handed, so that it can be asked of thousands; None means
    that it makes sense. `letter` is the notice that is sent because of it.
    """

    name: str
    permission: str
    why_not: Callable[[Standing, Order], str | None]
    carry_out: Callable[[Session, Standing, Order], Told]
    options: Callable[[Session], Sequence[Option]] | None = None
    letter: Callable[[Standing], str | None] = lambda _: None
