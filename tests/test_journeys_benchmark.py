"""The journey of the benchmarks is what it says that it is, and so is what is made of its numbers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.journeys import plot, results, table
from benchmarks.journeys.__main__ import CONTESTANTS, a_place
from benchmarks.journeys.clients import quantile
from benchmarks.journeys.contest import LIMIT, OURS, PEER, Contestant, Place, run
from benchmarks.journeys.figures import at, busy, spread, to_best_peer, to_reference
from tests.servers.folders import server_folder
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey

# One onboarding, eight entries and five tasks come; it moves seven times; five tasks go.
ROWS = 1 + 8 + 5 + 7 + 5
EVENTS_OF_A_PERSON = 6
LIMITS = [one for one in CONTESTANTS if one.kind == LIMIT]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One that nobody else writes to: some of its counts are the server's, not the database's."""
    with server_folder() as folder, Postgres.start(folder) as server:
        yield server


@pytest.fixture
def place(server: Postgres, valkey: Valkey, tmp_path: Path) -> Place:
    return a_place(server, valkey, tmp_path, "journeys")


@pytest.mark.parametrize("contestant", LIMITS, ids=lambda one: one.name)
def test_a_journey_on_each_limit_writes_the_rows_that_it_is_defined_by(
    contestant: Contestant, place: Place, server: Postgres
) -> None:
    measured = run(contestant, place, clients=2, journeys=20, warm_up=2)
    server.drop_database("journeys")
    assert measured["rows"] == ROWS
    if contestant.name == table.FLOOR:
        assert measured["commits"] >= EVENTS_OF_A_PERSON
        assert all(len(measured[name]) == 2 for name in ("ack", "back", "letter"))
    letters = place.folder / "letters"
    assert not letters.exists() or len(letters.read_text().split()) % 3 == 0


def test_a_quantile_is_one_of_the_numbers() -> None:
    numbers = [float(number) for number in range(100, 0, -1)]
    assert (quantile(numbers, 0.5), quantile(numbers, 0.99), quantile(numbers, 1)) == (50, 99, 100)
    assert quantile([7.0], 0.99) == 7.0


def test_a_spread_is_the_median_and_how_far_the_farthest_turn_is() -> None:
    found = spread([{"one": a_run(per_s)} for per_s in (90, 100, 150)], "one", at("per_s"))
    assert found
    assert (found.median, found.low, found.high, found.around) == (100, 90, 150, 0.5)


def test_ratios_are_taken_within_a_turn() -> None:
    """The machine was three times as fast in the second turn; nobody's ratio notices."""
    turns = [
        {"floor": a_run(100 * fast, LIMIT), "a": a_run(50 * fast), "b": a_run(25 * fast)}
        for fast in (1, 3)
    ]
    floor = to_reference(turns, "a", at("per_s"), "floor")
    best = to_best_peer(turns, "b", at("per_s"), max)
    assert floor
    assert best
    assert (floor.low, floor.high) == (0.5, 0.5)
    assert (best.low, best.high) == (0.5, 0.5)


def test_the_best_peer_is_neither_a_limit_nor_this_project() -> None:
    turn = {"floor": a_run(9, LIMIT), "ours": a_run(8, OURS), "a": a_run(4), "b": a_run(2)}
    best = to_best_peer([turn], "ours", at("per_s"), max)
    assert best
    assert best.median == 2


def test_a_number_that_a_run_does_not_have_is_none() -> None:
    without = a_run(1) | {"ack": None}
    assert at("ack", 0)(without) is None
    assert at("wal", "kB")(without) is None
    assert spread([{"one": without}], "one", at("ack", 0)) is None
    assert to_best_peer([{"one": without}], "one", at("ack", 0), min) is None


def test_a_row_is_marked_where_one_turn_had_company() -> None:
    quiet, loud = a_run(1), a_run(1, foreign=0.31)
    assert not busy([{"one": quiet}, {"one": quiet}], "one")
    assert busy([{"one": quiet}, {"one": loud}], "one")


def test_the_table_has_a_row_for_each_contestant_and_a_cell_for_each_column() -> None:
    turns = [
        {
            "floor": a_run(500 * fast, LIMIT),
            "floor (C)": a_run(800 * fast, LIMIT, ack=None, back=None, letter=None),
            "pgqueuer": a_run(150 * fast, foreign=0.4),
            "this project": a_run(300 * fast, OURS),
        }
        for fast in (1.0, 1.1)
    ]
    head, *rows = table.table(turns)
    assert [row[0] for row in rows] == list(turns[0])
    assert {len(row) for row in rows} == {len(head)}
    cells = {row[0]: dict(zip(head[1:4], row[1:4], strict=True)) for row in rows}
    assert cells["this project"] == {"journeys/s": "315 ±5%", "×floor": "0.60", "×best": "2.00"}
    assert rows[1][head.index("ack")] == table.NOTHING
    assert [row[-1].endswith(table.MARK) for row in rows] == [False, False, True, False]
    assert "**this project**" in table.markdown(turns)
    assert table.markdown(turns).startswith(f"| {head[0]} |")
    assert table.plain(turns).splitlines()[2].startswith("floor (C)")


def test_the_plot_says_in_words_what_it_shows() -> None:
    turns = [{"floor": a_run(500, LIMIT), "A & B": a_run(150)}]
    picture = ET.fromstring(plot.svg(turns))
    said = "".join(picture.itertext())
    assert "floor 500, A & B 150" in said
    assert len(picture.findall("{http://www.w3.org/2000/svg}path")) == 2 * len(turns[0])


def a_run(per_s: float, kind: str = PEER, **more: Any) -> dict[str, Any]:
    parts = {"db": 1.0, "broker": 0.0, "worker": 2.0, "client": 3.0}
    times = {"ack": [1.0, 2.0], "back": [3.0, 4.0], "letter": [5.0, 6.0]}
    written = {"commits": 7.0, "rows": 26.0, "wal_kB": 5.0, "flushes": 3.0}
    numbers = {"per_s": per_s, "cpu_ms": 6.0, "cpu": parts, "foreign": 0.1}
    return {"kind": kind} | times | written | numbers | more


def test_the_results_are_written_as_scripts_know_them(tmp_path: Path) -> None:
    """The names are public: `machine`, and of each system what it did and cost."""
    raw = {"system": "raw-sqlite", "clients": 8, "wal_kB": None}
    turns = [
        {"ours": a_run(per_s, OURS, system="onboarding", clients=8), "raw": a_run(900, LIMIT) | raw}
        for per_s in (100, 120, 90)
    ]
    path = results.write(turns, "two processors", tmp_path / "results")
    assert path.suffix == ".json"
    told = json.loads(path.read_text())
    assert told["machine"] == "two processors"
    assert told["journeys"][0] == {
        "system": "onboarding",
        "clients": 8,
        "journeys_per_s": 100,
        "cpu_ms_per_journey": 6.0,
        "ack_ms": {"p50": 1.0, "p99": 2.0},
        "effect_ms": {"p50": 3.0, "p99": 4.0},
        "rows_per_journey": 26.0,
        "wal_kb_per_journey": 5.0,
    }
    assert told["journeys"][1]["wal_kb_per_journey"] is None


def test_every_system_has_the_name_that_scripts_know() -> None:
    assert {one.system for one in CONTESTANTS} >= {
        "onboarding",
        "raw-psycopg",
        "raw-pgbench",
        "raw-sqlite",
        "pgqueuer",
    }
    assert len({one.system for one in CONTESTANTS}) == len(CONTESTANTS)
