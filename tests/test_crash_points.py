"""Crash points: each stands in the code where its description says, and kills only when told to."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import onboarding
from onboarding import crash_points
from onboarding.crash_points import POINTS

ROOT = Path(onboarding.__file__).parents[1]


def dies(described: str, *reached: str) -> list[str]:
    """The points that a process gets past on its way, and where it dies."""
    program = (
        "import sys; from onboarding import crash_points as c; c.arm(sys.argv[1])\n"
        "for name in sys.argv[2:]: c.reach(name); print(name, flush=True)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, described, *reached],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ended.returncode == (-9 if ended.stderr else 0)
    return [*ended.stdout.split(), *ended.stderr.splitlines()]


def test_every_point_of_the_code_is_described_and_every_description_has_a_point() -> None:
    reached = [
        name
        for folder in ("onboarding", "workers")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'crash_points\.reach(?:\(|, )"([a-z._]+)"\)', path.read_text())
    ]
    assert sorted(reached) == sorted(POINTS)


def test_a_process_dies_where_it_is_told_to() -> None:
    assert dies("publish.sent", "publish.begun", "publish.sent", "task.done") == [
        "publish.begun",
        "crash point publish.sent",
    ]


def test_a_process_dies_at_the_time_that_is_asked_for() -> None:
    assert dies("task.done:3", *["task.done"] * 4) == ["task.done"] * 2 + ["crash point task.done"]


def test_a_process_dies_now_and_then() -> None:
    assert dies("task.done=1", "task.done") == ["crash point task.done"]
    assert dies("task.done=0.5", *["task.done"] * 200)[-1] == "crash point task.done"
    assert dies("task.done=.000001", "task.done") == ["task.done"]


def test_several_points_can_be_armed() -> None:
    assert dies("task.done publish.sent:2", "publish.sent", "publish.sent") == [
        "publish.sent",
        "crash point publish.sent",
    ]


def test_every_point_can_be_armed() -> None:
    described = " ".join(f"{name}=0.5 {name}:2 {name}" for name in POINTS)
    assert crash_points.check(described) == described


def test_nobody_dies_unless_told_to() -> None:
    assert dies("", *POINTS) == [*POINTS]


@pytest.mark.parametrize("wrong", ["nowhere", "task.done:", "task.done=2", "task.done:-1", "x=0.5"])
def test_what_is_no_point_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="names of crash points"):
        crash_points.check(wrong)
