"""Commands with --url: the same questions, asked of a running system through its API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding.commands import exits
from onboarding.sealing import Keyring
from tests import builders
from tests.commands.conftest import Outcome, Run
from tests.serving import serving
from tests.web.calling import System, a_system, served


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    return a_system(served(ring))


@pytest.fixture
def ask(system: System, run_anywhere: Run) -> Iterator[Run]:
    """A command that asks that system, with its key in the environment."""
    with serving(system.app) as url:

        def run(*arguments: object, **settings: str) -> Outcome:
            key = {"API_KEY": system.key or ""} | settings
            return run_anywhere(*arguments, "--url", url, **key)

        yield run


def test_an_onboarding_is_found_shown_moved_and_told(ask: Run, system: System) -> None:
    started = system.start(contact={"email": "dev@shop.example"})
    reference = started["reference"]
    assert [each["id"] for each in ask("ls", "--json").lines] == [started["id"]]
    assert ask("ls", "--state", "cancelled").err.startswith("This key has started none")
    told = ask("show", reference)
    assert "choose_type (seller)" in told.out
    moved = ask("fire", reference, "choose_type", "--data", '{"connection_type": "plugin"}')
    assert moved.out == f"{reference}: started → type_chosen\n"
    fired = ask("fire", started["id"], "issue_id", "--json", "--wait", "0")
    assert fired.lines[0]["state"] == "issuing_secret"
    events = [each["event"] for each in ask("history", reference.lower(), "--json").lines]
    assert events == ["start", "choose_type", "issue_id"]
    assert "issue_id" in ask("history", reference).out
    assert ask("show", reference, "--json").lines[0]["sequence"] == 3


def test_a_list_that_goes_on_says_so(ask: Run, system: System) -> None:
    for number in range(3):
        system.start(contact={"email": f"dev{number}@shop.example"})
    shown = ask("ls", "--json", "--limit", "2")
    assert len(shown.lines) == 2
    assert "There are more than these 2. Go on with --limit 20." in shown.err
    assert ask("ls", "--limit", "3").err == ""


def test_a_key_comes_from_a_file_too(ask: Run, system: System, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{system.key}\n")
    assert ask("ls", "--key-file", tmp_path / "key", API_KEY="").code == exits.DONE
    none = ask("ls", API_KEY="")
    assert none.code == exits.USAGE
    assert "ONBOARDING_API_KEY" in none.err


@pytest.mark.parametrize("held", [None, b"\xff\xfe"])
def test_a_key_file_that_cannot_be_read_is_said_to_be_that(
    ask: Run, tmp_path: Path, held: bytes | None
) -> None:
    file = tmp_path / "nokey"
    if held:
        file.write_bytes(held)
    failed = ask("ls", "--key-file", file)
    assert failed.code == exits.USAGE
    assert f"{file} cannot be read:" in failed.err
    assert "--key-file names a file" in failed.err


@pytest.mark.parametrize("command", [["walk", "--type", "plugin"], ["show", "ONB-1"], ["ls"]])
@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://shop.example", "http://[", ""])
def test_what_is_no_address_is_wrong_usage(run_anywhere: Run, command: list[str], url: str) -> None:
    failed = run_anywhere(*command, "--url", url, API_KEY="onbk_x")
    assert failed.code == exits.USAGE
    assert "--url" in failed.err
    assert repr(url) in failed.err


def test_nobody_passes_a_key_as_an_option(run_anywhere: Run) -> None:
    for command in ("ls", "show", "fire", "history", "walk"):
        assert "--key " not in run_anywhere(command, "--help").out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["show", "ONB-00000-00000"], exits.NOT_FOUND, "no such onboarding"),
        (["show", "00000000-0000-7000-8000-000000000000"], exits.NOT_FOUND, "not_found"),
        (["fire", "ID", "fly"], exits.USAGE, "event_unknown"),
        (["fire", "ID", "fly"], exits.USAGE, "`onboarding show ONB-…` lists"),
        (["fire", "ID", "confirm"], exits.REFUSED, "event_not_allowed"),
        (["fire", "ID", "expire"], exits.REFUSED, "event_not_yours"),
        (["fire", "ID", "choose_type", "--data", "plugin"], exits.USAGE, "JSON object"),
        (["ls", "--state", "lost"], exits.USAGE, "invalid"),
    ],
)
def test_a_refusal_has_its_exit_code(
    ask: Run, system: System, arguments: list[str], code: int, says: str
) -> None:
    started = system.start()
    ended = ask(*[started["id"] if each == "ID" else each for each in arguments])
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err


def test_a_system_that_does_not_answer_is_unavailable(run_anywhere: Run, ring: Keyring) -> None:
    ended = run_anywhere("show", UUID(int=1), "--url", "http://127.0.0.1:9", API_KEY="onbk_x")
    assert ended.code == exits.UNAVAILABLE
    assert "http://127.0.0.1:9 does not answer" in ended.err


def test_here_an_operator_says_why(run_anywhere: Run) -> None:
    for wrong in ([], ["--reason", "INC-442", "--wait", "3"]):
        assert run_anywhere("fire", "ONB-1", "cancel", *wrong).code == exits.USAGE


def test_history_is_told_here_as_there(sqlite: Engine, ask: Run, run_anywhere: Run) -> None:
    walked = builders.an_onboarding("type_chosen")
    url = sqlite.url.render_as_string(hide_password=False)
    here: Any = run_anywhere("history", walked, "--json", DATABASE_URL=url)
    assert [each["event"] for each in here.lines] == ["start", "choose_type"]


def test_a_key_is_not_shown_among_the_settings(run_anywhere: Run) -> None:
    assert "onbk_very" not in run_anywhere("settings", API_KEY="onbk_very_secret").out
