"""A database that takes no changes: read-only (F27), full (F30), locked or without a free connection (F28).

Writes are refused with 503 and a sentence that says why, reads go on, and it resumes by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, make_url, select
from sqlalchemy.exc import OperationalError

from onboarding import alone, db, outages
from onboarding.models import Onboarding
from onboarding.sealing import Keyring
from tests import builders
from tests.databases import connected, empty
from tests.dumping import dump
from tests.faults import write_paths
from tests.faults.breaking import failing
from tests.faults.write_paths import REQUESTS
from tests.racing import race
from tests.web.answering import furnished
from tests.web.calling import System, a_system, refused
from tests.web.visiting import a_visitor, text
from workers import turns

PATHS = ["start", "reveal", "page cancel"]


@contextmanager
def read_only(engine: Engine) -> Iterator[None]:
    """As a standby, or a file without leave to write, answers: each new connection is read-only."""

    def forbid(connection: object, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]

    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", forbid)
    else:
        _set(engine, "default_transaction_read_only = on")
    engine.dispose()
    try:
        yield
    finally:
        if engine.dialect.name == "sqlite":
            event.remove(engine, "connect", forbid)
        else:
            _set(engine, "default_transaction_read_only = off")
        engine.dispose()


def _set(engine: Engine, setting: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SET TRANSACTION READ WRITE")
        connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} SET {setting}")
        connection.commit()


@pytest.mark.parametrize("path", PATHS)
def test_a_read_only_database_says_so_and_goes_on_showing(
    site: FastAPI, engine: Engine, path: str
) -> None:
    attempt = REQUESTS[path](site)
    system, visitor = a_system(site), a_visitor(site, made := builders.an_onboarding("started"))
    assert system.get("/v1/onboardings").status_code == 200
    before = dump(engine)
    with read_only(engine):
        assert attempt.try_it() == 503
        assert attempt.answers[0].headers["retry-after"] == "30"
        assert "read-only" in attempt.answers[0].text
        assert "mps_test_" not in attempt.answers[0].text
        assert system.get("/v1/onboardings").status_code == 200
        assert visitor.get(visitor.home(made)).status_code == 200
        ready = System(site).get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["database"]) == (
            503,
            "the database is read-only",
        )
    assert dump(engine) == before
    assert attempt.try_it() in {200, 201, 303}


def test_the_page_says_it_in_french(site: FastAPI, engine: Engine) -> None:
    visitor = a_visitor(site, made := builders.an_onboarding("started"), "fr")
    page = visitor.open(f"{visitor.home(made)}/cancel")
    with read_only(engine):
        answer = visitor.press(page, "/cancel")
    assert answer.headers["content-language"] == "fr"
    assert "lecture seule" in text(answer)


def test_a_key_is_good_for_looking_where_its_use_cannot_be_noted(
    site: FastAPI, engine: Engine
) -> None:
    system = a_system(site)
    with read_only(engine):
        assert system.get("/v1/onboardings").status_code == 200


def test_no_task_burns_an_attempt_while_nothing_can_be_written(engine: Engine) -> None:
    message = write_paths.promise("generate_secret")
    with read_only(engine):
        for _ in range(20):
            with pytest.raises(Exception, match=r"read-?only"):
                turns.run(str(message))
    (waiting,) = builders.promised()
    assert waiting.attempts == 0
    turns.run(str(message))
    assert write_paths.done("generate_secret", message) == 1


def test_a_full_disk_refuses_writes_and_goes_on_showing(site: FastAPI, engine: Engine) -> None:
    system = a_system(site)
    onboarding = system.start()
    with full(engine):
        answers = (system.post("/v1/onboardings", {"locale": "en"}) for _ in range(500))
        problem = refused(next(a for a in answers if a.status_code != 201), 503, "no_space")
        assert problem["retryable"]
        before = dump(engine)
        assert system.look(onboarding)["state"] == "started"
        assert dump(engine) == before
    assert system.start()["state"] == "started"


@contextmanager
def full(engine: Engine) -> Iterator[None]:
    """No page more for SQLite; PostgreSQL says what it says when a table cannot grow."""
    if engine.dialect.name == "postgresql":
        with failing(engine, "transitions", "53100"):
            yield
        return

    def limit(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # type: ignore[attr-defined]

    event.listen(engine, "connect", limit)
    engine.dispose()
    yield
    event.remove(engine, "connect", limit)
    engine.dispose()


def test_a_row_that_is_held_refuses_its_own_callers_and_nobody_else(
    on_postgresql: Engine, ring: Keyring
) -> None:
    """Twelve wait for it at once; each is told within `lock_timeout`, and others go on meanwhile."""
    site = furnished(ring)
    system, other = a_system(site), builders.an_onboarding("started")
    held = system.start()
    visitor = a_visitor(site, other)
    with on_postgresql.connect() as holder:
        holder.execute(
            select(Onboarding).where(Onboarding.reference == held["reference"]).with_for_update()
        )

        def cancel() -> httpx.Response:
            return system.post(held["links"]["events"], {"event": "cancel", "data": {}})

        def look() -> httpx.Response:
            return visitor.get(visitor.home(other))

        outcomes = race(*[cancel] * 12, *[look] * 4)
        statuses = [o.status_code if isinstance(o, httpx.Response) else o for o in outcomes]
        assert statuses == [503] * 12 + [200] * 4
        assert all(refused(o, 503, "busy") for o in outcomes[:12] if isinstance(o, httpx.Response))
    assert cancel().json()["state"] == "cancelled"


def test_a_statement_without_an_end_is_cut_off(on_postgresql: Engine) -> None:
    with on_postgresql.connect() as connection:
        limits = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        }
    assert limits == {
        "lock_timeout": "2s",
        "statement_timeout": "10s",
        "idle_in_transaction_session_timeout": "30s",
    }
    for block in (db.snapshot, db.transaction):
        with block() as session:
            db.without_hurry(session)
            assert session.connection().exec_driver_sql("SHOW statement_timeout").scalar() == "0"
    with pytest.raises(RuntimeError, match="of its own"), db.reading() as session:
        db.without_hurry(session)


def test_what_the_url_asks_for_wins(own_url: str, ring: Keyring) -> None:
    asked = make_url(own_url).update_query_dict({"options": "-c lock_timeout=7s"})
    for engine in connected(asked.render_as_string(hide_password=False)):
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "7s"
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "10s"


def test_an_event_alone_that_is_cut_off_has_certainly_not_happened(
    own_url: str, ring: Keyring
) -> None:
    """The server answers that it has cancelled the statement, and with it the transaction that it is."""
    empty(own_url)
    limits = {"options": "-c statement_timeout=200ms -c lock_timeout=0"}
    plugin = {"connection_type": "plugin"}
    for engine in connected(
        make_url(own_url).update_query_dict(limits).render_as_string(hide_password=False)
    ):
        onboarding_id = builders.an_onboarding("started")
        with engine.begin() as holding:
            holding.execute(select(Onboarding).with_for_update())
            with pytest.raises(OperationalError) as error:
                alone.fire(onboarding_id, "choose_type", builders.SELLER, choices=plugin)
        found = outages.outage(error.value)
        assert found
        assert found.code == "busy"
        assert builders.state_of(onboarding_id) == "started"


def test_without_a_free_connection_the_caller_is_asked_to_come_back(
    own_url: str, ring: Keyring
) -> None:
    empty(own_url)
    engine = db.connect(own_url, pool_size=1)
    system = a_system(furnished(ring))
    with engine.connect(), engine.connect():
        answer = system.get("/v1/onboardings")
    assert refused(answer, 503, "busy")["retryable"]
    assert answer.headers["retry-after"] == "5"
    assert system.get("/v1/onboardings").status_code == 200
    engine.dispose()


def test_writers_of_sqlite_do_not_pile_up_behind_one(sqlite: Engine, ring: Keyring) -> None:
    site = furnished(ring)
    system = a_system(site)

    def start() -> httpx.Response:
        return system.post("/v1/onboardings", {"locale": "en"})

    with db.transaction():
        outcomes = race(*[start] * 8)
    assert [refused(o, 503, "busy")["retryable"] for o in outcomes if isinstance(o, httpx.Response)]
    assert start().status_code == 201
