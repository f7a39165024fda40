"""`worker-health`: does anybody take work? What a supervisor of containers asks again and again."""

import math
from datetime import timedelta

from onboarding import canaries
from onboarding.commands import printing
from onboarding.commands.exits import UNAVAILABLE, Failure
from onboarding.db import reading


def health(*, as_json: bool) -> None:
    """Print how long ago a worker took work. Raises Failure where that is too long, or never was."""
    with reading() as session:
        silence = canaries.silence(session)
    if silence is None or silence > canaries.SILENT_AFTER:
        advice = "Start `onboarding worker` or `onboarding serve`; `onboarding doctor` says more."
        raise Failure(f"{words(silence).capitalize()}.", advice, UNAVAILABLE)
    if as_json:
        printing.line({"seconds_since_work_was_taken": round(silence, 3)})
    else:
        printing.text(f"A worker took work {_age(silence)} ago.")


def words(silence: float | None) -> str:
    """Nobody has taken work: never, or for how long."""
    if silence is None:
        return "no worker was asked to take work yet"
    if math.isinf(silence):
        return "no worker has taken work yet"
    return f"no worker has taken work for {_age(silence)}"


def _age(seconds: float) -> str:
    return printing.age(timedelta(seconds=seconds))
