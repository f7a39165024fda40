"""The chart for programs: all of it, in every language, and not twice to who has it."""

import pytest
from sqlalchemy import Engine

from onboarding import drawing
from onboarding.chart import EVENT_TYPES, MAY_FIRE, NEXT_MOVE, STATES
from onboarding.sealing import Keyring
from onboarding.words import LOCALES
from tests.web.calling import System, a_system, expect, refused, served

PATH = "/v1/chart"


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may hardly do anything."""
    return a_system(served(ring), ["aggregators:write"])


def test_the_chart_is_told_as_it_is(system: System) -> None:
    told = expect(system.get(PATH), 200)
    assert [each["name"] for each in told["states"]] == [*STATES]
    assert {each["name"]: each["who"] for each in told["events"]} == {
        event: sorted(whom) for event, whom in MAY_FIRE.items()
    }
    moves = [
        (m["source"], e["name"], m["target"], m["guard"])
        for e in told["events"]
        for m in e["moves"]
    ]
    assert sorted(moves) == sorted(map(tuple, drawing.arrows()))
    turns = {s["name"]: s["next_move"]["whom"] for s in told["states"] if s["next_move"]}
    assert turns == {state: move.whom for state, move in NEXT_MOVE.items()}
    assert set(told["milestones"]) < set(EVENT_TYPES)
    assert told["version"] == drawing.version()


def test_labels_are_there_in_every_language(system: System) -> None:
    told = expect(system.get(PATH), 200)
    for each in (*told["states"], *told["events"]):
        assert {*each["labels"]} == {*LOCALES}
        assert all(each["labels"].values())
    confirmed = next(each for each in told["states"] if each["name"] == "confirmed")
    assert confirmed["labels"]["en"] == drawing.label("confirmed")
    assert confirmed["labels"]["fr"] != confirmed["labels"]["en"]


def test_the_picture_is_to_be_had_alone(system: System) -> None:
    for answer in (
        system.get(f"{PATH}?format=mermaid"),
        system.get(PATH, accept="text/vnd.mermaid"),
    ):
        assert answer.text == drawing.mermaid()
        assert answer.headers["content-type"].startswith("text/vnd.mermaid")
    assert expect(system.get(f"{PATH}?format=json", accept="text/vnd.mermaid"), 200)["mermaid"]
    refused(system.get(f"{PATH}?format=svg"), 422, "invalid")


def test_who_has_it_is_told_so(system: System) -> None:
    first = system.get(PATH)
    tag = first.headers["etag"]
    again = system.get(PATH, if_none_match=f'"other", W/{tag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert system.get(PATH, if_none_match='"other"').status_code == 200
    assert system.get(f"{PATH}?format=mermaid", if_none_match=tag).status_code == 200
    assert first.headers["vary"] == "Accept"
