"""The log of events: all of them, in one order, and nothing comes in behind a reader."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from onboarding import event_log, lifecycle
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.event_log import BEGINNING, Cursor
from onboarding.models import EventLog, Transition
from tests import builders
from tests.builders import SELLER, an_onboarding
from workers import clock

PLUGIN = {"connection_type": "plugin"}


@pytest.fixture
def log(database: Engine) -> Engine:
    """A log in this very history."""
    assert clock.leap() == (1, False)
    return database


def read(after: Cursor = BEGINNING, limit: int = 1000) -> list[Transition]:
    with reading() as session:
        return [*event_log.page(session, after, limit)]


def places(transitions: list[Transition]) -> list[tuple[UUID, int]]:
    return [(each.onboarding_id, each.sequence) for each in transitions]


def paged(after: Cursor = BEGINNING, limit: int = 3) -> Iterator[Transition]:
    """As a reader who keeps nothing but the text of a cursor."""
    while found := read(after, limit):
        yield from found
        after = Cursor.read(str(Cursor.of(found[-1])))


def start_over(onboarding_id: UUID) -> None:
    with transaction() as session:
        lifecycle.fire(session, onboarding_id, "choose_type", SELLER, choices=PLUGIN)
        lifecycle.fire(session, onboarding_id, "start_over", SELLER)


def everything() -> set[tuple[UUID, int]]:
    with reading() as session:
        return {
            (row.onboarding_id, row.sequence)
            for row in session.execute(select(Transition.onboarding_id, Transition.sequence))
        }


def in_sequence(found: list[tuple[UUID, int]]) -> bool:
    """Whether each onboarding's come as 1, 2, 3 and so on."""
    last: dict[UUID, int] = {}
    for onboarding_id, sequence in found:
        if sequence != last.get(onboarding_id, 0) + 1:
            return False
        last[onboarding_id] = sequence
    return True


def test_a_page_follows_a_page_until_everything_was_read(log: Engine) -> None:
    second = an_onboarding()
    an_onboarding("confirmed")
    start_over(second)
    start_over(first := an_onboarding())
    start_over(second)
    found = places([*paged()])
    assert len(found) == len(set(found)) == len(everything())
    assert set(found) == everything()
    assert in_sequence(found)
    assert found[-3:] == [(first, 3), (second, 4), (second, 5)]


def test_the_end_is_where_the_next_event_follows(log: Engine) -> None:
    with reading() as session:
        assert event_log.end(session) == BEGINNING
    an_onboarding("confirmed")
    with reading() as session:
        end = event_log.end(session)
    assert read(end) == []
    later = an_onboarding()
    assert places(read(end)) == [(later, 1)]


@pytest.mark.parametrize("cursor", ["", "1", "1-2-3", f"1-{'0' * 31}G-1", f" 1-{'0' * 32}-1"])
def test_what_is_no_cursor_is_said_to_be_none(cursor: str) -> None:
    with pytest.raises(Invalid):
        Cursor.read(cursor)


def test_a_transaction_under_way_holds_back_what_comes_after_it(
    postgresql: Engine,
) -> None:
    before = an_onboarding()
    with transaction() as session:
        slow = builders.start(session).id
        with ThreadPoolExecutor(1) as other:
            quick = other.submit(an_onboarding).result()
        assert places(read()) == [(before, 1)]
    assert places(read()) == [(before, 1), (slow, 1), (quick, 1)]


def test_a_transaction_that_began_earlier_does_not_come_before_what_it_builds_on(
    postgresql: Engine,
) -> None:
    onboarding_id = an_onboarding()
    with transaction() as session:
        # It has its number before the other one has one.
        session.execute(text("SELECT pg_current_xact_id()"))
        with ThreadPoolExecutor(1) as other:
            other.submit(start_over, onboarding_id).result()
        lifecycle.fire(session, onboarding_id, "cancel", SELLER)
    assert [each.event for each in read()] == ["start", "choose_type", "start_over", "cancel"]


def test_whoever_reads_while_many_write_misses_nothing(log: Engine) -> None:
    writing = threading.Event()
    seen: list[Transition] = []

    def follow() -> None:
        while True:
            is_last = writing.is_set()
            seen.extend(paged(Cursor.of(seen[-1]) if seen else BEGINNING, limit=7))
            if is_last:
                return

    def write(ids: list[UUID]) -> None:
        for _ in range(5):
            for onboarding_id in ids:
                start_over(onboarding_id)

    shared = [an_onboarding() for _ in range(3)]
    with ThreadPoolExecutor(5) as threads:
        reader = threads.submit(follow)
        writers = [threads.submit(write, [*shared, an_onboarding()]) for _ in range(4)]
        for each in writers:
            each.result()
        writing.set()
        reader.result()
    found = places(seen)
    assert len(found) == len(set(found))
    assert set(found) == everything()
    assert in_sequence(found)


def test_nobody_who_counts_as_before_comes_in_behind_a_leap(postgresql: Engine) -> None:
    with transaction() as session, ThreadPoolExecutor(1) as other:
        slow = builders.start(session).id
        assert isinstance(other.submit(clock.leap).exception(), DBAPIError)
    assert clock.leap() == (1, False)
    later = an_onboarding()
    assert places(read()) == [(slow, 1), (later, 1)]


def test_another_history_goes_on_behind_all_that_readers_may_have_seen(log: Engine) -> None:
    an_onboarding()
    assert clock.leap() == (0, False)
    with transaction() as session:
        session.get_one(EventLog, 1).history = "7000.00000001.16384"
        ends = event_log.end(session)
    assert clock.leap() == (1, False)
    assert clock.leap() == (0, False)
    later = an_onboarding()
    seen_elsewhere = ends._replace(position=ends.position + 1_000_000)
    assert places(read(seen_elsewhere)) == [(later, 1)]
    start_over(later)
    assert in_sequence(places(read()))
