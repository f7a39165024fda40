"""The checker walks a table stretch by stretch, counts everything, and names the first of each."""

import pytest
from sqlalchemy import Engine, delete, update

from onboarding import invariants
from onboarding.db import transaction
from onboarding.invariants import FIFTEEN, RULES
from onboarding.models import Onboarding, Transition
from tests import builders
from tests.noting import count_statements

INVARIANTS = [f"I{number}" for number in range(1, 16)]


def test_the_fifteen_are_all_there() -> None:
    assert [each.number for each in FIFTEEN] == INVARIANTS
    asked = {rule.number for rule in RULES}
    assert asked <= set(INVARIANTS)
    for each in FIFTEEN:
        assert each.number in asked or each.elsewhere, each.name


def test_every_rule_says_what_it_is_and_what_to_do() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.sentence.endswith(".")
        assert rule.do
        assert len(rule.what) > 1


@pytest.mark.parametrize("stretch", [2, 5])
def test_a_stretch_of_any_length_finds_the_same(database: Engine, stretch: int) -> None:
    ids = {builders.an_onboarding("type_chosen") for _ in range(5)}
    with transaction() as session:
        session.execute(delete(Transition).where(Transition.sequence == 1))
    found = list(invariants.violations(stretch=stretch))
    assert {finding.onboarding_id for finding in found} == ids
    assert len(found) == len(ids)


def test_the_first_are_named_and_all_are_counted(database: Engine) -> None:
    for _ in range(5):
        builders.an_onboarding("started")
    with transaction() as session:
        session.execute(update(Onboarding).values(wakes_at=None))
    walked: list[int] = []
    outcomes = invariants.check(named_at_most=3, stretch=2, advance=walked.append)
    (broken,) = [outcome for outcome in outcomes if outcome.count]
    assert (broken.rule.name, broken.count, len(broken.named)) == ("people_have_deadlines", 5, 3)
    assert len(outcomes) == len(RULES)
    assert sum(walked) >= invariants.rows_to_walk() == 10


def test_a_deep_look_takes_its_time(postgresql: Engine) -> None:
    """Other statements give up after some seconds; a stretch of a large table may take more."""
    sent = count_statements(postgresql)
    invariants.rows_to_walk()
    invariants.check()
    walks = len({str(rule.over) for rule in RULES})
    assert sent.count("SET LOCAL statement_timeout = 0") == walks + 1


def test_the_checker_writes_nothing(database: Engine) -> None:
    builders.an_onboarding("confirmed")
    sent = count_statements(database)
    invariants.check()
    assert {statement.split()[0] for statement in sent} <= {"BEGIN", "SELECT", "SET"}
    assert not any("IMMEDIATE" in statement for statement in sent)
