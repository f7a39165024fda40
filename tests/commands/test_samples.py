"""`demo` fills a sandbox, says what is in it, and refuses where sellers are real."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine

from onboarding import population
from onboarding.chart import STATES
from onboarding.commands import exits
from tests.commands.conftest import Run
from tests.served import COMMAND, SECONDS, environment, onboarding


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a new database is, as `onboarding migrate` has left it."""
    assert onboarding(tmp_path, "migrate").returncode == 0
    return tmp_path


def test_it_prints_what_is_there_now(folder: Path) -> None:
    added = onboarding(folder, "demo", "--population", "60", "--json")
    assert added.returncode == exits.DONE, added.stderr
    (line,) = map(json.loads, added.stdout.splitlines())
    assert added.stderr == ""
    assert set(line["states"]) == set(STATES)
    assert sum(line["states"].values()) == 60
    assert line["incidents"]["mail_login_refused"] == 12
    deep = onboarding(folder, "doctor", "--deep", "--json")
    findings = {
        each["name"] for each in map(json.loads, deep.stdout.splitlines()) if not each["ok"]
    }
    assert findings <= {"incidents", "overdue", "messages"}
    listed = onboarding(folder, "ls", "--overdue", "--limit", "60", "--json")
    assert len(listed.stdout.splitlines()) >= 10


def test_people_get_tables(run_on_both: Run) -> None:
    added = run_on_both("demo", "--population", 20)
    assert added.code == exits.DONE
    assert "mail_login_refused" in added.out
    assert "onboarding ls --overdue" in added.err


@pytest.mark.parametrize("live", ["true", "false"])
def test_it_refuses_where_sellers_are_real(run: Run, sqlite: Engine, live: str) -> None:
    refused = run("demo", OIDC_ISSUER="https://portal.example", LIVE=live)
    assert (refused.code, refused.out) == (exits.USAGE, "")
    assert "Sellers are real here" in refused.err
    assert population.nobody_is_there()


def test_a_terminal_gets_a_bar_and_ctrl_c_leaves_what_is_whole(folder: Path) -> None:
    reader, writer = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "demo", "--population", "100000"],
        cwd=folder,
        env=environment(TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=writer,
    )
    os.close(writer)
    said = b""
    # The bar counts what is durable: once it has begun, there is something to keep.
    while b"500/100000" not in said:
        said += os.read(reader, 4096)
    process.send_signal(signal.SIGINT)
    while chunk := _read(reader):
        said += chunk
    out, _ = process.communicate(timeout=SECONDS)
    os.close(reader)
    assert (process.returncode, out) == (exits.INTERRUPTED, b"")
    assert b"of 100000 were added; each of them is whole." in said
    deep = onboarding(folder, "doctor", "--deep", "--json")
    rules = [each for each in map(json.loads, deep.stdout.splitlines()) if each["name"][0] == "I"]
    assert [each["name"] for each in rules if not each["ok"]] == []


def _read(reader: int) -> bytes:
    """What is left; Linux ends a terminal that nobody writes to with an error."""
    try:
        return os.read(reader, 4096)
    except OSError:
        return b""
