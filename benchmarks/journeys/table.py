"""All turns in one table: what each contestant took and cost, and how many times the floor and the best peer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.journeys.contest import OURS
from benchmarks.journeys.figures import (
    BUSY,
    Figure,
    Spread,
    Turn,
    at,
    busy,
    in_digits,
    spread,
    to_best_peer,
    to_reference,
)

FLOOR: Final = "floor"
NOTHING: Final = "–"
PARTS: Final = ("db", "broker", "worker", "client")
WRITTEN: Final = ("commits", "rows", "wal_kB", "flushes")
MARK: Final = "!"
NOTES: Final = f"""
- Journeys/s: each is six events of a person and five tasks. ack: event to durable answer; back: event to a task's result; letter: event to letter out; p50/p99 in ms. CPU: ms for each journey, of all processes, and of {", ".join(PARTS)}. Commits, rows, WAL and flushes: for each journey; commits count read-only ones too.
- The median of all turns; ± is how far the farthest turn is from it. ×floor and ×best: the median of the ratios within each turn, to `floor` and to the best peer in this column.
- foreign: what everything else on the machine used, in % of one processor. {MARK} marks a row with a turn above {BUSY:.0%}: throughput and times are worse than they would be; CPU counts the contestant's own processes only.
"""


@dataclass(frozen=True)
class Compared:
    """A number with ratios; the best of peers is the highest or the lowest."""

    title: str
    figure: Figure
    best: Callable[[Sequence[float]], float]
    tail: Figure | None = None


COMPARED: Final = (
    Compared("journeys/s", at("per_s"), max),
    Compared("ack", at("ack", 0), min, at("ack", 1)),
    Compared("back", at("back", 0), min, at("back", 1)),
    Compared("letter", at("letter", 0), min, at("letter", 1)),
    Compared("CPU ms", at("cpu_ms"), min),
)


def table(turns: Sequence[Turn]) -> list[list[str]]:
    """The head, then a row for each contestant, in the order of the first turn."""
    ratios = [(one.title, "×floor", "×best") for one in COMPARED]
    head = [
        "contestant",
        *(title for titles in ratios for title in titles),
        "+".join(PARTS),
        "commits",
        "rows",
        "WAL kB",
        "flushes",
        "foreign %",
    ]
    return [head, *(_row(turns, name) for name in turns[0])]


def markdown(turns: Sequence[Turn]) -> str:
    head, *rows = table(turns)
    ours = {name for name, run in turns[0].items() if run["kind"] == OURS}
    lines = [head, ["---", *["--:"] * (len(head) - 1)]]
    lines += [[f"**{cell}**" for cell in row] if row[0] in ours else row for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + NOTES


def plain(turns: Sequence[Turn]) -> str:
    rows = table(turns)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + f"\n{NOTES}"


def _row(turns: Sequence[Turn], name: str) -> list[str]:
    foreign = spread(turns, name, at("foreign"))
    mark = f" {MARK}" if busy(turns, name) else ""
    parts = [spread(turns, name, at("cpu", part)) for part in PARTS]
    return [
        name,
        *(cell for one in COMPARED for cell in _compared(turns, name, one)),
        "+".join(_number(part) for part in parts),
        *(_number(spread(turns, name, at(what))) for what in WRITTEN),
        f"{foreign.median:.0%}".rstrip("%") + mark if foreign else NOTHING,
    ]


def _compared(turns: Sequence[Turn], name: str, one: Compared) -> list[str]:
    found = spread(turns, name, one.figure)
    if found is None:
        return [NOTHING] * 3
    tail = f"/{_number(spread(turns, name, one.tail))}" if one.tail else ""
    apart = f" ±{found.around:.0%}" if len(turns) > 1 else ""
    floor = to_reference(turns, name, one.figure, FLOOR)
    best = to_best_peer(turns, name, one.figure, one.best)
    return [f"{_number(found)}{tail}{apart}", _times(floor), _times(best)]


def _times(ratio: Spread | None) -> str:
    return f"{ratio.median:.2f}" if ratio else NOTHING


def _number(found: Spread | None) -> str:
    return NOTHING if found is None else in_digits(found.median)
