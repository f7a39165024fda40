"""What is killed is replaced at once; what ends by itself is not, and what is asked to end does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_relay import until

# Says its number and who it is, then does what it is told.
PROGRAM = """
import os, signal, sys, time
from onboarding import logs
from onboarding.settings import settings
from workers.supervision import supervise

def run(deaths):
    print(deaths, os.getpid(), flush=True)
    {does}

# Whoever runs the tests in the background has it ignored, and so do children.
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
logs.configure(settings())
sys.exit(supervise(run))
"""
WAITS = "time.sleep(60); return 0"


class Supervised:
    """A running program of which one process serves and another watches."""

    def __init__(self, does: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(does=does)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[1],
        )

    def born(self) -> tuple[int, int]:
        """How many have died before the next child, and its process ID."""
        assert self.process.stdout is not None
        deaths, child = self.process.stdout.readline().split()
        return int(deaths), int(child)

    def ends(self) -> int:
        return self.process.wait(30)


@pytest.fixture
def waiting() -> Iterator[Supervised]:
    running = Supervised(WAITS)
    yield running
    running.process.kill()
    running.process.communicate()


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    # A zombie is gone too: whoever is to collect it may be slow.
    return Path(f"/proc/{process}/stat").read_text().split()[2] == "Z"


def test_whoever_is_killed_is_replaced_again_and_again(waiting: Supervised) -> None:
    for deaths in range(3):
        number, child = waiting.born()
        assert number == deaths
        os.kill(child, signal.SIGKILL)
    assert waiting.born()[0] == 3


@pytest.mark.parametrize("code", [0, 3])
def test_whoever_ends_by_itself_is_not(code: int) -> None:
    with Supervised(f"return {code}").process as process:
        assert process.stdout is not None
        assert len(process.stdout.readlines()) == 1
        assert process.wait(30) == code


def test_an_error_ends_it_with_its_trace() -> None:
    program = PROGRAM.format(does="raise ZeroDivisionError")
    ran = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert (ran.returncode, ran.stderr.count("Traceback"), len(ran.stdout.split())) == (1, 1, 2)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_whoever_asks_the_supervisor_ends_both(waiting: Supervised, asked: signal.Signals) -> None:
    child = waiting.born()[1]
    waiting.process.send_signal(asked)
    assert waiting.ends() > 128
    until(lambda: gone(child))


@pytest.mark.parametrize("round_", range(3))
def test_a_signal_that_comes_before_anybody_waits_for_it_is_not_lost(round_: int) -> None:
    """The child's first deed is to ask for the end: its supervisor is still between fork and wait."""
    running = Supervised(f"os.kill(os.getppid(), 15); {WAITS}")
    assert running.ends() == 128 + signal.SIGTERM
    running.process.communicate()


def test_a_child_ends_in_order_and_so_does_its_supervisor() -> None:
    in_order = "import signal; signal.signal(15, lambda *_: sys.exit(0)); print(0, 0, flush=True)"
    running = Supervised(f"{in_order}; {WAITS}")
    running.born(), running.born()
    running.process.terminate()
    assert running.ends() == 0
    running.process.communicate()


def test_nobody_outlives_a_supervisor_that_is_killed(waiting: Supervised) -> None:
    child = waiting.born()[1]
    waiting.process.kill()
    until(lambda: gone(child))


def test_whoever_dies_at_birth_is_not_replaced_for_ever_without_a_pause() -> None:
    running = Supervised("os.kill(os.getpid(), 9)")
    numbers = [running.born()[0] for _ in range(3)]
    running.process.terminate()
    running.process.communicate()
    assert numbers == [0, 1, 2]
    assert running.process.returncode in {128 + signal.SIGKILL, 128 + signal.SIGTERM}
