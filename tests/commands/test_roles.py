"""What a terminal does for each role: every verb, as the commands list them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from sqlalchemy import Engine

from onboarding import cli
from onboarding.commands import exits, roles
from onboarding.operators import MAY, least_role
from onboarding.setting_values import ROLES
from tests import builders
from tests.commands.conftest import Run
from tests.commands.incidents import reference
from tests.dumping import dump

# They go on until somebody ends them, or for long: here they are only refused.
LONG: Final = {"demo", "relay", "serve", "walk", "web", "worker"}
WHY: Final = "--reason INC-442"
# What a verb cannot do without.
ARGUMENTS: Final = {
    "act": f"ONB-X note {WHY}",
    "aggregators set": "NAME",
    "archive": "--older-than 90 --to files",
    "bulk abort": f"1 {WHY}",
    "bulk agree": f"1 {WHY}",
    "bulk decline": f"1 {WHY}",
    "bulk pause": f"1 {WHY}",
    "bulk resume": f"1 {WHY}",
    "bulk show": "1",
    "bulk start": f"note --view failing=yes {WHY}",
    "causes mark": f"send_email busy --status open {WHY}",
    "causes note": "send_email busy INC-442",
    "causes show": "send_email busy",
    "erase": f"--contact ana@shop.example --yes {WHY}",
    "explain-error": "invalid_client",
    "fire": f"ONB-X cancel {WHY}",
    "history": "ONB-X",
    "inbound dismiss": f"X {WHY}",
    "inbound retry": WHY,
    "inbound show": "X",
    "keyring rotate": "seal",
    "keys create": "NAME --scope onboardings:read",
    "keys revoke": "X",
    "keys rotate": "X",
    "note": "ONB-X INC-442",
    "operators remove": f"NAME --yes {WHY}",
    "retry": f"ONB-X {WHY}",
    "route": "Seller",
    "scan": ".",
    "connection invite": f"ONB-X {WHY}",
    "connection sellers": "ONB-X",
    "connection rename": f"ONB-X Mine {WHY}",
    "connection revoke": f"ONB-X {WHY}",
    "connection unlink": f"ONB-X {WHY}",
    "secret end": f"ONB-X --version 1 {WHY}",
    "secret replace": f"ONB-X {WHY}",
    "show": "ONB-X",
    "source add": "registry",
    "source rm": "registry",
    "source rotate": "registry",
    "walk": "--type plugin",
    "webhook add": "https://hooks.example/ --system NAME",
    "webhook deliveries": "X",
    "webhook enable": f"X {WHY}",
    "webhook redeliver": f"X {WHY}",
    "webhook rm": "X",
}


def verbs() -> set[str]:
    """Every verb there is, as the commands list them."""
    return set(_below(typer.main.get_command(cli.app)))


def _below(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield " ".join(path)
        return
    for name, each in command.commands.items():
        yield from _below(each, (*path, name))


def typed(verb: str) -> list[str]:
    """The verb with something for whatever it cannot do without."""
    return [*verb.split(), *ARGUMENTS.get(verb, "").split()]


def test_every_verb_says_what_it_needs() -> None:
    assert verbs() == roles.NEEDS.keys() | roles.FREE


@pytest.mark.parametrize("verb", sorted(roles.NEEDS))
def test_a_verb_is_refused_to_the_roles_that_lack_it(verb: str, run: Run, sqlite: Engine) -> None:
    permission = roles.NEEDS[verb]
    before = dump(sqlite)
    for role in [each for each in ROLES if permission not in MAY[each]]:
        done = run(*typed(verb), TERMINAL_ROLE=role)
        assert done.code == exits.REFUSED, done.err
        assert f"this needs the role {least_role(permission)}" in done.err
        assert done.out == ""
    assert dump(sqlite) == before


@pytest.mark.parametrize("verb", sorted(roles.NEEDS.keys() - LONG))
def test_a_verb_is_there_for_the_roles_that_have_it(
    verb: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if verb.startswith("keyring "):
        # The keyring of all tests is left alone.
        monkeypatch.setenv("ONBOARDING_KEYS_DIR", str(tmp_path / "keys"))
    for role in ["", *(each for each in ROLES if roles.NEEDS[verb] in MAY[each])]:
        done = run(*typed(verb), TERMINAL_ROLE=role)
        assert "this needs the role" not in done.err
        assert "Missing" not in done.err
        assert "No such option" not in done.err


@pytest.mark.parametrize("verb", sorted(roles.FREE - {"test-credentials", "webhook listen"}))
def test_what_opens_no_database_needs_no_role(verb: str, run: Run) -> None:
    assert "this needs the role" not in run(*typed(verb), TERMINAL_ROLE="viewer").err


def test_the_trail_has_the_role_that_the_terminal_has(run: Run) -> None:
    for role in ("operator", ""):
        run("note", reference(builders.an_onboarding("started")), "INC-442", TERMINAL_ROLE=role)
    assert [row["role"] for row in run("audit", "ls", "--json").lines] == [None, "operator"]


def test_an_action_that_needs_more_is_refused_by_its_own_rule(run: Run) -> None:
    one = reference(builders.an_onboarding("awaiting_seller"))
    refused = run("fire", one, "cancel", "--reason", "INC-442", TERMINAL_ROLE="operator")
    assert "this needs the role lead" in refused.err
