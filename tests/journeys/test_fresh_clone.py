"""What a new user does: a fresh copy in an empty folder, and only what the README says."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.servers import process
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[2]
JOURNEYS = {
    "aggregator": "confirmed",
    "plugin": "confirmed",
    "own_development": "confirmed",
    "legacy_soap": "redirected_to_soap",
    "credentials_only": "credentials_issued",
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git knows or would add, and nothing that was installed or made here."""
    folder = tmp_path_factory.mktemp("clone")
    listed = _run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def test_make_run_walks_five_journeys_answers_and_stops_cleanly(clone: Path) -> None:
    begun = time.monotonic()
    with _make_run(clone) as (url, made, output):
        assert httpx.get(f"{url}/", timeout=5).status_code == httpx.codes.OK
        told = output.read_text()
        print(f"make run: {time.monotonic() - begun:.1f} s to the addresses")  # noqa: T201
        for block in _shell_blocks("From a terminal", "From a program"):
            here = block.replace("127.0.0.1:8000", url.removeprefix("http://"))
            _run(["bash", "-euo", "pipefail", "-c", here], clone, ONBOARDING_PORT=url[-5:])
    assert _ends(told) == JOURNEYS
    # make passes on that it was interrupted; had the program failed, it would say "Error".
    assert made.returncode in {0, -signal.SIGINT}
    assert not re.search("Traceback|Error", output.read_text())


def test_make_run_again_needs_no_set_up(clone: Path) -> None:
    _run(["make", ".venv/run"], clone)
    begun = time.monotonic()
    with _make_run(clone) as (_, _, output):
        print(f"make run again: {time.monotonic() - begun:.1f} s")  # noqa: T201
        assert _ends(output.read_text()) == JOURNEYS
        assert "Installing" not in output.read_text()


def test_every_command_of_the_readme_is_run_by_a_test() -> None:
    run_here = _shell_blocks("From a terminal", "From a program")
    others = [block for block in _shell_blocks() if block not in run_here]
    assert others == ["make run\n", "make test\n"]
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_the_readme_shows_the_chart_as_it_is(clone: Path) -> None:
    drawn = _run([ROOT / ".venv" / "bin" / "onboarding", "chart", "--format", "mermaid"], clone)
    assert f"<!-- chart -->\n```mermaid\n{drawn.strip()}\n```\n<!-- /chart -->" in _readme()


@contextmanager
def _make_run(clone: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """Runs until the addresses are printed, then ends as Ctrl-C would."""
    port = free_port()
    output = clone / "make-run.txt"
    with output.open("wb") as written:
        made = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=_environment(ONBOARDING_PORT=str(port)),
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        ready = process.answers(
            made, lambda: "Ctrl-C stops" in output.read_text(), time.monotonic() + 120
        )
        assert ready, output.read_text()
        yield f"http://127.0.0.1:{port}", made, output
    finally:
        if made.poll() is None:
            os.killpg(made.pid, signal.SIGINT)
        made.wait(20)


def _ends(told: str) -> dict[str, str]:
    """The last state of each journey in the printed timelines."""
    ends: dict[str, str] = {}
    journey = ""
    for line in told.splitlines():
        if line in JOURNEYS:
            journey = line
        elif found := re.fullmatch(r" +\d+ ms +\w+ +(\w+)", line):
            ends[journey] = found[1]
    return ends


def _shell_blocks(*sections: str) -> list[str]:
    """The commands of the README, of these sections or of all."""
    parts = re.split(r"^## ", _readme(), flags=re.MULTILINE)
    wanted = [part for part in parts if not sections or part.startswith(sections)]
    return [block for part in wanted for block in re.findall(r"```sh\n(.*?)```", part, re.DOTALL)]


def _readme() -> str:
    return (ROOT / "README.md").read_text()


def _run(command: Sequence[str | Path], folder: Path, **settings: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _environment(**settings: str) -> dict[str, str]:
    """Without the settings of this run's tests, and without its virtual environment."""
    dropped = ("ONBOARDING_", "VIRTUAL_ENV", "PYTHON", "MAKE", "MFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | settings
