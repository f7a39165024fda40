"""F41: however wrong the clocks of our processes are, and however they jump, the database's decides."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select, update

from onboarding import db, finding, outbox, presence
from onboarding.db import reading, transaction
from onboarding.filters import Filter
from onboarding.finding import Place
from onboarding.models import Message, Onboarding, Transition
from onboarding.settings import settings
from tests.builders import a_message, an_onboarding, promised, state_of
from tests.test_clock import DAY, EMAIL, HOUR, reminders, stand_at
from tests.test_relay import until

# Ten minutes either way, a jump between tomorrow and an hour ago, and the night on which the
# clocks of Paris go forward, seen from Paris.
SPRING = (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC) - datetime.now(UTC)).total_seconds()
CLOCKS = {"ahead": "600", "behind": "-600", "jumping": "86400,-3600", "spring": str(SPRING)}
ELSEWHERE = {"TZ": "Europe/Paris", "PGTZ": "Europe/Paris"}


class Shifted:
    """A worker with a wrong clock, and what it said it did."""

    def __init__(self, database: Engine, name: str) -> None:
        url = database.url.render_as_string(hide_password=False)
        keys = {"ONBOARDING_KEYS_DIR": str(settings().keys_dir)}
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("shifted.py"), CLOCKS[name], url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | keys | (ELSEWHERE if name == "spring" else {}),
        )
        self.did: dict[str, Any] = {}

    def wait(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def end(self) -> None:
        said, _ = self.process.communicate(timeout=60)
        self.did = json.loads(said)


@contextmanager
def wrong_clocks(database: Engine) -> Iterator[list[Shifted]]:
    """One worker for each wrong clock; at the end of the block they have all swept several times."""
    with ExitStack() as stack:
        workers = [Shifted(database, name) for name in CLOCKS]
        for worker in workers:
            stack.callback(worker.process.kill)
        for worker in workers:
            worker.wait()
        yield workers
        for worker in workers:
            worker.end()


def test_wrong_clocks_fire_no_deadline_early_lose_none_and_double_none(postgresql: Engine) -> None:
    due, early, late_reminder = [
        [an_onboarding("type_chosen", email=EMAIL) for _ in range(5)] for _ in range(3)
    ]
    for one in due:
        stand_at(one, 30 * DAY)
    for one in early:
        stand_at(one, 30 * DAY - 5 * timedelta(minutes=1))
    for one in late_reminder:
        stand_at(one, 7 * DAY - HOUR / 2)
    with transaction() as session:
        # What the early ones had of reminders so far is not what this is about.
        session.execute(update(Onboarding).where(Onboarding.id.in_(early)).values(reminders=2))
    resting = a_message("revoke_client", about={"client_id": "cid_nobody"})
    taken = a_message("revoke_client", about={"client_id": "cid_nobody"})
    with transaction() as session:
        wait = db.in_seconds(300)
        session.execute(
            update(Message)
            .where(Message.id == resting)
            .values(due_at=wait, leased_until=wait, attempts=1)
        )
        assert outbox.claim(session, taken, owner=presence.sign(), lease=80)
        before = db.clock(session)

    with wrong_clocks(postgresql) as workers:
        until(lambda: all(state_of(one) == "expired" for one in due), seconds=60)

    with reading() as session:
        after = db.clock(session)
        steps = session.scalars(select(Transition).where(Transition.event == "expire")).all()
    assert sorted(step.onboarding_id for step in steps) == sorted(due)
    assert all(before <= step.at <= after for step in steps)
    assert {state_of(one) for one in early + late_reminder} == {"type_chosen"}
    assert [reminders(one) for one in late_reminder] == [[]] * 5
    assert {message.id for message in promised("revoke_client")} == {resting, taken}
    ran = [one for worker in workers for one in worker.did["ran"]]
    assert not {str(resting), str(taken)} & set(ran)
    check_the_lists(workers, before, after)


def check_the_lists(workers: list[Shifted], before: datetime, after: datetime) -> None:
    """IDs hold the time of the process that made them: pages of a list still show each one once."""
    started = [UUID(one) for worker in workers for one in worker.did["started"]]
    assert all(abs(worker.did["wrong_by"]) > 500 for worker in workers), "they were wrong"
    listed: list[UUID] = []
    with reading() as session:
        wanted = Filter(state="started")
        while page := finding.page(session, wanted, 4, after=Place(listed[-1]) if listed else None):
            listed += [one.id for one in page]
            assert all(before <= one.created_at <= after for one in page)
    assert sorted(listed) == sorted(started)
    assert len(listed) == len(started)
