"""The chart as SVG: boxes on a grid that people chose, arrows that follow from it.

No style element and no style attribute: a page whose content security policy forbids both may hold
the picture too. What is drawn is the chart's; only the places are this file's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from onboarding.chart import NEXT_MOVE, OPEN, STATES
from onboarding.drawing import ASIDE, Arrow, arrows, aside, drawn, label, length


class Point(NamedTuple):
    """Pixels from the top left."""

    x: int
    y: int


class Told(NamedTuple):
    """What is said of a state besides: where its box leads, the same in words, and two short texts."""

    href: str
    words: str
    number: str
    ages: str


class Route(NamedTuple):
    """An arrow's line, and where its caption stands."""

    points: tuple[Point, ...]
    at: Point
    anchor: str
    lines: tuple[str, ...]


# Column and row of each state: the way to a connection runs down the middle.
PLACES: Final[dict[str, tuple[int, int]]] = {
    "started": (1, 0),
    "redirected_to_soap": (2, 0),
    "checking_aggregator": (0, 1),
    "type_chosen": (1, 1),
    "awaiting_aggregator": (0, 2),
    "issuing_secret": (1, 2),
    "secret_ready": (1, 3),
    "secret_lapsed": (2, 3),
    "secret_revealed": (1, 4),
    "credentials_issued": (2, 4),
    "awaiting_seller": (1, 5),
    "seller_linked": (1, 6),
    "cancelled": (0, 6),
    "verifying": (1, 7),
    "confirmed": (2, 7),
    "expired": (0, 7),
}
# Arrows that other boxes stand in the way of: they go round them on the left.
AROUND: Final = {("checking_aggregator", "awaiting_seller"), ("secret_revealed", "issuing_secret")}

_WIDE, _HIGH, _GUTTER, _GAP = 298, 84, 144, 58
_MARGIN, _TOP, _LANE, _PAIR, _LINE = 44, 20, 28, 34, 15
_INK, _FAINT, _PAPER, _LIT = "#0b0c0c", "#505a5f", "#ffffff", "#ffdd00"
# Fill and border by whose turn it is; the third line of a box says the same in words.
_LOOKS: Final = {
    "person": ("#ffffff", "#1d70b8"),
    "platform": ("#eef2f5", "#505a5f"),
    "end": ("#e5f3ea", "#00703c"),
    "broken off": ("#fbeeec", "#942514"),
}
# The units of `length`, for whoever says them in another language.
_UNITS: Final = {
    "s": "%(number)s s",
    "min": "%(number)s min",
    "h": "%(number)s h",
    "d": "%(number)s d",
}
_LEGEND: Final = (
    "Also, where a box names it:",
    "start_over leads to started,",
    "cancel to cancelled, expire to expired,",
    "choose_type where it leads from started.",
)


# Says a sentence in somebody's language, with its values.
Say = Callable[..., str]


def in_english(sentence: str, **values: object) -> str:
    """As it stands here: this file imports nothing that translates, which would take longer than drawing."""
    return sentence % values


def short(time: str, say: Say) -> str:
    """A number and its unit, as "7 d", in the language of whoever looks."""
    number, _, unit = time.partition(" ")
    return say(_UNITS[unit], number=number)


def svg(
    lit: str | None = None, told: Mapping[str, Told] | None = None, say: Say = in_english
) -> str:
    """The picture; `lit` is the state to highlight. What is told of states makes their boxes links."""
    columns, rows = (1 + max(at[axis] for at in PLACES.values()) for axis in (0, 1))
    width = 2 * _MARGIN - _LANE + columns * _WIDE + (columns - 1) * _GUTTER
    height = 2 * _TOP + rows * _HIGH + (rows - 1) * _GAP
    legend = Point(_left("confirmed"), _top("seller_linked") + 2 * _LINE)
    parts = [
        *(part for arrow in drawn() for part in _arrow(arrow)),
        *(
            part
            for state in STATES
            for part in _box(state, (told or {}).get(state), say, lit=state == lit)
        ),
        *_text(legend, tuple(map(say, _LEGEND)), fill=_FAINT),
    ]
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="{"group" if told else "img"}" aria-labelledby="chart-title chart-text" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="{_INK}">
<title id="chart-title">{escape(say("The life of an onboarding"))}</title>
<desc id="chart-text">{escape(_in_words(lit, say))}</desc>
<defs><marker id="chart-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 10 5 0 10z" fill="{_INK}"/></marker></defs>
<rect width="{width}" height="{height}" fill="{_PAPER}"/>
{chr(10).join(parts)}
</svg>
"""


def _in_words(lit: str | None, say: Say) -> str:
    """For those who do not see the picture."""
    by, here = "%(source)s to %(target)s by %(event)s", ""
    moves = "; ".join(
        say(by, source=a.source, target=a.target, event=" ".join(_caption(a))) for a in drawn()
    )
    if lit:
        where = "The onboarding is in %(state)s, %(name)s."
        here = f"{say(where, state=lit, name=say(label(lit)))} "
    return f"{here}{moves}. {' '.join(map(say, _LEGEND))}"


def _box(state: str, told: Told | None, say: Say, *, lit: bool) -> Iterator[str]:
    left, top = _left(state), _top(state)
    fill, border = _LOOKS[_whose(state)]
    fill, border, weight = (_LIT, _INK, 4) if lit else (fill, border, 2)
    turn, also = _turn(state, say), _besides(state, say)
    if told:
        yield f"<a href={quoteattr(told.href)} aria-label={quoteattr(told.words)}>"
    yield f'<g id="state-{state}"><title>{escape(say(label(state)))}</title>'
    yield (
        f'<rect x="{left}" y="{top}" width="{_WIDE}" height="{_HIGH}" rx="6" fill="{fill}"'
        f' stroke="{border}" stroke-width="{weight}"/>'
    )
    name = say("%(state)s – here", state=state) if lit else state
    yield from _text(Point(left + 12, top + 22), (name,), size=14, weight="bold")
    yield from _text(Point(left + 12, top + 40), (say(label(state)), turn))
    yield from _text(Point(left + 12, top + 74), (also,), size=11, fill=_INK if lit else _FAINT)
    if told:
        right = Point(left + _WIDE - 12, top + 22)
        yield from _text(right, (told.number,), size=14, weight="bold", anchor="end")
        lower = Point(right.x, top + 40 + _LINE)
        yield from _text(lower, (told.ages,), size=11, anchor="end")
    yield "</g></a>" if told else "</g>"


def _whose(state: str) -> str:
    if state not in OPEN:
        return "broken off" if _how(state) else "end"
    return "platform" if NEXT_MOVE[state].whom == "platform" else "person"


def _turn(state: str, say: Say) -> str:
    move = NEXT_MOVE.get(state)
    if move is None:
        return say("the end")
    time = short(length(move.overdue_after), say)
    return say("next: %(whom)s, within %(time)s", whom=say(move.whom), time=time)


def _besides(state: str, say: Say) -> str:
    """The events that no arrow is drawn for."""
    if also := aside(state):
        return say("also %(events)s", events=", ".join(also))
    how = _how(state)
    return say("by %(events)s, where a box names it", events=how) if how else ""


def _how(state: str) -> str:
    """What leads to an end that no arrow leads to."""
    return ", ".join({a.event for a in arrows() if a.target == state and a.event in ASIDE})


def _arrow(arrow: Arrow) -> Iterator[str]:
    route = _route(arrow)
    path = " ".join(f"{point.x},{point.y}" for point in route.points)
    yield (
        f'<polyline points="{path}" fill="none" stroke="{_INK}" stroke-width="1.5"'
        ' marker-end="url(#chart-tip)"/>'
    )
    yield from _text(route.at, route.lines, anchor=route.anchor)


def _route(arrow: Arrow) -> Route:
    (column, row), (to_column, to_row) = PLACES[arrow.source], PLACES[arrow.target]
    if (arrow.source, arrow.target) in AROUND:
        return _around(arrow)
    if column == to_column and abs(row - to_row) == 1:
        return _vertical(arrow)
    if row == to_row and abs(column - to_column) == 1:
        return _horizontal(arrow)
    return _bent(arrow)


def _vertical(arrow: Arrow) -> Route:
    """Straight to a neighbour; two that meet keep apart, each with its caption outside."""
    both = any((a.source, a.target) == (arrow.target, arrow.source) for a in drawn())
    down = _top(arrow.target) > _top(arrow.source)
    x = _middle(arrow.source).x + ((-_PAIR if down else _PAIR) if both else 0)
    start = _top(arrow.source) + (_HIGH if down else 0)
    end = _top(arrow.target) + (0 if down else _HIGH)
    left = both and down
    lines = _caption(arrow)
    at = Point(x + (-8 if left else 8), (start + end) // 2 + 4 - (len(lines) - 1) * _LINE // 2)
    return Route((Point(x, start), Point(x, end)), at, "end" if left else "start", lines)


def _horizontal(arrow: Arrow) -> Route:
    """Straight across the gutter, the caption above and the guard below the line."""
    (x, y), to_right = _middle(arrow.source), _left(arrow.target) > _left(arrow.source)
    start = x + (_WIDE // 2 if to_right else -_WIDE // 2)
    end = start + (_GUTTER if to_right else -_GUTTER)
    event, *guard = _caption(arrow)
    lines = (event, "", *guard) if guard else (event,)
    return Route(
        (Point(start, y), Point(end, y)), Point((start + end) // 2, y - 8), "middle", lines
    )


def _around(arrow: Arrow) -> Route:
    """Out of the left side, along a lane, and into the left side again."""
    start, end = _middle(arrow.source), _middle(arrow.target)
    lane = min(_left(arrow.source), _left(arrow.target)) - _LANE
    points = (
        Point(_left(arrow.source), start.y),
        Point(lane, start.y),
        Point(lane, end.y),
        Point(_left(arrow.target), end.y),
    )
    if _left(arrow.target) - lane > _GUTTER:
        return Route(points, Point(lane + _LANE, end.y - 8), "start", (" ".join(_caption(arrow)),))
    at = Point(lane - 8, (start.y + end.y) // 2)
    return Route(points, at, "end", _caption(arrow))


def _bent(arrow: Arrow) -> Route:
    """Down into the top of a box, or up and into its side; the caption is on the level part."""
    start, end = _middle(arrow.source), _middle(arrow.target)
    to_right = end.x > start.x
    if end.y > start.y:
        side = Point(start.x + (_WIDE // 2 if to_right else -_WIDE // 2), start.y)
        points = (side, Point(end.x, start.y), Point(end.x, _top(arrow.target)))
    else:
        side = Point(end.x + (-_WIDE // 2 if to_right else _WIDE // 2), end.y)
        points = (Point(start.x, _top(arrow.source)), Point(start.x, end.y), side)
    level = points[:2] if end.y > start.y else points[1:]
    at = Point((level[0].x + level[1].x) // 2, level[0].y - 8)
    return Route(points, at, "middle", (" ".join(_caption(arrow)),))


def _caption(arrow: Arrow) -> tuple[str, ...]:
    return (arrow.event, f"[{arrow.guard}]") if arrow.guard else (arrow.event,)


def _text(at: Point, lines: tuple[str, ...], **look: object) -> Iterator[str]:
    """One element a line, so that a line can be found and selected by itself."""
    names = {"size": "font-size", "weight": "font-weight", "anchor": "text-anchor", "fill": "fill"}
    attributes = "".join(f" {names[k]}={quoteattr(str(v))}" for k, v in look.items())
    for number, line in enumerate(lines):
        if line:
            y = at.y + number * _LINE
            yield f'<text x="{at.x}" y="{y}"{attributes}>{escape(line)}</text>'


def _left(state: str) -> int:
    return _MARGIN + PLACES[state][0] * (_WIDE + _GUTTER)


def _top(state: str) -> int:
    return _TOP + PLACES[state][1] * (_HIGH + _GAP)


def _middle(state: str) -> Point:
    return Point(_left(state) + _WIDE // 2, _top(state) + _HIGH // 2)
