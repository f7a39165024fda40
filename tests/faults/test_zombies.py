"""A worker that was stopped for longer than its turn wakes up and writes nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests import builders
from tests.dumping import dump
from tests.faults.stage import until
from workers import turns

ROOT = Path(__file__).parents[2]
# A worker whose turn is shorter than the product's; whatever its task was about to do, it does late.
PROGRAM = """
import sys
from uuid import UUID
from onboarding import db, outbox, presence
from workers import tasks
db.connect(sys.argv[1])
with db.transaction() as session:
    claim = outbox.claim(session, UUID(sys.argv[2]), lease=1.0, owner=presence.sign())
print("claimed", flush=True)
sys.stdin.readline()
try:
    tasks.TASKS[claim.task](claim)
    print("finished", flush=True)
except outbox.LeaseLost:
    print("late", flush=True)
"""


@pytest.mark.parametrize("state", ["checking_aggregator", "issuing_secret", "verifying"])
def test_a_stopped_worker_that_goes_on_after_its_turn_writes_nothing(
    database: Engine, state: str
) -> None:
    """F14: its sign of life is still there, so only the time of its turn ends it."""
    onboarding_id = builders.an_onboarding(state)
    (message,) = builders.promised(onboarding_id=onboarding_id)
    url = database.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(message.id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as zombie:
        assert zombie.stdout is not None
        assert zombie.stdin is not None
        assert zombie.stdout.readline() == "claimed\n"
        os.kill(zombie.pid, signal.SIGSTOP)
        until(lambda: _done(str(message.id)), "the turn does not end")
        after = dump(database)
        zombie.stdin.write("\n")
        zombie.stdin.flush()
        os.kill(zombie.pid, signal.SIGCONT)
        assert zombie.stdout.readline() == "late\n"
    assert dump(database) == after
    assert builders.state_of(onboarding_id) != state


def _done(message_id: str) -> bool:
    turns.run(message_id)
    return message_id not in {str(message.id) for message in builders.promised()}
