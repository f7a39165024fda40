"""What to do is written down for every cause, in commands that exist, and is there when all else is away."""

import re
import shlex
from typing import Any

import pytest
from typer.main import get_command

from onboarding import causes, cli
from onboarding.causes import CAUSES
from onboarding.sealing import Keyring
from onboarding.web.runbooks import FOLDER, PATH
from tests.web.calling import System, served
from tests.web.visiting import heading, soup
from workers import cli as _root  # noqa: F401 - adds its commands

RUNBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
PARTS = ["How to see it", "What to do", "When it is over"]


@pytest.fixture
def server(ring: Keyring) -> System:
    """Without a database: none has to be there."""
    return System(served(ring))


def test_every_cause_has_one() -> None:
    assert {causes.runbook(code) for code in (*CAUSES, causes.OTHER)} <= RUNBOOKS.keys()


@pytest.mark.parametrize("name", sorted(RUNBOOKS))
def test_a_runbook_says_what_it_means_how_to_see_it_what_to_do_and_when_it_is_over(
    name: str,
) -> None:
    assert re.match(r"# \w+: \S.*\n\n\S.*\.\n", RUNBOOKS[name])
    assert re.findall(r"^## (.+)$", RUNBOOKS[name], re.MULTILINE) == PARTS


@pytest.mark.parametrize("code", CAUSES)
def test_the_runbook_of_a_cause_starts_with_its_code(code: str) -> None:
    assert RUNBOOKS[causes.runbook(code)].startswith(f"# {code}: ")


@pytest.mark.parametrize("name", sorted(RUNBOOKS))
def test_every_command_of_a_runbook_exists_with_its_options(name: str) -> None:
    lines = re.findall(r"(?:^ +|`)(onboarding\b[^`\n]*)", RUNBOOKS[name], re.MULTILINE)
    assert lines
    for line in lines:
        _root_name, *words = shlex.split(line)
        understand(get_command(cli.app), words)


def understand(command: Any, words: list[str]) -> None:
    """Follow a line into a group, then have the command itself parse the rest; nothing runs."""
    deeper = getattr(command, "commands", {})
    if deeper and words and not words[0].startswith("-"):
        assert words[0] in deeper, f"there is no {words[0]}"
        understand(deeper[words[0]], words[1:])
    elif not deeper:
        command.make_context(command.name, words)
    else:
        assert set(words) <= {name for option in command.params for name in option.opts}


@pytest.mark.parametrize("name", sorted(RUNBOOKS))
def test_links_lead_to_other_runbooks(name: str) -> None:
    assert set(re.findall(r"\]\(([^)]+)\)", RUNBOOKS[name])) <= RUNBOOKS.keys()


@pytest.mark.parametrize("name", sorted(RUNBOOKS))
def test_every_runbook_is_a_page(server: System, name: str) -> None:
    page = server.get(f"{PATH}/{name}")
    assert page.status_code == 200
    assert heading(page) == RUNBOOKS[name].splitlines()[0].removeprefix("# ")
    assert [part.text for part in soup(page).select("main h2")] == PARTS
    assert "onboarding " in " ".join(code.text for code in soup(page).select("main pre"))
    ours = {
        str(tag[name]) for name in ("src", "href") for tag in soup(page).select(f"head [{name}]")
    }
    assert all(address.startswith("/static/") for address in ours), "nothing comes from elsewhere"


def test_all_are_listed(server: System) -> None:
    page = server.get(PATH)
    listed = [str(link["href"]) for link in soup(page).select("main li a")]
    assert listed == [f"{PATH}/{name}" for name in sorted(RUNBOOKS)]


@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fcli.py", "busy.md", "Busy", "%00"])
def test_what_is_no_runbook_is_not_found(server: System, name: str) -> None:
    assert server.get(f"{PATH}/{name}", accept="text/html").status_code == 404
