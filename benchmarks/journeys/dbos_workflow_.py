"""DBOS 3.4 as its tutorials write it: a long-lived workflow for each onboarding, which is sent events.

State and history are what DBOS records of the workflow, so there is no row of ours. It runs in the process
of those who call it, as in a web application; a task is a step, and waits for nobody.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Final
from uuid import uuid4

from dbos import DBOS, SetWorkflowID

from benchmarks.journeys.clients import BACK, LETTER, PATIENCE, Mouth, drive
from benchmarks.journeys.dbos_ import launch
from benchmarks.journeys.machine import MOVES, REPORTS, STEPS

# Seconds that an onboarding waits for its seller.
MONTH: Final = 30 * 24 * 3600.0
# Set where the client begins.
mouths: list[Mouth] = []


@DBOS.workflow(name="journey")
def journey(onboarding: str) -> None:
    for number, (event, _, target, task) in enumerate(MOVES):
        DBOS.recv(event, timeout_seconds=MONTH)
        DBOS.set_event(str(number), target)
        promised = task
        if task in REPORTS:
            DBOS.set_event("state", report(task))
            mouths[0].tell(BACK, onboarding)
            promised = REPORTS[task][3]
        if promised:
            letter(onboarding)
            mouths[0].tell(LETTER, onboarding)


@DBOS.step()
def report(task: str) -> str:
    """The state that the task's event leads to."""
    return REPORTS[task][2]


@DBOS.step()
def letter(onboarding: str) -> None:
    mouths[0].write(onboarding)


class Walk:
    def create(self) -> str:
        onboarding = uuid4().hex
        with SetWorkflowID(onboarding):
            DBOS.start_workflow(journey, onboarding)
        return onboarding

    def move(self, onboarding: str, step: int) -> None:
        event, _, target, _ = MOVES[step]
        DBOS.send(onboarding, target, event)
        if DBOS.get_event(onboarding, str(step), timeout_seconds=PATIENCE) != target:
            raise RuntimeError(f"{event} was not answered")


def main(role: str, dsn: str, port: str, folder: str) -> None:
    logging.disable(logging.WARNING)
    mouths.append(Mouth(int(port), Path(folder)))
    launch(os.environ["DATABASE_URL"])
    if role == "client":
        drive(Walk, STEPS, int(port))
    DBOS.destroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
