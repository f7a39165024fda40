"""Connections at hand: the next statement has the one of the last, and never one that may be broken."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, QueuePool, event, insert, select, text
from sqlalchemy.exc import DBAPIError

from onboarding import alone, at_hand, db, driver, outages, outbox, presence, sqlite_driver
from onboarding.ids import new_id
from onboarding.models import KeyCheck
from tests.builders import SELLER
from tests.databases import connected
from tests.test_db import FORKS

# Of the server, the process that a connection speaks with.
WHO = "SELECT pg_backend_pid()"


def who() -> int:
    ((number,),) = driver.alone(WHO, {})
    return int(number)


def out(engine: Engine) -> int:
    """How many the pool has given away."""
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


@pytest.fixture
def checkouts(postgresql: Engine) -> list[object]:
    """Grows whenever the pool gives one away."""
    seen: list[object] = []
    event.listen(postgresql, "checkout", lambda *_: seen.append(_))
    return seen


def test_the_next_statement_has_the_one_of_the_last(
    postgresql: Engine, checkouts: list[object]
) -> None:
    assert len({who() for _ in range(5)}) == 1
    assert (len(checkouts), out(postgresql)) == (1, 1)


def test_a_statement_that_fails_spoils_nothing(postgresql: Engine) -> None:
    before = who()
    with pytest.raises(DBAPIError):
        driver.alone("SELECT 1 / 0", {})
    assert who() == before


def test_one_that_the_server_has_ended_is_not_used(postgresql: Engine) -> None:
    ended = who()
    with db.transaction() as session:
        session.execute(text("SELECT pg_terminate_backend(:it, 5000)"), {"it": ended})
    assert who() != ended


def test_one_that_has_rested_is_tried_first(
    postgresql: Engine, checkouts: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, tried, ping = who(), list[object](), postgresql.dialect.do_ping

    def seen(connection: object) -> bool:
        tried.append(connection)
        return ping(connection)  # type: ignore[arg-type]

    monkeypatch.setattr(postgresql.dialect, "do_ping", seen)
    with at_hand.taken(postgresql) as kept:
        driver = kept.driver
    kept.used_at = 0.0
    assert who() == before
    assert len(checkouts) == 2
    assert tried == [driver]


def test_one_that_is_still_at_something_is_given_up(postgresql: Engine) -> None:
    """Whoever was interrupted has not had the answer: the next must not get it."""
    busy = who()
    with at_hand.taken(postgresql) as kept:
        connection: Any = kept.driver
        connection.pgconn.send_query(b"SELECT pg_sleep(60)")
    assert who() != busy
    assert connection.closed


def test_on_sqlite_what_was_rolled_back_leaves_its_connection_to_the_next(sqlite: Engine) -> None:
    seen: list[object] = []
    event.listen(sqlite, "checkout", lambda *_: seen.append(_))
    with suppress(ZeroDivisionError), sqlite_driver.alone() as execute:
        execute(insert(KeyCheck).values(key_id="seal.never", value=bytes(32)), {})
        raise ZeroDivisionError
    with sqlite_driver.alone() as execute:
        assert execute(select(KeyCheck.key_id), {}) == []
    assert (len(seen), out(sqlite)) == (1, 1)


def test_half_of_the_pool_is_left_to_transactions(
    postgresql: Engine, shared_postgres_database: str
) -> None:
    engine = db.connect(shared_postgres_database, pool_size=4)
    with ExitStack() as all_of_them:
        for _ in range(4):
            all_of_them.enter_context(at_hand.taken(engine))
        assert out(engine) == 4
    assert out(engine) == 2
    engine.dispose()


@pytest.fixture
def nobody_there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A port at which nobody listens; a file whose folder is gone."""
    folder = tmp_path / "gone"
    there = (
        f"sqlite:///{folder}/db"
        if request.param == "sqlite"
        else "postgresql+psycopg://@127.0.0.1:1/none"
    )
    for engine in connected(there):
        if request.param == "sqlite":
            folder.rmdir()
        yield engine


def claim() -> object:
    return outbox.claim_many(new_id(), 5, owner=1, known=("canary",))


def start() -> object:
    return alone.start(SELLER, locale="en", rule_set="tests")


def look() -> object:
    return driver.look(WHO, {})


# On SQLite a sign is a file, of which the database knows nothing.
ASKED = [
    ("sqlite", claim),
    ("sqlite", start),
    ("postgresql", claim),
    ("postgresql", start),
    ("postgresql", look),
    ("postgresql", presence.sign),
]


@pytest.mark.parametrize(("nobody_there", "ask"), ASKED, indirect=["nobody_there"])
def test_where_none_can_be_had_it_is_an_outage_and_nothing_has_happened(
    nobody_there: Engine, ask: Callable[[], object]
) -> None:
    with pytest.raises(DBAPIError) as error:
        ask()
    found = outages.outage(error.value)
    assert found
    assert found.code == "unavailable"
    assert not outages.is_rolled_back(error.value)


def test_they_go_with_the_engine(postgresql: Engine) -> None:
    with at_hand.taken(postgresql) as kept:
        connection: Any = kept.driver
    postgresql.dispose()
    assert connection.closed
    assert who()


@FORKS
def test_a_forked_child_leaves_its_parents_alone(postgresql: Engine) -> None:
    parents = who()
    child = os.fork()
    if not child:
        os._exit(who() == parents)
    assert os.waitpid(child, 0)[1] == 0
    assert who() == parents
