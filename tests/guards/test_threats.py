"""Every threat that this project says it answers has a test, and every number in a test is a threat."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from onboarding import scanning
from onboarding.settings import Settings
from tests.guards.test_docs import ROOT
from tests.threats.register import NOT_OURS, THREATS

NUMBER = re.compile(r"T\d\d")
SOURCES = ("onboarding", "workers", "tests", "tools", "docs", "deploy", "benchmarks")


@cache
def found_by_number() -> dict[str, list[str]]:
    """The tests whose name or docstring says which threat they are about."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, numbers in _numbered(path):
            for number in numbers:
                found.setdefault(number, []).append(f"{path.relative_to(ROOT)}::{name}")
    return found


def _numbered(path: Path) -> Iterator[tuple[str, set[str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            said = f"{node.name.upper().replace('_', ' ')} {ast.get_docstring(node) or ''}"
            yield node.name, {*re.findall(rf"\b{NUMBER.pattern}\b", said)}


def test_the_register_has_each_number_once() -> None:
    assert sorted([*THREATS, *NOT_OURS]) == [f"T{number:02}" for number in range(1, 66)]


@pytest.mark.parametrize("number", THREATS)
def test_a_threat_has_a_test(number: str) -> None:
    assert found_by_number().get(number), f"{number} has no test: {THREATS[number]}"


def test_no_test_names_a_threat_that_is_not_ours() -> None:
    assert [number for number in found_by_number() if number not in THREATS] == []


def test_t52_no_file_of_ours_holds_a_secret_of_ours() -> None:
    wanted = scanning.shapes([str(Settings.model_fields["secret_prefix"].default)])
    files = [path for each in SOURCES for path in (ROOT / each).rglob("*") if path.is_file()]
    assert len(files) > 500
    found = []
    for path in files:
        with path.open("rb") as stream:
            found += [(str(path), each.line) for each in scanning.findings(stream, wanted)]
    assert found == []
