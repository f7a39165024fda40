"""What `doctor` asks the database: does anybody work, who waits for us? History is for a deep look."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onboarding import canaries, db, queries, reception
from onboarding.chart import NEXT_MOVE, STATES
from onboarding.commands import printing, workers
from onboarding.models import Message, Onboarding

# A message that nobody has finished for this long means that nobody works.
WAITS_AT_MOST: Final = timedelta(minutes=10)


class Check(NamedTuple):
    """One look: at what, what was found, and what to do; nothing to do means that it is well."""

    name: str
    found: str
    do: str = ""


def checks(session: Session, known_tasks: Collection[str]) -> Iterator[Check]:
    """Every look; without known tasks, nobody can say which ones are unknown."""
    yield _states(session)
    if known_tasks:
        yield _tasks(session, known_tasks)
    yield _unfinished(session)
    yield _workers(session)
    yield _incidents(session)
    yield _overdue(session)
    yield _webhooks(session)


def _states(session: Session) -> Check:
    counts = queries.counts(session)
    unknown = sorted(set(counts) - set(STATES))
    if unknown:
        advice = "Use the version of the program whose chart has them."
        return Check("states", f"not in the chart: {', '.join(unknown)}", advice)
    return Check("states", f"{sum(counts.values())} onboardings, each in a state of the chart")


def _tasks(session: Session, known_tasks: Collection[str]) -> Check:
    promised = set(session.scalars(select(Message.task).distinct()))
    unknown = sorted(promised - set(known_tasks))
    if unknown:
        advice = "Run workers of the version that promised them."
        return Check("tasks", f"no worker knows: {', '.join(unknown)}", advice)
    return Check("tasks", "workers know every promised one")


def _unfinished(session: Session) -> Check:
    waiting, oldest = queries.unfinished(session)
    age = db.clock(session) - oldest if oldest else timedelta()
    if age > WAITS_AT_MOST:
        advice = "Start `onboarding serve`, or `onboarding worker` where there is a broker."
        return Check("messages", f"{waiting} wait, for up to {printing.age(age)}", advice)
    return Check("messages", f"{waiting} wait" if waiting else "none waits")


def _workers(session: Session) -> Check:
    """A system that was stopped is no finding; one that asks and gets no answer is."""
    silence = canaries.silence(session)
    if silence is not None and silence <= canaries.SILENT_AFTER:
        return Check("workers", "take work")
    found = workers.words(silence)
    waits = canaries.is_waiting(session)
    return Check("workers", found, "See whether `onboarding worker` runs." if waits else "")


def _incidents(session: Session) -> Check:
    found = session.scalar(
        select(func.count()).select_from(Message).where(Message.failed_at.is_not(None))
    )
    if found:
        return Check(
            "incidents", f"{found}", "See `onboarding incidents`, then `onboarding retry`."
        )
    return Check("incidents", "none")


def _overdue(session: Session) -> Check:
    """People take their time; that is a number. What we owe is a finding."""
    counts = {state: _count_overdue(session, state) for state in NEXT_MOVE}
    ours = sum(n for state, n in counts.items() if NEXT_MOVE[state].whom == "platform")
    found = f"{sum(counts.values())}, of these {ours} wait for us"
    return Check("overdue", found, "See `onboarding ls --overdue`." if ours else "")


def _webhooks(session: Session) -> Check:
    """Somebody has stopped listening without saying so."""
    if found := reception.statuses(session)["disabled"]:
        return Check(
            "webhooks", f"{found} disabled", "See `onboarding webhook ls`, tell its owner."
        )
    return Check("webhooks", "none disabled for failing")


def _count_overdue(session: Session, state: str) -> int:
    late = select(func.count()).select_from(Onboarding).where(*queries.is_late_in(state))
    return session.scalar(late) or 0
