"""Data on stdout, everything else on stderr: JSON for programs, tables for people."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from onboarding.commands.exits import Failure

# Columns of sentences may go on in the next line; whatever else there is gets copied, or searched for.
_PROSE: Final = {"Error", "The same as", "Told above", "What will happen", "Why"}
# Terminal columns that a sentence has at least: in fewer it would be a word a line.
_READABLE: Final = 24


def line(value: Mapping[str, object]) -> None:
    """One JSON object on a line of stdout; lists are printed as many of them."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False) + "\n")


def text(words: str) -> None:
    """A line of data for people, as it is: no markup, no wrapping."""
    sys.stdout.write(words + "\n")


def say(words: str) -> None:
    """A remark on stderr."""
    sys.stderr.write(words + "\n")


def goes_on(found: Sequence[object], limit: int, rest: str | None = None) -> None:
    """Say that a list goes on, and how its rest is seen: one that only stops looks whole."""
    if len(found) > limit:
        say(f"\nThere are more than these {limit}. Go on with {rest or f'--limit {10 * limit}'}.")


def fail(failure: Failure) -> None:
    """What happened, and what to do about it, on stderr."""
    console = Console(stderr=True)
    console.print(Text("Error: ", style="bold red") + Text(failure.sentence), soft_wrap=True)
    if failure.advice:
        console.print(Text(failure.advice), soft_wrap=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on stdout that cuts nothing off and breaks no word, however narrow a terminal is."""
    made = _made(head, [*rows])
    console = Console()
    least, most = Measurement.get(console, console.options.update(max_width=sys.maxsize), made)
    console.width = max(console.width, least) if sys.stdout.isatty() else most
    with console.capture() as printed:
        console.print(made)
    for each in printed.get().splitlines():
        text(each.rstrip())


def listed(
    lines: Sequence[Mapping[str, object]],
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    empty: str,
    as_json: bool,
) -> None:
    """The same list as JSON lines or as a table; with nothing in it, a sentence on stderr."""
    if as_json:
        for each in lines:
            line(each)
    elif lines:
        table(head, rows)
    else:
        say(empty)


def facts(pairs: Mapping[str, str]) -> None:
    """Names and values on stdout, one below the other; empty ones are left out."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        if value:
            text(f"{name:<{width}}  {value}")


def moment(when: datetime) -> str:
    """An instant of UTC, to the second."""
    return when.strftime("%Y-%m-%d %H:%M:%S")


def age(time: timedelta) -> str:
    """About how long: "40 s", "12 min", "5 h", "9 d"."""
    seconds = max(int(time.total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _made(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name, cells in zip(head, zip(head, *rows, strict=True), strict=True):
        lines = [line for cell in cells for line in cell.splitlines()]
        widest = max(map(cell_len, lines), default=0)
        least = min(widest, _READABLE) if name in _PROSE else widest
        made.add_column(name, min_width=least, no_wrap=name not in _PROSE)
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")
