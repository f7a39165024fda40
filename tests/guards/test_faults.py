"""The table of faults has every fault once, and every test that it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (F\d\d) \|(.*)\|$", (ROOT / "docs" / "faults.md").read_text(), re.MULTILINE)


def test_every_fault_has_one_row() -> None:
    assert sorted(number for number, _ in ROWS) == [f"F{number:02}" for number in range(1, 51)]


@pytest.mark.parametrize(("number", "row"), ROWS, ids=[number for number, _ in ROWS])
def test_every_test_that_a_row_names_is_there(number: str, row: str) -> None:
    assert row.count("|") == 2
    for path in re.findall(r"`(tests/[^`]+)`", row):
        assert (ROOT / path).is_file(), path


def test_every_test_that_a_promise_names_is_there() -> None:
    named = re.findall(r"`(tests/[^`]+\.py)`", (ROOT / "docs" / "durability.md").read_text())
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_file_of_fault_tests_is_in_the_table() -> None:
    named = {path for _, row in ROWS for path in re.findall(r"`tests/faults/([^`]+)`", row)}
    assert {path.name for path in (ROOT / "tests" / "faults").glob("test_*.py")} == named
