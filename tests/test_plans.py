"""What is asked again and again looks at no more than it finds: by an index, however many wait."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import signals
from sqlalchemy import Engine, Select, insert, select, text, update
from sqlalchemy.orm import Session

from onboarding import changes, db, engines, figures, finding, queries, stuck
from onboarding.chart import NEXT_MOVE, OPEN
from onboarding.commands import records
from onboarding.db import reading, transaction
from onboarding.filters import Filter
from onboarding.ids import new_id
from onboarding.models import Message, Onboarding
from onboarding.sealing import Keyring
from tests.builders import an_onboarding
from tests.databases import forget_settings
from tests.noting import noted
from workers import turns
from workers.app import app

# What is asked again and again while nothing happens must not look at everybody who waits.
RESTING: dict[str, tuple[Select[Any], str]] = {
    "the clock": (
        select(Onboarding.id)
        .where(Onboarding.wakes_at <= db.now())
        .order_by(Onboarding.wakes_at)
        .limit(100),
        "ix_onboardings_wakes_at",
    ),
    "the relay": (
        select(Message.id).where(Message.failed_at.is_(None), Message.due_at <= db.now()).limit(1),
        "ix_messages_due",
    ),
    "the registry": (
        select(Onboarding.id)
        .where(Onboarding.state == "awaiting_aggregator", Onboarding.aggregator_id == "feedwise")
        .limit(100),
        "ix_onboardings_parked",
    ),
    "retries": (
        select(Message.id).where(Message.failed_at.is_(None), Message.due_at <= db.in_seconds(0.0)),
        "ix_messages_due",
    ),
}


LATE = Filter(waiting_on="seller", overdue="yes")

# What operators and their monitoring ask: an index tells, and the rows of those who are listed.
NOBODY = str(new_id())
LOOKED_UP: dict[str, Callable[[Session], object]] = {
    "the stuck list": queries.overdue,
    "the stuck list of a state": lambda session: queries.overdue(session, states=["verifying"]),
    "those in a state": lambda session: finding.page(session, Filter(state="verifying"), 20),
    "how many stand where": queries.counts,
    "how long turns have lasted": figures.turns,
    "those whom nobody knows": lambda session: queries.strangers(session, 3),
    "the latest transition": queries.latest_transition_at,
    "the search box": lambda session: finding.page(session, Filter(q="alex@shop.example"), 2),
    "a view by an address": lambda session: finding.page(session, Filter(email="0" * 32), 51),
    "a view of what fails": lambda session: finding.page(session, Filter(failing="yes"), 51),
    "a view of an operator's": lambda session: finding.page(session, Filter(owner=NOBODY), 51),
    "a view of a run": lambda session: finding.page(session, Filter(run="7"), 51),
    "a view of the late": lambda session: finding.page(session, LATE, 51),
    "those of a calling system": lambda session: finding.page(
        session, Filter(), 51, within=Onboarding.system_id == new_id()
    ),
    "the console's overview": stuck.population,
    "whether anything has changed": changes.latest,
    "all that doctor asks": lambda session: [*records.checks(session, ())],
}

THEIRS = Filter(waiting_on="developer")
LATE_OF_THEIRS = Filter(waiting_on="developer", overdue="yes")
DEVELOPERS: dict[str, Callable[[Session], object]] = {
    "the console's overview": stuck.population,
    "how many monitoring is told of": figures.counts_of_developers,
    "how long turns have lasted": figures.turns,
    "a view of theirs": lambda session: finding.page(session, THEIRS, 51),
    "a view of theirs that are late": lambda session: finding.page(session, LATE_OF_THEIRS, 51),
}


@pytest.mark.parametrize("asker", LOOKED_UP)
def test_no_question_of_an_operator_reads_the_table(own_database: Engine, asker: str) -> None:
    many_resting(3_000)
    run_alone(own_database, "VACUUM" if own_database.dialect.name == "sqlite" else "VACUUM ANALYZE")
    plans = plans_of(own_database, LOOKED_UP[asker])
    assert plans
    for plan in plans:
        assert "Seq Scan on onboardings" not in plan, plan
        for line in plan.splitlines():
            assert not line.startswith("SCAN onboardings") or "COVERING INDEX" in line, plan


def test_the_stuck_list_looks_at_no_more_than_it_lists(postgresql: Engine) -> None:
    many_resting(10_000, entered=timedelta(days=-400))
    run_alone(postgresql, "VACUUM ANALYZE")
    (plan,) = plans_of(postgresql, lambda session: queries.overdue(session, 10), "ANALYZE")
    assert max(rows_read(plan)) <= 10 * len(NEXT_MOVE), plan


@pytest.mark.parametrize("wanted", [Filter(failing="yes"), Filter(q="mail_refused")])
def test_those_that_fail_are_not_looked_for_among_all(postgresql: Engine, wanted: Filter) -> None:
    """Nobody has mended the oldest, and all that began since is well."""
    many_resting(10_000)
    with transaction() as session:
        oldest = session.scalars(select(Onboarding.id).order_by(Onboarding.id).limit(1000)).all()
        messages = session.scalars(select(Message.id).limit(1000)).all()
        failed = {"failed_at": db.clock(session), "cause": "mail_refused"}
        rows = [
            {"id": message, "onboarding_id": onboarding, **failed}
            for message, onboarding in zip(messages, oldest, strict=True)
        ]
        session.execute(update(Message), rows)
    run_alone(postgresql, "VACUUM ANALYZE")
    (plan,) = plans_of(postgresql, lambda session: finding.page(session, wanted, 51), "ANALYZE")
    assert max(rows_read(plan)) <= 1000, plan


@pytest.mark.parametrize("asker", DEVELOPERS)
def test_whom_a_developer_must_move_is_not_looked_for_among_all(
    own_database: Engine, asker: str
) -> None:
    many_resting(3_000)
    run_alone(
        own_database, "ANALYZE" if own_database.dialect.name == "sqlite" else "VACUUM ANALYZE"
    )
    for plan in plans_of(own_database, DEVELOPERS[asker]):
        assert "ix_onboardings_with_developer" in plan, plan


def rows_read(plan: str) -> list[int]:
    return [
        int(line.split("rows=")[-1].split(".")[0]) for line in plan.splitlines() if "Scan" in line
    ]


def test_resting_onboardings_cost_nothing(postgresql: Engine) -> None:
    """The index narrows down what is looked at: it is a condition there, not only an order."""
    many_resting(5_000)
    with postgresql.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        for asker, (query, index) in RESTING.items():
            compiled = query.compile(postgresql, compile_kwargs={"literal_binds": True})
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}").scalars())
            assert index in plan, f"{asker}:\n{plan}"
            assert "Index Cond" in plan, f"{asker}:\n{plan}"


def plans_of(engine: Engine, question: Callable[[Session], object], option: str = "") -> list[str]:
    """How the database answers each statement about onboardings that a question sends."""
    with noted(engine) as sent, reading() as session:
        question(session)
    with engine.connect() as connection:
        return [
            _plan(connection.exec_driver_sql(f"{_explain(engine, option)} {statement}", parameters))
            for statement, parameters in sent
            if "FROM onboardings" in statement
        ]


def _explain(engine: Engine, option: str) -> str:
    return "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else f"EXPLAIN {option}"


def _plan(answer: Any) -> str:
    return "\n".join(str(row[-1]) for row in answer)


def run_alone(engine: Engine, statement: str) -> None:
    """Outside every transaction."""
    with engine.connect() as connection:
        connection.connection.driver_connection.rollback()  # type: ignore[union-attr]
        driver: Any = connection.connection.driver_connection
        if engine.dialect.name == "postgresql":
            driver.autocommit = True
        driver.execute(statement)
        if engine.dialect.name == "postgresql":
            driver.autocommit = False


def many_resting(count: int, entered: timedelta = timedelta()) -> None:
    """In every state that waits, as many as in any other."""
    states = sorted(OPEN)
    with transaction() as session:
        now = db.clock(session)
        later = now + timedelta(days=30)
        session.execute(
            insert(Onboarding),
            [
                {
                    "id": one,
                    "reference": f"Q-{one.hex[-14:]}",
                    "state": states[number % len(states)],
                    "sequence": 1,
                    "rule_set": "tests",
                    "locale": "en",
                    "answers": {},
                    "reminders": 0,
                    "connection_type": "plugin",
                    "wakes_at": later,
                    "entered_at": now + entered,
                }
                for number, one in enumerate(new_id() for _ in range(count))
            ],
        )
        session.execute(
            insert(Message),
            [
                {
                    "id": new_id(),
                    "task": "send_email",
                    "about": {},
                    "due_at": later,
                    "max_attempts": 8,
                }
                for _ in range(count)
            ],
        )


def test_what_a_worker_asks_is_looked_up_while_tables_are_empty(postgresql: Engine) -> None:
    """Its connections keep those plans when the tables are full."""
    engines.read_no_whole_table(postgresql)
    for _ in range(3):
        an_onboarding("issuing_secret", email="seller@shop.example")
    with noted(postgresql) as sent:
        turns.drain(str(new_id()))
    with postgresql.connect() as connection:
        for table in ("onboardings", "messages"):
            connection.exec_driver_sql(f"TRUNCATE {table} CASCADE")
        plans = [
            _plan(connection.exec_driver_sql(f"EXPLAIN {statement}", values))
            for statement, values in sent
            if not statement.startswith("INSERT")
        ]
        connection.rollback()
    assert len(plans) > 5
    for plan in plans:
        assert "Seq Scan on onboardings" not in plan, plan
        assert "Seq Scan on messages" not in plan, plan


def test_a_workers_connections_are_such(
    postgresql: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ONBOARDING_DATABASE_URL", url)
    forget_settings()
    # As Celery says that a worker begins.
    signals.worker_init.send(sender=app)
    with transaction() as session:
        assert session.execute(text("SHOW enable_seqscan")).scalar_one() == "off"
    db.engine().dispose()
