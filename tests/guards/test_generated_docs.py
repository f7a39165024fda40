"""Pages that are made from code are what the code makes today."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

from onboarding import cli, drawing, drawing_picture
from onboarding.commands import exits, manual, variables
from tests.commands.naming import command_names
from workers import cli as _root  # noqa: F401 - adds its commands

ROOT = Path(__file__).parents[2]

PAGES: dict[str, tuple[Callable[[], str], str]] = {
    "docs/chart.md": (drawing.markdown, "chart --format md"),
    "docs/chart.svg": (drawing_picture.svg, "chart --format svg"),
    "docs/settings.md": (variables.markdown, "settings --format md"),
    "docs/onboarding.1": (lambda: manual.page(get_command(cli.app)), "man"),
    ".env.example": (variables.env_example, "settings --format env"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    make, command = PAGES[name]
    advice = f"Make it again: onboarding {command} > {name}"
    assert (ROOT / name).read_text(encoding="utf-8") == make(), advice


def test_the_page_about_commands_names_each_and_every_exit_code() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    missing = [name for name in command_names(cli.app) if f"`onboarding {name}" not in page]
    assert missing == []
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == exits.MEANINGS
