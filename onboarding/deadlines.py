"""What time does to an onboarding if nobody moves: when it is reminded, and when its state ends.

The schedule is the chart's. An operator may give more time to who waits for a person: the end and the
last reminder before it come that much later. How late somebody is does not change by that.
"""

from datetime import datetime, timedelta
from typing import Final

from onboarding.chart import NEXT_MOVE
from onboarding.models import Onboarding

# What is only destroyed unseen gets no more time: a secret never waits for longer than the chart says.
EXTENDABLE: Final = frozenset(state for state, move in NEXT_MOVE.items() if move.then == "expire")


def ends_at(onboarding: Onboarding) -> datetime | None:
    """When time ends the state that it is in; None: it never does."""
    return end(onboarding.state, onboarding.entered_at, onboarding.extra_days)


def reminders_at(onboarding: Onboarding) -> list[datetime]:
    """When it is reminded in the state that it is in."""
    return _reminders(onboarding.state, onboarding.entered_at, onboarding.extra_days)


def wakes_at(
    state: str, entered_at: datetime, reminders: int, extra_days: int = 0
) -> datetime | None:
    """When the clock must next look, after so many reminders; None: never."""
    instants = _reminders(state, entered_at, extra_days)
    if last := end(state, entered_at, extra_days):
        instants.append(last)
    return instants[reminders] if reminders < len(instants) else None


def wakes_after(state: str) -> timedelta | None:
    """How long after a state is entered the clock must first look; None: never."""
    move = NEXT_MOVE.get(state)
    waits = (*move.reminders, move.then_after) if move else (None,)
    return waits[0]


def reminded(onboarding: Onboarding, reminders: int) -> None:
    """So many reminders are behind it in the state that it is in: when must the clock look again?"""
    onboarding.reminders = reminders
    onboarding.wakes_at = wakes_at(
        onboarding.state, onboarding.entered_at, reminders, onboarding.extra_days
    )


def extend(onboarding: Onboarding, days: int, now: datetime) -> None:
    """Give so many days more. The last reminder is sent again if its new time is to come."""
    onboarding.extra_days += days
    reminded(onboarding, sum(instant <= now for instant in reminders_at(onboarding)))


def end(state: str, entered_at: datetime, extra_days: int = 0) -> datetime | None:
    """When time ends a state that was entered then; None: it never does."""
    move = NEXT_MOVE.get(state)
    if move is None or move.then_after is None:
        return None
    return entered_at + move.then_after + timedelta(days=extra_days)


def _reminders(state: str, entered_at: datetime, extra_days: int) -> list[datetime]:
    """The last one is about the end, and moves with it."""
    move = NEXT_MOVE.get(state)
    instants = [entered_at + wait for wait in move.reminders] if move else []
    if extra_days:
        instants[-1] += timedelta(days=extra_days)
    return instants
