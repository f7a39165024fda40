"""F45, T58: a task that fails in whatever way becomes an incident, and everything else goes on."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update

from onboarding import db, outbox
from onboarding.db import reading, transaction
from onboarding.models import Message
from onboarding.outbox import Claim
from tests.builders import a_message, promised
from tests.faults import poisoned
from tests.faults.poisoned import HANG, KILL, RAISE
from tests.servers import process
from tests.system import System, environment
from tests.test_relay import until
from workers import tasks, turns

ROOT = Path(__file__).parents[2]
OTHERS = 99
# Attempts of a poisoned message; the eight of a real one would take minutes.
ATTEMPTS = 2


def test_poison_becomes_an_incident_and_the_other_99_finish(system: System) -> None:
    """T58."""
    poison(RAISE + KILL + HANG)
    ordinary(OTHERS)
    start(system, "worker")
    until(lambda: not promised("revoke_client"), seconds=120)
    until(lambda: len(causes()) == len(promised()), seconds=120)
    raised = dict.fromkeys(names(RAISE), ("task_failed", ATTEMPTS))
    died = dict.fromkeys(names(KILL), ("worker_died", ATTEMPTS + 1))
    assert causes() == raised | died | {
        "poison_hangs": ("task_failed", ATTEMPTS),
        "poison_holds_on": ("worker_died", ATTEMPTS + 1),
    }
    assert system.running["worker"].poll() is None


def test_poison_that_takes_the_whole_process_is_an_incident_after_a_few_restarts(
    system: System,
) -> None:
    """Where tasks are threads of the web process; its supervisor replaces it."""
    system.environment["ONBOARDING_BROKER_URL"] = ""
    poison((*RAISE, poisoned.poison_crashes))
    ordinary(OTHERS)
    start(system, "serve")
    until(lambda: len(causes()) == len(promised()), seconds=240)
    assert causes()["poison_crashes"] == ("worker_died", ATTEMPTS + 1)
    assert set(causes()) == {"poison_crashes", *names(RAISE)}
    assert (system.folder / "serve.log").read_text().count("process_replaced") == ATTEMPTS
    assert system.running["serve"].poll() is None


def test_a_task_that_hangs_in_a_thread_takes_no_second_one(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can end a thread, so the turns that follow are spared, until it is an incident."""
    with hanging(monkeypatch) as hung:
        assert [next_turn(hung) for _ in range(2)] == [2, 3]
    assert causes() == {"poison_hangs": ("task_hangs", 3)}


def test_a_task_that_was_only_slow_is_done_in_the_end(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole process may have stood still, past the end of the turn."""
    with hanging(monkeypatch) as hung:
        next_turn(hung)
    assert [message.last_error for message in promised()] == ["its turn has ended, and it has not"]
    end_the_turn(hung)
    turns.run(str(hung))
    assert promised() == []


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[UUID]:
    """A message with three attempts, and a thread that is at it until the end of the block."""
    begun, end = threading.Event(), threading.Event()

    def hang(claim: Claim) -> None:
        begun.set()
        assert end.wait(60)
        with transaction() as session:
            outbox.finish(session, claim)

    monkeypatch.setitem(tasks.TASKS, "poison_hangs", hang)
    message_id = a_message("poison_hangs", max_attempts=3)
    thread = threading.Thread(target=turns.run, args=(str(message_id),))
    thread.start()
    assert begun.wait(60)
    yield message_id
    end.set()
    thread.join(60)


def next_turn(message_id: UUID) -> int:
    """The number of the attempt that another thread makes once the turn is over."""
    end_the_turn(message_id)
    turns.run(str(message_id))
    (message,) = promised("poison_hangs")
    return message.attempts


def start(system: System, role: str) -> None:
    """The role's own program, with the poisoned tasks in it."""
    log = system.folder / f"{role}.log"
    with environment(system.environment | {"PYTHONPATH": str(ROOT)}):
        command = [sys.executable, "-m", poisoned.__name__, role]
        system.running[role] = process.start(command, log)


def poison(works: Iterable[object]) -> None:
    """First in the queue."""
    for name in names(works):
        a_message(name, max_attempts=ATTEMPTS)


def ordinary(number: int) -> None:
    """Promises that are easy to keep."""
    for _ in range(number):
        a_message("revoke_client", about={"client_id": "cid_nobody"})


def names(works: Iterable[object]) -> list[str]:
    return [work.__name__ for work in works]  # type: ignore[attr-defined]


def causes() -> dict[str, tuple[str | None, int]]:
    """The incidents: task → cause and attempts."""
    with reading() as session:
        failed = session.scalars(select(Message).where(Message.failed_at.is_not(None))).all()
    return {one.task: (one.cause, one.attempts) for one in failed}


def end_the_turn(message_id: UUID) -> None:
    with transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(leased_until=db.in_seconds(-1), due_at=db.in_seconds(-1))
        )
