"""A worker that takes no work although its broker answers is replaced; one that has a reason is left alone."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from onboarding import canaries, db, outbox, presence
from tests.builders import a_message
from tests.servers.ports import free_port
from tests.servers.valkey import Valkey
from workers.relay import send_canary

ROOT = Path(__file__).parents[1]
# A worker that only ever looks whether work is left lying, with less patience than the product's.
PROGRAM = """
import sys
from onboarding import db, logs
from onboarding.settings import settings
from workers.app import build
from workers.publisher import CeleryPublisher
from workers.supervision import supervise
from workers.watchdog import Watchdog

def run(deaths):
    print("born", flush=True)
    db.connect(sys.argv[1])
    dog = Watchdog(CeleryPublisher(build(sys.argv[2])).has_room, after=0.0)
    for _ in range(3):
        dog.look()
    print("lives", flush=True)
    return 0

# To where nobody reads.
logs.configure(settings())
sys.exit(supervise(run))
"""


@contextmanager
def watched(database: Engine, broker_url: str) -> Iterator[Iterator[str]]:
    """What it says, line by line."""
    url = database.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, broker_url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        try:
            yield (line.strip() for line in process.stdout)
        finally:
            process.terminate()


def test_whoever_takes_no_work_is_replaced(postgresql: Engine, valkey: Valkey) -> None:
    send_canary()
    with watched(postgresql, valkey.url) as says:
        assert [next(says) for _ in range(3)] == ["born"] * 3


def test_one_whose_canaries_are_taken_lives(postgresql: Engine, valkey: Valkey) -> None:
    with watched(postgresql, valkey.url) as says:
        assert [*says] == ["born", "lives"]


def test_one_whose_broker_is_away_lives(postgresql: Engine) -> None:
    send_canary()
    with watched(postgresql, f"redis://127.0.0.1:{free_port()}/0") as says:
        assert [*says] == ["born", "lives"]


def test_one_that_is_at_work_lives(postgresql: Engine, valkey: Valkey) -> None:
    """It may have much to do, and the canary stands behind all that."""
    send_canary()
    message = a_message()
    with db.transaction() as session:
        assert canaries.is_waiting(session)
        assert outbox.claim(session, message, owner=presence.sign())
    with watched(postgresql, valkey.url) as says:
        assert [*says] == ["born", "lives"]
