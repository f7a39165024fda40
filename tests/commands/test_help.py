"""What every command says of itself is agreed upon, and fits a terminal."""

from pathlib import Path
from typing import get_args

import pytest

from onboarding import cli, cli_options, cli_registry
from onboarding.access import SCOPES
from onboarding.chart import CONNECTION_TYPES, CREDENTIAL_MODES
from onboarding.commands import exits
from onboarding.models import MASKED
from onboarding.registry import STATUSES
from tests.commands.conftest import Outcome, Run
from tests.commands.naming import command_names

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("name", ["", *command_names(cli.app)])
def test_help_is_as_agreed(run_anywhere: Run, name: str) -> None:
    shown = run_anywhere(*name.split(), "--help")
    golden = GOLDEN / f"{name.replace(' ', '-') or 'onboarding'}.txt"
    advice = f"If you mean it: COLUMNS=80 NO_COLOR=1 onboarding {name} --help > {golden}"
    assert shown.out == golden.read_text(encoding="utf-8"), advice
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 80


def test_help_names_every_exit_code(run_anywhere: Run) -> None:
    words = " ".join(run_anywhere("--help").out.split())
    assert all(f"{code} {meaning}" in words for code, meaning in exits.MEANINGS.items())


def test_help_names_every_scope_of_a_key(run_anywhere: Run) -> None:
    words = run_anywhere("keys", "create", "--help").out
    assert [scope for scope in SCOPES if scope not in words] == []


def test_choices_are_those_of_the_product() -> None:
    assert get_args(cli.ConnectionType) == CONNECTION_TYPES
    assert get_args(cli_registry.Status) == STATUSES
    assert set(get_args(cli_registry.AsksFor)) == set(CREDENTIAL_MODES)
    unmask, _none = get_args(get_args(cli_options.Unmask)[0])
    assert get_args(unmask) == MASKED


def test_the_version_is_data(run_anywhere: Run) -> None:
    assert run_anywhere("--version") == Outcome(0, "onboarding 0.1.0\n", "")


def test_a_typo_gets_a_suggestion(run_anywhere: Run) -> None:
    typo = run_anywhere("incident")
    assert typo.code == exits.USAGE
    assert "Did you mean 'incidents'?" in typo.err
