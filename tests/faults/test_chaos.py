"""Hundreds of kills in a few seconds. The same with thousands: CONTRIBUTING.md says how."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# As many kills as take some ten seconds on a machine that has nothing else to do.
KILLS = {"postgresql": 320, "sqlite": 100}


@pytest.mark.parametrize("its_own", KILLS)
def test_all_is_well_once_the_kills_are_over(its_own: str) -> None:
    """On a database of its own, which the run looks at itself; `checked` has none to ask."""
    options = ["--database", its_own, "--kills", str(KILLS[its_own])]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.chaos", *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert ran.stdout, ran.stderr
    figures = json.loads(ran.stdout)
    print(ran.stdout)  # noqa: T201 - the figures, for whoever runs pytest -s
    assert figures["violations"] == []
    assert figures["kills"] >= KILLS[its_own]
