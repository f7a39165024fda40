"""Deadlocks, serialization failures, backends that end (F23, F24): tried again, within bounds, with one effect."""

from collections.abc import Iterator
from threading import Barrier
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import OperationalError

from onboarding import db, lifecycle
from onboarding.db import transaction
from onboarding.retrying import PAUSES, retried
from onboarding.sealing import Keyring
from onboarding.web import api_aggregators, api_onboardings, signin, wizard
from onboarding.web.retried_route import RetriedRoute
from tests import builders
from tests.databases import connected, empty
from tests.dumping import dump
from tests.faults import write_paths
from tests.faults.breaking import ALWAYS, ENDS, calls, failing
from tests.faults.write_paths import REQUESTS
from tests.racing import race
from tests.web.answering import furnished
from tests.web.calling import a_system
from workers import turns

TRIES = len(PAUSES) + 1


@pytest.fixture
def engine(on_postgresql: Engine) -> Engine:
    """SQLite lets one write at a time: nobody is in conflict there."""
    return on_postgresql


@pytest.mark.parametrize("failure", ["40001", "40P01", ENDS])
@pytest.mark.parametrize("path", ["start", "reveal", "page client ID", "page cancel"])
def test_a_conflict_is_nothing_that_a_caller_hears_of(
    site: FastAPI, engine: Engine, path: str, failure: str
) -> None:
    attempt = REQUESTS[path](site)
    before = attempt.effects()
    with failing(engine, "transitions", failure, times=1):
        assert attempt.try_it() in {200, 201, 303}
        assert calls(engine) > 1
    assert attempt.effects() - before == 1
    assert "mps_test_" in attempt.answers[0].text or "reveal" not in path


@pytest.mark.parametrize("failure", ["40001", "40P01"])
@pytest.mark.parametrize("path", ["start", "reveal", "page client ID", "page cancel"])
def test_after_the_last_try_the_caller_is_asked_to_come_back(
    site: FastAPI, engine: Engine, path: str, failure: str
) -> None:
    attempt = REQUESTS[path](site)
    before = dump(engine)
    with failing(engine, "transitions", failure, times=ALWAYS):
        assert attempt.try_it() == 503
        assert calls(engine) == TRIES
    assert attempt.answers[0].headers["retry-after"] == "5"
    assert dump(engine) == before, "no try has left anything"
    assert attempt.try_it() in {200, 201, 303}


def test_a_deadlock_of_two_ends_with_both_done(engine: Engine) -> None:
    one, other = builders.an_onboarding("started"), builders.an_onboarding("started")
    met, tries = Barrier(2), list[UUID]()

    @retried
    def lock_both(first: UUID, second: UUID) -> None:
        with transaction() as session:
            lifecycle.lock(session, first)
            tries.append(first)
            if len(tries) <= 2:
                met.wait(30)
            lifecycle.lock(session, second).connection_name = "both"

    assert race(lambda: lock_both(one, other), lambda: lock_both(other, one)) == [None, None]
    assert len(tries) == 3, "PostgreSQL has ended one of them, and it began anew"


def test_what_has_committed_before_is_not_done_twice(engine: Engine) -> None:
    tries = []

    @retried
    def two_transactions() -> None:
        tries.append(builders.an_onboarding("started"))
        builders.an_onboarding("started")

    failure = pytest.raises(OperationalError, match="as the test asked")
    with failing(engine, "transitions", "40001", after=1), failure:
        two_transactions()
    assert len(tries) == 1
    assert calls(engine) == 2


@pytest.fixture
def serializable(own_url: str, ring: Keyring) -> Iterator[FastAPI]:
    """A database whose administrator has made SERIALIZABLE the default."""
    empty(own_url)
    url = make_url(own_url).update_query_dict(
        {"options": "-c default_transaction_isolation=serializable"}
    )
    for _ in connected(url.render_as_string(hide_password=False)):
        yield furnished(ring)


def test_where_serializable_is_the_default_a_secret_still_has_one_reader(
    serializable: FastAPI,
) -> None:
    with transaction() as session:
        shown = session.connection().exec_driver_sql("SHOW transaction_isolation").scalar()
    assert shown == "read committed", "what was proved is what runs"
    attempt = REQUESTS["reveal"](serializable)
    assert sorted(race(*[attempt.try_it] * 8), key=str) == [200] + [409] * 7
    assert sum("mps_test_" in each.text for each in attempt.answers) == 1


def test_where_serializable_is_the_default_strangers_do_not_meet(serializable: FastAPI) -> None:
    system = a_system(serializable)

    def walk() -> str:
        onboarding = system.start()
        answer = system.post(onboarding["links"]["events"], {"event": "cancel", "data": {}})
        return str(answer.json()["state"])

    assert race(*[walk] * 8) == ["cancelled"] * 8


@pytest.mark.parametrize("task", ["generate_secret", "check_aggregator", "verify_connection"])
def test_a_few_conflicts_make_no_incident_of_a_task(engine: Engine, task: str) -> None:
    message = write_paths.promise(task)
    with failing(engine, "transitions", "40001", times=5):
        for _ in range(6):
            turns.run(str(message))
            builders.end_the_rest_of(message)
    assert write_paths.done(task, message) == 1
    assert not [m for m in builders.promised() if m.failed_at]


def test_every_handler_that_opens_a_transaction_is_tried_again() -> None:
    """Health and the development pages only look; the sandbox has no database."""
    routers = [api_onboardings.router, api_aggregators.router, signin.router]
    routers += [part.router for part in (*wizard.FIRST, *wizard.PARTS)]
    routes = [route for router in routers for route in router.routes]
    assert len(routes) > 50
    assert [route for route in routes if not isinstance(route, RetriedRoute)] == []


def test_a_thread_counts_its_commits(engine: Engine) -> None:
    before = db.commits()
    builders.an_onboarding("started")
    with pytest.raises(RuntimeError), transaction():
        raise RuntimeError
    assert db.commits() - before == 1
