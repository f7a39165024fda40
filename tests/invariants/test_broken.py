"""Each rule is broken by hand, and the checker names that rule and that onboarding."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import invariants
from onboarding.db import transaction
from tests import builders
from tests.invariants import broken_rows, broken_sellers, broken_steps
from tests.invariants.breaking import Broken, strip

Found = dict[tuple[str, UUID | None], set[str]]

BROKEN = (*broken_rows.BROKEN, *broken_steps.BROKEN, *broken_sellers.BROKEN)
# What breaks for everybody at once needs a database of its own.
ALONE = [case for case in BROKEN if case.both and not case.bare]
TOGETHER = [case for case in BROKEN if not case.both and not case.bare]
CONSTRAINED = [case for case in BROKEN if case.bare]


def test_every_rule_is_broken_here() -> None:
    assert {case.rule for case in BROKEN} == {rule.name for rule in invariants.RULES}


def test_what_is_broken_is_named(database: Engine) -> None:
    """Every rule by onboardings of its own, so that each is seen among all the others."""
    see_them_break(database, TOGETHER)


def test_what_is_broken_is_named_where_its_constraint_is_gone(own_database: Engine) -> None:
    see_them_break(own_database, CONSTRAINED)


@pytest.mark.parametrize("case", ALONE, ids=str)
def test_what_is_broken_for_all_is_named_for_each(database: Engine, case: Broken) -> None:
    see_them_break(database, [case])


def see_them_break(engine: Engine, cases: Sequence[Broken]) -> None:
    """Nothing is found before; afterwards what is expected of each onboarding, and of no other."""
    bystander = builders.an_onboarding(
        "started" if all(case.both for case in cases) else "confirmed"
    )
    roads = [(case.road(), case.road() if case.both else bystander) for case in cases]
    assert list(map(str, invariants.violations())) == []
    for table in {table for case in cases for table in case.bare}:
        strip(engine, table)
    expected: Found = {}
    for case, (mine, other) in zip(cases, roads, strict=True):
        with transaction() as session:
            for change in case.changes(mine, other):
                session.execute(change)
        expected[builders.the(mine).reference, mine] = {case.rule} | case.besides
        if case.both:
            expected.setdefault((builders.the(other).reference, other), set()).add(case.rule)
    assert found() == expected


def found() -> Found:
    """The rules that are broken, by the onboarding's reference and ID."""
    names: Found = {}
    for finding in invariants.violations():
        # A reference may hold these letters itself.
        assert "REF" not in finding.do.replace(finding.reference, "")
        key = finding.reference, finding.onboarding_id
        names.setdefault(key, set()).add(finding.rule.name)
    return names
