"""The same in the embedded default: one process, SQLite, no broker; the whole program dies at each point."""

import pytest

from onboarding.crash_points import POINTS
from tests.faults.chaos import ELSEWHERE
from tests.faults.stage import ENDS, Stage, until
from tests.faults.test_crash_points import (
    DUE,
    FORFEITED,
    ROUNDS,
    SENDS,
    every_event_arrives,
    revealed,
)
from tests.receiving import Receiver

# Nothing is sent to a broker where there is none.
ABSENT = {"publish.begun", "publish.sent"}
# What only happens if something is due that no thread of this process has taken up.
KEYS = ("keyring.made", "keyring.destroyed")
SWEEPS = ("sweep.marked", "sweep.committed", "clock.locked", *KEYS)
# Nobody is told, or tells, unless a test has an endpoint or a source: `test_crash_points` has the latter.
OTHERS = {each for each in POINTS if each.startswith(("delivery.", "inbound."))}
JOURNEYS = sorted(set(POINTS) - ABSENT - ELSEWHERE - OTHERS - {*SWEEPS})


@pytest.mark.parametrize("point", JOURNEYS)
def test_a_journey_ends_well_wherever_the_program_dies(embedded_stage: Stage, point: str) -> None:
    stage = embedded_stage
    journey = stage.journey()
    if point == "message.failed":
        stage.smtp.refuse(f"seller-{journey.number}@sample.example", 451)
    stage.restart("serve", point)
    with stage.walking(journey) as walk:
        stage.await_death("serve", point)
        stage.restart("serve")
        assert walk.result() == ENDS[journey.type]
    stage.check()
    forfeited = point in FORFEITED
    assert [version for version, _ in journey.shown] == ([2] if forfeited else [1])
    assert revealed(journey.path) == ([1, 2] if forfeited else [1])


@pytest.mark.parametrize("point", SWEEPS)
def test_what_is_due_is_done_wherever_the_program_dies(embedded_stage: Stage, point: str) -> None:
    stage = embedded_stage
    stage.stop("serve")
    wanted = DUE[point](stage)
    stage.start("serve", crash_at=point)
    stage.await_death("serve", point)
    stage.restart("serve")
    until(wanted, "what was due is not done")
    stage.check()


@pytest.mark.parametrize("round_", ROUNDS)
@pytest.mark.parametrize("crash_at", SENDS)
def test_every_event_arrives_in_order_whatever_a_sender_has_just_done(
    embedded_stage: Stage, receiver: Receiver, crash_at: str, round_: int
) -> None:
    every_event_arrives(embedded_stage, receiver, "serve", crash_at)
