"""What a rule is: a select of what must not be there, asked of one stretch of a table at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, true
from sqlalchemy.orm import InstrumentedAttribute

from onboarding.db import UTCDateTime

# The database's clock at the snapshot: a select that is asked late must not see it later.
NOW: Final = bindparam("now", type_=UTCDateTime())


@dataclass(frozen=True, slots=True)
class Within:
    """The stretch that a select is asked about; the first and the last are open at one end."""

    first: bool
    last: bool

    def __call__(self, column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """The condition that a column lies in it, for the one table that a select starts from.

        Its other tables are reached from there by an index. A planner that is told of the stretch
        twice, and takes it for a single row, compares every row of it with every other.
        """
        ends: list[ColumnElement[bool]] = [true()]
        if not self.first:
            ends.append(column > bindparam("after", type_=column.type))
        if not self.last:
            ends.append(column <= bindparam("upto", type_=column.type))
        return and_(*ends)


# What a rule selects: the onboarding, and then what there is to say.
Rows = Select[*tuple[Any, ...]]
Violations = Callable[[Within], Rows]
Doubt = Callable[[Sequence[Any]], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must always be true.

    `violations` selects the onboarding's ID, or NULL, and then the values that `what` speaks of.
    `doubt` looks at such a row once more where SQL cannot tell for sure.
    """

    number: str
    name: str
    sentence: str
    over: InstrumentedAttribute[Any]
    violations: Violations
    what: str
    do: str
    doubt: Doubt | None = None

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken: by which onboarding, how, and what to do about it."""

    rule: Rule
    onboarding_id: UUID | None
    reference: str
    what: str

    @property
    def do(self) -> str:
        """The next step of whoever finds this."""
        return self.rule.do.replace("REF", self.reference)

    def __str__(self) -> str:
        return f"{self.reference}: {self.what} ({self.rule})"


def rule(
    number: str,
    over: InstrumentedAttribute[Any],
    *,
    what: str,
    do: str,
    doubt: Doubt | None = None,
) -> Callable[[Violations], Rule]:
    """Make a function a rule: its name is the rule's, its docstring the sentence.

    `over` is the column whose stretches it is asked about; `do` says REF for the onboarding.
    """

    def made(violations: Violations) -> Rule:
        name, sentence = violations.__name__, " ".join((violations.__doc__ or "").split())
        return Rule(number, name, sentence, over, violations, what, do, doubt)

    return made


@cache
def statement(asked: Rule, *, first: bool, last: bool) -> Rows:
    """The select of a rule; it is built once for every kind of stretch."""
    return asked.violations(Within(first, last))
