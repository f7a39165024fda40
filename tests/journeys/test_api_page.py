"""docs/api.md as its reader follows it: every block is run, and prints what stands behind it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onboarding.chart import CONNECTION_TYPES
from tests.served import ROOT, Served, environment, onboarding

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    running = Served(tmp_path_factory.mktemp("served"))
    yield running
    running.process.kill()
    running.process.wait()
    assert running.process.stdout is not None
    running.process.stdout.close()


def test_every_type_is_walked_by_curl_alone(served: Served, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    script = "".join(SHELL).replace("http://127.0.0.1:8000", served.url)
    script = script.replace(
        ".venv/bin/onboarding", str(Path(sys.executable).with_name("onboarding"))
    )
    before = {*served.folder.iterdir()}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=served.folder,
        env=environment() | {"TMPDIR": str(kept)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == re.findall(r"^fire .* # (\w+)$", "".join(SHELL), re.MULTILINE)
    for connection_type in CONNECTION_TYPES:
        assert f'"connection_type": "{connection_type}"' in script
    (made,) = kept.iterdir()
    assert (made / "chart.mmd").read_text().startswith("stateDiagram-v2")
    assert '"plugin"' in (made / "found.json").read_text()
    # Nobody finds a secret later where the program lives.
    assert {*served.folder.iterdir()} == before


def test_the_python_example_runs_as_it_stands(served: Served) -> None:
    scopes = ("onboardings:read", "onboardings:write", "contacts:vouch", "secrets:reveal")
    options = [word for scope in scopes for word in ("--scope", scope)]
    key = onboarding(served.folder, "keys", "create", "python", *options).stdout.strip()
    (example,) = PYTHON
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        | {"API_URL": served.url, "ONBOARDING_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "credentials_issued []\n"), done.stderr
    assert example.count("\n") < 20
