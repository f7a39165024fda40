"""PostgreSQL in the zone of its machine, two days before Paris changes its clocks: a day is 24 hours all the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from onboarding import alone, db, deadlines, lifecycle
from onboarding.db import transaction
from onboarding.invariants import running
from onboarding.sealing import Keyring
from tests.builders import SELLER, start, the
from tests.databases import connected

PARIS = "Europe/Paris"
BEFORE_THE_CHANGE = datetime(2027, 3, 26, 12, tzinfo=UTC)
PLUGIN = {"connection_type": "plugin"}


@pytest.fixture(params=["server", "url", "environment"])
def in_paris(
    request: pytest.FixtureRequest,
    postgres_database: str,
    ring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Engine]:
    """Whoever asks for the zone: the database, its URL, or libpq's variable."""
    be_in_spring(postgres_database)
    options = "-c search_path=spring,pg_catalog,public"
    if request.param == "server":
        ask(postgres_database, f"ALTER DATABASE {{}} SET timezone = '{PARIS}'")
    elif request.param == "url":
        options += f" -c timezone={PARIS}"
    else:
        monkeypatch.setenv("PGTZ", PARIS)
    url = make_url(postgres_database).update_query_dict({"options": options})
    yield from connected(url.render_as_string(hide_password=False))


def be_in_spring(url: str) -> None:
    """What PostgreSQL's clock says for whoever looks into this schema first."""
    shift = (BEFORE_THE_CHANGE - datetime.now(UTC)).total_seconds()
    ask(url, "CREATE SCHEMA spring")
    ask(
        url,
        "CREATE FUNCTION spring.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS"
        f" $$ SELECT pg_catalog.statement_timestamp() + make_interval(secs => {shift}) $$",
    )


def ask(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement.format(engine.url.database)))
    engine.dispose()


def test_deadlines_are_the_charts_across_a_change_of_the_clocks(in_paris: Engine) -> None:
    alone_id = alone.start(SELLER, locale="en", rule_set="tests", contact_email="a@b.example")
    with transaction() as session:
        together_id = start(session, email="a@b.example").id
    assert waits(alone_id) == waits(together_id) == deadlines.wakes_after("started")
    alone.fire(alone_id, "choose_type", SELLER, choices=PLUGIN)
    with transaction() as session:
        lifecycle.fire(session, together_id, "choose_type", SELLER, choices=PLUGIN)
    assert waits(alone_id) == waits(together_id) == deadlines.wakes_after("type_chosen")
    assert list(running.violations()) == []


def waits(onboarding_id: UUID) -> timedelta:
    seen = the(onboarding_id)
    assert abs(seen.entered_at - BEFORE_THE_CHANGE) < timedelta(hours=1)
    assert seen.wakes_at
    return seen.wakes_at - seen.entered_at


def test_instants_that_are_told_are_in_utc(in_paris: Engine) -> None:
    with transaction() as session:
        started = start(session)
        fired = lifecycle.fire(session, started.id, "choose_type", SELLER, choices=PLUGIN)
        told = [started.created_at, fired.entered_at, db.clock(session)]
    assert {each.isoformat()[-6:] for each in told} == {"+00:00"}
