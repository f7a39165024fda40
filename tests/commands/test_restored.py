"""`restored`: nothing that a backup brings back is shown a second time."""

import os
import pty
import sys

import pytest

from onboarding import queries
from onboarding.commands import exits
from onboarding.db import reading
from tests.acting import trail
from tests.builders import an_onboarding, state_of
from tests.commands.conftest import Run
from tests.commands.incidents import reference


def test_restored_destroys_everything_that_waits_to_be_shown(run_on_both: Run) -> None:
    waiting = an_onboarding("secret_ready")
    shown = an_onboarding("secret_revealed")
    told = run_on_both("restored", "--json")
    assert told.code == exits.DONE
    assert told.lines[0]["destroyed"] == [reference(waiting)]
    with reading() as session:
        last = queries.history(session, waiting)[-1]
    assert (last.target, last.details) == ("secret_lapsed", {"cause": "other_history"})
    assert state_of(shown) == "secret_revealed"


def test_somebody_at_a_terminal_is_asked_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = an_onboarding("secret_ready")
    typing, end = pty.openpty()
    with os.fdopen(end) as keyboard, os.fdopen(typing, "w") as types:
        monkeypatch.setattr(sys, "stdin", keyboard)
        print("n", file=types, flush=True)
        refused = run("restored")
        assert (refused.code, state_of(waiting)) == (exits.REFUSED, "secret_ready")
        assert "Destroy 1 client secrets that wait to be shown? [y/N]" in refused.err
        print("y", file=types, flush=True)
        assert run("restored").code == exits.DONE
    assert state_of(waiting) == "secret_lapsed"


def test_restored_says_how_far_this_database_knows(run: Run) -> None:
    an_onboarding("type_chosen")
    told = run("restored")
    assert told.out == ""
    assert "Destroyed 0 client secrets" in told.err
    assert "This database knows nothing after 20" in told.err


def test_the_trail_says_who_put_it_back_and_where_it_had_ended(run_on_both: Run) -> None:
    an_onboarding("secret_ready")
    with reading() as session:
        last = queries.latest_transition_at(session)
    assert run_on_both("restored", "--reason", "INC-442: the disk").code == exits.DONE
    (entry,) = trail()
    assert (entry.action, entry.actor[:4], entry.reason) == (
        *("restored", "cli:"),
        "INC-442: the disk",
    )
    assert last is not None
    assert entry.details == {"latest_transition_at": last.isoformat(), "waiting_secrets": 1}


def test_a_reason_that_is_none_puts_nothing_back(run_on_both: Run) -> None:
    waiting = an_onboarding("secret_ready")
    assert run_on_both("restored", "--reason", "x").code == exits.USAGE
    assert state_of(waiting) == "secret_ready"
