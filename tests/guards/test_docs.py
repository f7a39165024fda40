"""The hand-written pages speak of what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What every package has, and what only starts the program.
OBVIOUS = {"__init__.py", "__main__.py", "__pycache__"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    linked = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in linked if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("package", ["onboarding", "workers"])
def test_the_architecture_page_names_every_file(package: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = {name.strip("/") for name in re.findall(r"`([\w*]+(?:\.py|/))`", page)}
    there = {path.name for path in (ROOT / package).iterdir()} - OBVIOUS
    stems = {name.removesuffix("*.py") for name in named if "*" in name}
    missing = {name for name in there - named if not name.startswith(tuple(stems))}
    assert missing == set()


def test_the_architecture_page_names_no_file_that_is_gone() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"^\s+\d?\s+((?:web|workers)?/?\w+\.py)\b", page, re.MULTILINE)
    assert named
    assert [n for n in named if not any((ROOT / p / n).exists() for p in ("onboarding", "."))] == []


@pytest.mark.parametrize(
    "record",
    sorted((ROOT / "docs" / "decisions").glob("0*.md")),
    ids=lambda record: str(record.name),
)
def test_a_decision_says_what_enforces_it(record: Path) -> None:
    text = record.read_text()
    assert "**Check.**" in text
    tests = re.findall(r"`(tests/[\w/.]+)`", text)
    assert [test for test in tests if not (ROOT / test).exists()] == []
    assert f"({record.name})" in (record.parent / "README.md").read_text()
