"""The chart for readers: as a Markdown page, as Mermaid, and (in `drawing_picture`) as SVG.

Everything is read from the chart, so what is drawn cannot differ from what happens.
"""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Final, NamedTuple

from onboarding.chart import (
    EVENT_TYPES,
    MAY_FIRE,
    NEXT_MOVE,
    NOTICES,
    ON_ENTRY,
    OPEN,
    STATES,
    Chart,
)


class Arrow(NamedTuple):
    """One legal move."""

    source: str
    event: str
    target: str
    # What must hold, as "wants_soap" or "not delegated"; empty where nothing must.
    guard: str


# Drawn as arrows from almost everywhere, these would hide all others: pictures say them in words.
ASIDE: Final = ("start_over", "cancel", "expire")


@cache
def arrows() -> tuple[Arrow, ...]:
    """Every legal move, in the chart's order."""
    return tuple(
        Arrow(str(state.id), str(event.id), str(move.target.id), _guard(move.cond))
        for state in Chart.states
        for move in state.transitions
        for event in move.events
    )


@cache
def version() -> str:
    """What tells this chart from that of another version: it changes with any legal move."""
    return hashlib.sha256(repr([tuple(arrow) for arrow in arrows()]).encode()).hexdigest()[:8]


def drawn() -> list[Arrow]:
    """The moves that a picture shows as arrows; `aside` has the rest.

    Choosing another type leads where choosing one has led, so it is drawn from the first state only.
    """
    return [a for a in arrows() if a.event not in ASIDE and not _chooses_again(a)]


def aside(state: str) -> list[str]:
    """The events of a state that a picture names instead of drawing them."""
    events = [a.event for a in arrows() if a.source == state]
    kept = {a.event for a in drawn() if a.source == state}
    return [event for event in dict.fromkeys(events) if event not in kept]


def label(state: str) -> str:
    """What a state stands for, in a few words."""
    return str(next(s.name for s in Chart.states if s.id == state))


def mermaid(lit: str | None = None) -> str:
    """A Mermaid state diagram; `lit` is the state to highlight."""
    lines = ["stateDiagram-v2", "    direction TB"]
    lines += [f'    state "{label(state)}" as {state}' for state in STATES]
    lines += ["    [*] --> started"]
    lines += [f"    {a.source} --> {a.target} : {_caption(a)}" for a in drawn()]
    lines += [f"    {state} --> [*]" for state in STATES if state not in OPEN]
    for state, words in _notes():
        lines += [f"    note right of {state}", f"        {words}", "    end note"]
    if lit:
        lines += ["    classDef lit fill:#ffdd00,stroke:#0b0c0c,stroke-width:3px,color:#0b0c0c"]
        lines += [f"    class {lit} lit"]
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """`docs/chart.md`: the picture, both tables, and the diagram's source."""
    return f"""<!-- Made by `onboarding chart --format md`; change onboarding/chart.py instead. -->

# The life of an onboarding

An onboarding is in one of {len(STATES)} states and moves by one of {len(MAY_FIRE)} events. The chart in `onboarding/chart.py` is
what decides, and this page is made from it. Each move is one transaction: the state, a row of
history and the promised work are written together, or nothing is.

![The states of an onboarding and the events between them](chart.svg)

## States

**Next move** says whose turn it is, and **overdue after** for how long that is fine; neither is
stored, both are asked whenever somebody wants to know. **Promises** is work that is written down on
entry and carried out by a worker.

{_table(("state", "stands for", "next move", "overdue after", "then", "promises"), map(_state_row, STATES))}

## Events

A guard in brackets must hold. Whoever is not listed under **who may** is refused and nothing is
written. The **e-mail** is promised with the move, to the contact of the onboarding.

{_table(("event", "from → to", "who may", "e-mail", "event type"), map(_event_row, MAY_FIRE))}

## As Mermaid

```mermaid
{mermaid().rstrip()}
```
"""


def sources(moves: Iterable[Arrow]) -> str:
    """Where moves start from, in the fewest words."""
    found = list(dict.fromkeys(a.source for a in moves))
    missing = [state for state in STATES if state in OPEN and state not in found]
    if len(found) <= len(missing):
        return ", ".join(found)
    return "every open state" + (f" but {', '.join(missing)}" if missing else "")


def length(time: timedelta) -> str:
    """A duration in its largest whole unit: "10 min", "24 h", "7 d"."""
    minutes = int(time.total_seconds()) // 60
    units = ((24 * 60, "d"), (60, "h"))
    size, unit = next(((s, u) for s, u in units if minutes > s and minutes % s == 0), (1, "min"))
    return f"{minutes // size} {unit}"


def _guard(conditions: Iterable[object]) -> str:
    return " and ".join(str(c).replace("!", "not ") for c in conditions)


def _chooses_again(arrow: Arrow) -> bool:
    return arrow.event == "choose_type" and arrow.source != "started"


def _caption(arrow: Arrow) -> str:
    return f"{arrow.event} [{arrow.guard}]" if arrow.guard else arrow.event


def _notes() -> list[tuple[str, str]]:
    """What is not drawn, in words beside the state that it leads to."""
    again = ", ".join(a for a in dict.fromkeys(x.source for x in arrows() if _chooses_again(x)))
    notes = [("type_chosen", f"choose_type, as from started, also from {again}")]
    for event in ASIDE:
        moves = [a for a in arrows() if a.event == event]
        notes.append((moves[0].target, f"{event}, from {sources(moves)}"))
    return notes


def _state_row(state: str) -> tuple[str, ...]:
    move = NEXT_MOVE.get(state)
    promises = ", ".join(f"`{task}`" for task in ON_ENTRY.get(state, ()))
    if move is None:
        return (f"`{state}`", label(state), "–", "–", "", promises)
    then = [f"reminder at {length(each)}" for each in move.reminders]
    if move.then and move.then_after:
        then.append(f"`{move.then}` at {length(move.then_after)}")
    return (
        f"`{state}`",
        label(state),
        move.whom,
        length(move.overdue_after),
        ", ".join(then),
        promises,
    )


def _event_row(event: str) -> tuple[str, ...]:
    moves = [a for a in arrows() if a.event == event]
    notices = dict.fromkeys(NOTICES[event, a.target] for a in moves if (event, a.target) in NOTICES)
    return (
        f"`{event}`",
        "<br>".join(_ways(moves)),
        ", ".join(sorted(MAY_FIRE[event])),
        ", ".join(f"`{notice}`" for notice in notices),
        f"`{EVENT_TYPES[event]}`",
    )


def _ways(moves: list[Arrow]) -> list[str]:
    """Moves that start from the same states stand together."""
    ends = dict.fromkeys((a.target, a.guard) for a in moves)
    by_sources: dict[str, list[str]] = {}
    for target, guard in ends:
        same = sources(a for a in moves if (a.target, a.guard) == (target, guard))
        end = f"`{target}`" + (f" [{guard}]" if guard else "")
        by_sources.setdefault(same, []).append(end)
    return [f"{same} → {' · '.join(found)}" for same, found in by_sources.items()]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
