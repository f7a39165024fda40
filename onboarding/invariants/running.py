"""Asks the rules: a stretch of a table at a time, and each stretch in one short snapshot.

A million onboardings are two hundred stretches. Journeys go on meanwhile: what is committed between
two snapshots concerns one stretch or the other, never half of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from onboarding import db, queries
from onboarding.invariants.fifteen import RULES
from onboarding.invariants.rules import Finding, Rule, statement

# Rows of the table that is walked, in one snapshot.
STRETCH: Final = 5000
# Findings of one rule that are named; of a broken database, the rest is a number.
NAMED_AT_MOST: Final = 20

# A stretch is a small part of every table. PostgreSQL must plan for this one, not for any, and never
# read a whole table for it: at a million onboardings that is the difference between minutes and days.
_PLANNING: Final = ("plan_cache_mode = force_custom_plan", "enable_seqscan = off", "jit = off")

Advance = Callable[[int], object]


@dataclass(slots=True)
class Outcome:
    """What came of a rule: how many violations, and the first of them by name."""

    rule: Rule
    count: int = 0
    named: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows above `after` and up to `upto`, at the instant `now`; None: there is no end."""

    after: Any
    upto: Any
    now: datetime


def check(
    *,
    named_at_most: int = NAMED_AT_MOST,
    stretch: int = STRETCH,
    advance: Advance | None = None,
) -> list[Outcome]:
    """Ask every rule of the open database. `advance` hears how many rows were walked."""
    outcomes = {rule: Outcome(rule) for rule in RULES}
    for rule, count, named in _walk_all(named_at_most, stretch, advance or _nobody):
        outcome = outcomes[rule]
        outcome.count += count
        outcome.named += named[: named_at_most - len(outcome.named)]
    return list(outcomes.values())


def violations(*, stretch: int = STRETCH) -> Iterator[Finding]:
    """Every finding, as it is found: a healthy database has none."""
    for _rule, _count, named in _walk_all(None, stretch, _nobody):
        yield from named


def rows_to_walk() -> int:
    """About how far `advance` will get."""
    with db.snapshot() as session:
        db.without_hurry(session)
        counts = [session.scalar(select(func.count(over))) for over, _ in _walks()]
    return sum(count or 0 for count in counts)


def _walks() -> Iterator[tuple[InstrumentedAttribute[Any], list[Rule]]]:
    """The columns to walk along, each with the rules that are asked on the way."""
    for _, rules in groupby(sorted(RULES, key=_column), _column):
        asked = list(rules)
        yield asked[0].over, asked


def _column(rule: Rule) -> str:
    return str(rule.over)


def _walk_all(
    named_at_most: int | None, stretch: int, advance: Advance
) -> Iterator[tuple[Rule, int, list[Finding]]]:
    for over, rules in _walks():
        yield from _walk(over, rules, named_at_most, stretch, advance)


def _walk(
    over: InstrumentedAttribute[Any],
    rules: Sequence[Rule],
    named_at_most: int | None,
    size: int,
    advance: Advance,
) -> Iterator[tuple[Rule, int, list[Finding]]]:
    """The last stretch has no end, so that rows which belong to nobody are in one, too."""
    after = None
    while True:
        with db.snapshot() as session:
            _plan_for_stretches(session)
            stretch = _next(session, over, after, size)
            found = [_ask(session, rule, stretch, named_at_most) for rule in rules]
        advance(size)
        yield from found
        if stretch.upto is None:
            return
        after = stretch.upto


def _plan_for_stretches(session: Session) -> None:
    db.without_hurry(session)
    if session.get_bind().dialect.name == "postgresql":
        for setting in _PLANNING:
            session.execute(text(f"SET LOCAL {setting}"))


def _next(session: Session, over: InstrumentedAttribute[Any], after: Any, size: int) -> _Stretch:
    keys = select(over).order_by(over).offset(size - 1).limit(1)
    now = db.clock(session)
    upto = session.scalar(keys if after is None else keys.where(over > after))
    return _Stretch(after, upto, now)


def _ask(
    session: Session, rule: Rule, stretch: _Stretch, named_at_most: int | None
) -> tuple[Rule, int, list[Finding]]:
    asked = statement(rule, first=stretch.after is None, last=stretch.upto is None)
    values = {"after": stretch.after, "upto": stretch.upto, "now": stretch.now}
    rows = session.execute(asked, values).all()
    wrong = [row for row in rows if rule.doubt is None or rule.doubt(row)]
    return rule, len(wrong), _named(session, rule, wrong[:named_at_most])


def _named(session: Session, rule: Rule, rows: Sequence[Sequence[Any]]) -> list[Finding]:
    """With the references by which people know the onboardings."""
    references = queries.references(session, {row[0] for row in rows if row[0]}) if rows else {}
    return [
        Finding(
            rule,
            row[0],
            references.get(row[0], str(row[0] or "–")),
            rule.what.format(*map(_readable, row[1:])),
        )
        for row in rows
    ]


def _readable(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "nothing" if value is None else str(value)


def _nobody(rows: int) -> None:
    """Hears how far it got, and does not mind."""
