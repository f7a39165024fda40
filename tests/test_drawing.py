"""The drawings tell what the chart says: all of it, and nothing else."""

import re
from collections import Counter
from datetime import timedelta
from itertools import combinations, pairwise
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from onboarding import drawing, drawing_picture
from onboarding.chart import MAY_FIRE, NEXT_MOVE, OPEN, STATES

SVG = "{http://www.w3.org/2000/svg}"


class Box(NamedTuple):
    """A rectangle of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def touches(self, other: "Box") -> bool:
        """Whether two boxes share more than an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def picture(lit: str | None = None) -> ET.Element:
    return ET.fromstring(drawing_picture.svg(lit))


def boxes() -> dict[str, Box]:
    found = {}
    for group in picture().iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        x, y, wide, high = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        found[group.attrib["id"].removeprefix("state-")] = Box(x, y, x + wide, y + high)
    return found


def lines() -> list[list[tuple[float, float]]]:
    """The corners of every arrow."""
    return [
        [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]  # type: ignore[misc]
        for line in picture().iter(f"{SVG}polyline")
    ]


def written() -> list[Box]:
    """Where texts stand, by a letter's usual width."""
    found = []
    for text in picture().iter(f"{SVG}text"):
        size = float(text.attrib.get("font-size", 12))
        wide = len(text.text or "") * size * 0.58
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        left = (
            x
            - {"start": 0, "middle": wide / 2, "end": wide}[text.attrib.get("text-anchor", "start")]
        )
        found.append(Box(left, y - size * 0.75, left + wide, y + size * 0.2))
    return found


def test_every_move_is_drawn_or_named_in_its_state() -> None:
    for arrow in drawing.arrows():
        assert (arrow in drawing.drawn()) != (arrow.event in drawing.aside(arrow.source))


def test_every_state_is_a_box_and_every_drawn_move_an_arrow() -> None:
    assert set(boxes()) == set(STATES)
    assert len(lines()) == len(drawing.drawn())


def test_an_arrow_leads_from_the_edge_of_its_source_to_the_edge_of_its_target() -> None:
    found = boxes()
    for arrow, points in zip(drawing.drawn(), lines(), strict=True):
        assert _on_edge(points[0], found[arrow.source])
        assert _on_edge(points[-1], found[arrow.target])


def test_no_arrow_runs_through_a_box() -> None:
    for points in lines():
        for start, end in pairwise(points):
            (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
            line = Box(left - 0.1, top - 0.1, right + 0.1, bottom + 0.1)
            inside = [
                Box(b.left + 1, b.top + 1, b.right - 1, b.bottom - 1) for b in boxes().values()
            ]
            assert not any(line.touches(box) for box in inside)


def test_no_text_covers_another() -> None:
    assert not [pair for pair in combinations(written(), 2) if pair[0].touches(pair[1])]


def test_texts_stay_in_their_boxes_and_in_the_picture() -> None:
    width, height = map(float, picture().attrib["viewBox"].split()[2:])
    whole = [*boxes().values()]
    for text in written():
        assert text.left >= 0 and text.right <= width and text.bottom <= height  # noqa: PT018
        assert all(not text.touches(box) or text.right <= box.right for box in whole)


@pytest.mark.parametrize("state", STATES)
def test_the_lit_state_says_so_in_words_and_alone(state: str) -> None:
    texts = [text.text for text in picture(state).iter(f"{SVG}text")]
    assert [text for text in texts if (text or "").endswith("– here")] == [f"{state} – here"]
    description = picture(state).findtext(f"{SVG}desc")
    assert description is not None
    assert description.startswith(f"The onboarding is in {state}")


def test_the_picture_needs_no_style_that_a_content_security_policy_forbids() -> None:
    assert "style" not in drawing_picture.svg("started")


def test_the_picture_has_a_title_and_a_text_for_those_who_do_not_see_it() -> None:
    root = picture()
    assert root.attrib["role"] == "img"
    for name in root.attrib["aria-labelledby"].split():
        assert any(part.attrib.get("id") == name and part.text for part in root)
    assert "type_chosen to issuing_secret by issue_id [contact_verified]" in str(
        root.findtext(f"{SVG}desc")
    )


def test_mermaid_has_every_drawn_move_with_its_guard() -> None:
    moves = re.findall(
        r"^    (\w+) --> (\w+) : (\w+)(?: \[(.+)\])?$", drawing.mermaid(), re.MULTILINE
    )
    drawn = Counter((a.source, a.target, a.event, a.guard) for a in drawing.drawn())
    assert Counter(moves) == drawn


def test_mermaid_lights_a_state() -> None:
    assert "class verifying lit\n" in drawing.mermaid("verifying")
    assert "lit" not in drawing.mermaid()


def test_the_page_has_a_row_for_every_state_and_event() -> None:
    page = drawing.markdown()
    for name in (*STATES, *MAY_FIRE):
        assert page.count(f"\n| `{name}` |") == 1
    assert "reminder at 7 d, reminder at 27 d, `expire` at 30 d" in page


def test_sources_are_told_in_the_fewest_words() -> None:
    def of(event: str) -> str:
        return drawing.sources(a for a in drawing.arrows() if a.event == event)

    assert of("cancel") == "every open state"
    assert of("start_over") == "every open state but started, verifying"
    assert of("reissue_secret") == "secret_ready, secret_lapsed, secret_revealed"


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=90), "90 min"),
        (timedelta(hours=20), "20 h"),
        (timedelta(days=1), "24 h"),
        (timedelta(days=7), "7 d"),
    ],
)
def test_a_length_is_told_in_its_largest_whole_unit(time: timedelta, words: str) -> None:
    assert drawing.length(time) == words


def test_every_open_state_says_whose_turn_it_is() -> None:
    turns = [text.text or "" for text in picture().iter(f"{SVG}text")]
    for state in OPEN:
        move = NEXT_MOVE[state]
        assert f"next: {move.whom}, within {drawing.length(move.overdue_after)}" in turns


def _on_edge(point: tuple[float, float], box: Box) -> bool:
    x, y = point
    within = box.left <= x <= box.right and box.top <= y <= box.bottom
    return within and (x in (box.left, box.right) or y in (box.top, box.bottom))
