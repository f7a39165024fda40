"""Where an event leads from wherever an onboarding may stand: the chart's answers, asked beforehand.

The chart decides by a few facts that have few values, so all its answers about one event are a short
list. A statement that has the list can decide and write in one round trip, on the row as it locks it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import product
from typing import Final

from onboarding import deadlines, deciding
from onboarding.chart import CONNECTION_TYPES, CREDENTIAL_MODES, Chart, Facts
from onboarding.deciding import Call
from onboarding.errors import EventNotAllowed

# What a connection type comes with.
_CHOSEN: Final = (
    (None, None),
    *((kind, None) for kind in CONNECTION_TYPES if kind != "aggregator"),
    *(("aggregator", mode) for mode in CREDENTIAL_MODES),
)


@dataclass(frozen=True, slots=True)
class Ways:
    """From each standing, in one order: the state that the event leads to, and when the clock looks there."""

    standings: tuple[str, ...]
    targets: tuple[str, ...]
    wakes_after: tuple[timedelta | None, ...]
    calls: tuple[Call, ...]


@cache
def of(event: str, chosen: tuple[str | None, str | None] | None = None) -> Ways:
    """All ways of an event; `chosen` are the connection type and credential mode that come with it."""
    found = dict(_found(event, chosen))
    targets = tuple(found.values())
    waits = tuple(deadlines.wakes_after(target) for target in targets)
    calls = (call for target in dict.fromkeys(targets) for call in deciding.calls(event, target))
    return Ways(tuple(found), targets, waits, tuple(calls))


def _found(event: str, chosen: tuple[str | None, str | None] | None) -> Iterator[tuple[str, str]]:
    """A standing is written as `recording_statements` reads it from the row."""
    for state, kind, verified in product(_sources(event), [chosen] if chosen else _CHOSEN, (0, 1)):
        facts = Facts(state, *kind, contact_verified=bool(verified))
        told = (state, *(() if chosen else kind), str(verified))
        try:
            target = deciding.decide(facts, event)
        except EventNotAllowed:
            continue
        yield " ".join(each for each in told if each), target


def _sources(event: str) -> list[str]:
    states = [
        state.id
        for state in Chart.states
        if any(event in way.event.split() for way in state.transitions)
    ]
    return sorted(map(str, states))
