"""What a journey costs the database, as numbers that no machine changes: a guard against slow growth."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event

from benchmarks.journeys import ours
from benchmarks.journeys.clients import Mouth
from benchmarks.journeys.measuring import Written
from onboarding import db, presence, queries
from onboarding.ids import new_id
from onboarding.web import api_view
from tests import builders
from tests.databases import connected
from tests.instructions import instructions
from tests.noting import count_statements
from tests.servers.folders import server_folder
from tests.servers.postgres import Postgres
from tests.test_relay import until
from workers import tasks, turns

JOURNEYS = 20
# One onboarding, eight entries and five tasks come; it moves seven times; five tasks go. A turn is a row
# more, but not of the two letters that a worker's own report promises: it takes those at once.
ROWS = 1 + 8 + 5 + 7 + 5 + 3
# Six events; three turns of tasks, two reports, three letters noted.
COMMITS = 6 + 3 + 2 + 3
# What PostgreSQL is asked for, each in a round trip. An event is one statement; a turn is taken by an UPDATE;
# a report strikes off and locks, and then moves, within a transaction; a letter that is out is struck off.
ROUND_TRIPS = {"WITH": 6 + 2 * 2, "UPDATE": 3, "BEGIN": 2, "COMMIT": 2, "DELETE": 3}
ASKED = """
    SELECT split_part(btrim(query, E' \\n'), ' ', 1), sum(calls)::int FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY 1
"""
# What SQLite is asked for, all told. It has no round trips; each of these is a few dozen microseconds.
ON_SQLITE = {"BEGIN": 14, "SELECT": 8, "INSERT": 14, "UPDATE": 10, "DELETE": 5, "COMMIT": 14}
# Written ahead for each journey: 11,600 mostly; it differs a little with where rows come to lie in their pages.
WAL_BYTES = 12_000
# Instructions of the interpreter, at most: for an event alone, for a letter, for a report with the letter
# that it promises, and for four of those that one call takes. Versions of Python differ by some, so each has
# a tenth more than 3.11 takes.
INSTRUCTIONS = {
    "postgresql": {"event": 2_100, "letter": 6_900, "report": 20_000, "four": 37_500},
    "sqlite": {"event": 3_500, "letter": 7_600, "report": 21_600, "four": 48_000},
}


@pytest.fixture
def work(tmp_path: Path, ring: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The benchmark's, under the names that the chart promises."""
    with closing(Mouth(_free_port(), tmp_path)) as mouth:
        for name, each in ours.work_of(mouth).items():
            monkeypatch.setitem(tasks.TASKS, name, each)
        yield


@pytest.fixture
def counting(tmp_path: Path, work: None) -> Iterator[str]:
    """A server that nobody else writes to."""
    counted = {"shared_preload_libraries": "pg_stat_statements", "autovacuum": "off"}
    with server_folder() as folder, Postgres.start(folder, **counted) as server:
        url = server.create_database("budget")
        with contextmanager(connected)(url):
            ours.prepare(tmp_path)
            walk()
            yield url


def test_a_journey_costs_what_it_costs(counting: str) -> None:
    with psycopg.connect(counting.replace("+psycopg", ""), autocommit=True) as connection:
        settled(connection)
        connection.execute("CREATE EXTENSION pg_stat_statements")
        before = Written.read(connection)
        connection.execute("SELECT pg_stat_statements_reset()")
        for _ in range(JOURNEYS):
            walk()
        asked = {verb: int(calls / JOURNEYS) for verb, calls in connection.execute(ASKED)}
        settled(connection)
        cost = Written.read(connection).per(before, JOURNEYS)
    # What is asked once, of a connection that is new, comes on top.
    assert {verb: count for verb, count in asked.items() if count} == ROUND_TRIPS
    assert round(cost["rows"], 1) == ROWS
    # What connections do when they are new comes on top, once.
    assert int(cost["commits"]) == COMMITS
    assert cost["wal_kB"] * 1000 < WAL_BYTES


def test_a_journey_on_sqlite_costs_what_it_costs(
    sqlite: Engine, tmp_path: Path, work: None
) -> None:
    ours.prepare(tmp_path)
    walk()
    said: list[str] = []
    event.listen(sqlite, "checkout", lambda driver, *_: driver.set_trace_callback(said.append))
    # Those that are at hand are not taken out of the pool again.
    sqlite.dispose()
    walk()
    verbs = Counter(text.split()[0] for text in said)
    assert verbs == ON_SQLITE


def test_an_event_and_its_tasks_take_so_many_instructions(
    database: Engine, tmp_path: Path, work: None
) -> None:
    """What no budget of statements sees: a copy for each column, a statement that is built each time."""
    ours.prepare(tmp_path)
    # The driver has the server prepare what it is asked for the sixth time, and 3.12 counts nothing of
    # what it sees for the first time.
    *_, first, again = (taken() for _ in range(8))
    budget = INSTRUCTIONS[database.dialect.name]
    assert {name: count for name, count in again.items() if count > budget[name]} == {}
    # Otherwise it is no measure.
    assert first["event"] == again["event"]


def taken() -> dict[str, int]:
    """The instructions of one journey's second event, of its only letter that is alone, and of reports."""
    person = ours.Walk()
    onboarding = person.create()
    person.move(onboarding, 0)
    event = instructions(lambda: person.move(onboarding, 1))
    person.move(onboarding, 2)
    report = instructions(lambda: turns.drain(str(new_id())))
    person.move(onboarding, 3)
    letter = instructions(lambda: turns.drain(str(new_id())))
    for _ in range(4):
        another = person.create()
        for step in range(3):
            person.move(another, step)
    four = instructions(lambda: turns.drain(str(new_id())))
    return {"event": event, "letter": letter, "report": report, "four": four}


def walk() -> None:
    """One journey, and the work after each of its steps."""
    person = ours.Walk()
    onboarding = person.create()
    for step, comes in enumerate(ours.STEPS):
        person.move(onboarding, step)
        if comes:
            turns.drain(str(new_id()))


def settled(connection: "psycopg.Connection[tuple[int, ...]]") -> None:
    """A backend tells what it has done when it ends, or after a while."""
    presence.withdraw()
    db.engine().dispose()

    def alone() -> bool:
        others = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
        return others == (0,)

    until(alone)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize("count", [1, 3])
def test_views_of_the_api_are_one_statement(database: Engine, count: int) -> None:
    walked = [builders.an_onboarding("secret_ready") for _ in range(count)]
    asked = count_statements(database)
    with db.reading() as session:
        rows = [queries.by_id(session, each) for each in walked]
        before = len(asked)
        views = api_view.views(session, rows)
    assert [view.id for view in views] == walked
    assert len(asked) == before + 1
