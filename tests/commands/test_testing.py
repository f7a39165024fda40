"""`test-credentials` and `explain-error`: the secret comes from stdin, and the verdict is the exit code."""

import io
import sys

import pytest
from sqlalchemy import Engine

from onboarding.commands import exits
from onboarding.sealing import Keyring
from tests import builders
from tests.commands.conftest import Run
from tests.serving import serving
from tests.web.calling import served
from tests.web.presenting import Caller, a_caller, wrong


@pytest.fixture
def caller(sqlite: Engine, ring: Keyring) -> Caller:
    return a_caller(served(ring))


def say(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What comes from stdin."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_credentials_are_tested(
    run_anywhere: Run, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(caller.app) as url:
        asked = ("test-credentials", "--client-id", caller.client_id, "--url", url)
        say(monkeypatch, caller.secret + "\n")
        good = run_anywhere(*asked, "--seller-id", builders.ACCOUNT.seller_id)
        assert (good.code, good.err) == (exits.DONE, "")
        assert [*map(str.split, good.out.splitlines()[:3])] == [
            ["checksum", "ok"],
            ["token", "ok"],
            ["call", "ok"],
        ]
        assert "These credentials work for this seller account." in good.out
        assert caller.secret not in good.out
        for typed, case in (
            (wrong(caller.secret), "invalid_client"),
            (caller.secret[:-1], "mistyped_secret"),
        ):
            say(monkeypatch, typed)
            bad = run_anywhere(*asked, "--json")
            assert bad.code == exits.FINDINGS
            (told,) = bad.lines
            assert (told["verdict"], told["case"]) == ("invalid_client", case)
            assert typed not in bad.out
    say(monkeypatch, caller.secret)
    assert run_anywhere(*asked).code == exits.UNAVAILABLE


def test_without_a_secret_or_an_address_nothing_is_asked(
    run_anywhere: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, "")
    asked = ("test-credentials", "--client-id", "cid_1", "--url")
    assert run_anywhere(*asked, "http://127.0.0.1:1").code == exits.USAGE
    assert run_anywhere(*asked, "127.0.0.1").code == exits.USAGE


def test_an_error_in_the_command_line_is_told_where_to_go(run_anywhere: Run) -> None:
    failed = run_anywhere("explain-error", "invalid_client")
    assert (failed.code, failed.out) == (exits.USAGE, "")
    assert "onboarding explain-error < error.txt" in failed.err


def test_an_error_is_explained(run_anywhere: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, '{"error": "invalid_client"}')
    told = run_anywhere("explain-error")
    assert told.code == exits.DONE
    assert len(told.out.splitlines()) == 2
    say(monkeypatch, "It does not work.")
    unknown = run_anywhere("explain-error", "--json")
    assert (unknown.code, unknown.lines[0]["case"]) == (exits.FINDINGS, "not_recognised")
