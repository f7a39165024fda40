"""The seeded bugs fit the code of today, so that `make mutants` can show that the suite catches them."""

import pytest

from tests.guards.test_docs import ROOT
from tools.mutants import Mutant, applies, mutants


@pytest.mark.parametrize("one", mutants(), ids=lambda one: one.name)
def test_a_seeded_bug_fits_the_code_and_names_tests_that_exist(one: Mutant) -> None:
    assert applies(one, ROOT, "--check"), "the code has moved on: seed the bug anew"
    assert one.bug.endswith(".")
    files = [word.partition("::")[0] for word in one.tests if word.startswith("tests/")]
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_there_are_as_many_as_were_asked_for() -> None:
    assert len(mutants()) >= 25
