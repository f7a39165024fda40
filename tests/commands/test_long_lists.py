"""Lists that are longer than what is shown of them say so, and how the rest is seen."""

import shlex
from datetime import timedelta

import pytest

from tests import builders
from tests.commands.conftest import Run
from tests.commands.incidents import an_incident, reference

MORE = "There are more than these 2."


def the_rest(said: str) -> list[str]:
    """The option that it says to go on with."""
    return shlex.split(said.partition("Go on with ")[2].splitlines()[0].removesuffix("."))


@pytest.mark.parametrize("which", ["", "--overdue"])
def test_ls_leads_from_page_to_page(run_on_both: Run, which: str) -> None:
    late = [builders.an_onboarding("type_chosen") for _ in range(5)]
    for days, each in enumerate(late, start=8):
        builders.age(each, timedelta(days=days))
    command, seen = ["ls", "--limit", "2", *which.split()], list[str]()
    shown = run_on_both(*command)
    for _ in range(2):
        assert MORE in shown.err
        seen += shown.out.splitlines()[1:]
        shown = run_on_both(*command, *the_rest(shown.err))
    seen += shown.out.splitlines()[1:]
    assert shown.err == ""
    assert [line.split()[0] for line in seen] == [reference(each) for each in reversed(late)]


def test_as_json_it_is_said_beside_the_data(run: Run) -> None:
    for _ in range(3):
        builders.an_onboarding("started")
    shown = run("ls", "--json", "--limit", "2")
    assert len(shown.lines) == 2
    assert MORE in shown.err


def test_other_lists_say_by_which_limit_the_rest_is_seen(run: Run) -> None:
    for _ in range(3):
        failed = reference(an_incident("mail_login_refused").onboarding_id)
        run("note", failed, "Asked the vendor")
        run("bulk", "start", "note", "--view", "failing=yes", "--reason", "Looked at", "--yes")
    for command in ("incidents", "audit ls", "bulk ls"):
        shown = run(*command.split(), "--limit", "2", "--json")
        assert len(shown.lines) == 2
        assert MORE in shown.err
        assert the_rest(shown.err) == ["--limit", "20"]
        assert "There are more" not in run(*command.split()).err
