"""Runs in tests: looked at, begun, steered, and carried out without waiting for the clock."""

from uuid import UUID

from sqlalchemy import update

from onboarding import outbox, runs, steering
from onboarding.db import reading, transaction
from onboarding.filters import Filter
from onboarding.models import Run
from onboarding.operators import Who
from onboarding.previews import Preview
from onboarding.runs import Plan
from onboarding.sealing import Keyring
from tests import builders
from tests.acting import WHY
from workers import clock, turns

AT_ONCE = Plan(first=0, pace=6000)


def look(who: Who, action: str, choice: str = "", **wanted: str) -> Preview:
    """What was seen of a view."""
    with reading() as session:
        view = Filter(**wanted)
        seen = runs.look(session, who, action, choice, view)
        return runs.preview(session, who, action, choice, view, seen)


def begin(
    ring: Keyring, who: Who, chosen: Preview, plan: Plan = AT_ONCE, *, proposed: bool = False
) -> int:
    with transaction() as session:
        return runs.begin(session, ring, who, chosen, WHY, plan, proposed=proposed).number


def steer(ring: Keyring, who: Who, step: str, number: int) -> str:
    with transaction() as session:
        return steering.STEPS[step](session, ring, who, number, WHY).status


def work() -> None:
    """What the clock has promised is carried out, and all that follows from it."""
    for _ in range(3):
        hurry()
        clock.promise_slices()
        builders.work()


def slices() -> None:
    """The same, but what follows from it waits."""
    hurry()
    clock.promise_slices()
    for message in builders.promised("run_slice"):
        turns.run(str(message.id))


def hurry() -> None:
    """Let time pass until the next slice of each run is due."""
    with transaction() as session:
        due = update(Run).where(Run.next_at.is_not(None))
        session.execute(due.values(next_at=Run.created_at))


def the_run(number: int) -> Run:
    with reading() as session:
        return runs.by_number(session, number)


def outcomes(number: int) -> dict[str, int]:
    with reading() as session:
        return dict(runs.tally(session, runs.by_number(session, number).id))


def some(number: int, state: str = "awaiting_aggregator") -> list[UUID]:
    made = [builders.an_onboarding(state) for _ in range(number)]
    # The registry has changed meanwhile, too.
    builders.work()
    return made


def fail_for_good(task: str) -> None:
    """Nobody answers: what waits of this task fails for the last time."""
    for message in builders.promised(task):
        with transaction() as session:
            claim = outbox.claim(session, message.id)
            if claim is not None:
                outbox.fail(session, claim, "task_failed", "still broken", final=True)
