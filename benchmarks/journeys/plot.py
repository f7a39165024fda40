"""The table's first question as a picture: journeys a second, and what each costs, for every contestant."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from benchmarks.journeys.contest import LIMIT, OURS, PEER
from benchmarks.journeys.figures import Figure, Spread, Turn, at, in_digits, spread

_NAMES, _WIDE, _GAP, _ROW, _TOP, _BAR, _VALUE = 130, 260, 90, 30, 44, 18, 8
_INK, _FAINT, _PAPER = "#0b0c0c", "#505a5f", "#ffffff"
# Beside the colour the names say who is who.
_FILLS: Final = {LIMIT: "#b1b4b6", PEER: "#5694ca", OURS: "#00703c"}


class Panel(NamedTuple):
    """Bars of one number."""

    left: int
    title: str
    figure: Figure


PANELS: Final = (
    Panel(_NAMES, "journeys a second (more is better)", at("per_s")),
    Panel(_NAMES + _WIDE + _GAP, "ms of processor a journey (less is better)", at("cpu_ms")),
)


def svg(turns: Sequence[Turn]) -> str:
    """Bars for the medians, and a line over each from the lowest to the highest turn."""
    names = list(turns[0])
    width, height = _NAMES + 2 * (_WIDE + _GAP), _TOP + len(names) * _ROW + 10
    parts = [
        *(_text(_NAMES - 10, _middle(row), name, "end") for row, name in enumerate(names)),
        *(part for panel in PANELS for part in _panel(turns, names, panel)),
    ]
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="journeys-title journeys-text" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="{_INK}">
<title id="journeys-title">The same journey on each contestant</title>
<desc id="journeys-text">{escape(_in_words(turns, names))}</desc>
<rect width="{width}" height="{height}" fill="{_PAPER}"/>
{chr(10).join(parts)}
</svg>
"""


def _in_words(turns: Sequence[Turn], names: Sequence[str]) -> str:
    """For those who do not see the picture."""
    said = []
    for panel in PANELS:
        found = {name: spread(turns, name, panel.figure) for name in names}
        numbers = ", ".join(f"{name} {in_digits(one.median)}" for name, one in found.items() if one)
        said.append(f"{panel.title}: {numbers}.")
    return " ".join(said)


def _panel(turns: Sequence[Turn], names: Sequence[str], panel: Panel) -> Iterator[str]:
    found = {name: spread(turns, name, panel.figure) for name in names}
    most = max(one.high for one in found.values() if one)
    yield _text(panel.left, _TOP - 20, panel.title, "start", _FAINT)
    for row, name in enumerate(names):
        one = found[name]
        if one:
            yield from _bar(panel.left, row, one, most, _FILLS[turns[0][name]["kind"]])


def _bar(left: int, row: int, found: Spread, most: float, fill: str) -> Iterator[str]:
    top, scale = _TOP + row * _ROW, _WIDE / most
    yield (
        f'<rect x="{left}" y="{top}" width="{found.median * scale:.1f}" height="{_BAR}"'
        f' fill="{fill}"/>'
    )
    low, high, y = left + found.low * scale, left + found.high * scale, top + _BAR / 2
    yield f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="{_INK}" stroke-width="1.5"/>'
    yield _text(round(high) + _VALUE, _middle(row), in_digits(found.median), "start")


def _middle(row: int) -> int:
    return _TOP + row * _ROW + _BAR // 2 + 4


def _text(x: int, y: int, text: str, anchor: str, fill: str = _INK) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
