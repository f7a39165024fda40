"""What is asked of the log of events, and of what is to be sent, reads no more than it must."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, insert, update
from sqlalchemy.orm import Session

from onboarding import deliveries, event_log, following, sending
from onboarding.db import reading, transaction
from onboarding.event_log import BEGINNING
from onboarding.following import Wanted
from onboarding.ids import new_id
from onboarding.models import Delivery, Transition, Webhook
from tests import builders
from tests.listening import an_endpoint, an_owner, started_by
from tests.noting import noted
from tests.test_plans import run_alone
from workers import clock

MANY = 4000


@pytest.fixture
def long_log(postgresql: Engine) -> Engine:
    """Many events of others, many deliveries that have arrived, and one endpoint with nothing to do."""
    clock.leap()
    onboarding_id = builders.an_onboarding("started")
    webhook_id = an_endpoint("http://127.0.0.1:9/")
    with transaction() as session:
        first = session.get_one(Transition, (onboarding_id, 1))
        row = {c.name: getattr(first, c.name) for c in Transition.__table__.columns}
        later = {"source": "started", "target": "started"}
        # Each is of a transaction of its own, as events are.
        steps = [
            row | later | {"sequence": number, "position": row["position"] - MANY + number}
            for number in range(2, MANY)
        ]
        session.execute(insert(Transition), steps)
        sent = {"webhook_id": webhook_id, "type": "t", "body": "{}", "attempts": 1}
        sent |= {"onboarding_id": onboarding_id, "delivered_at": row["at"]}
        session.execute(
            insert(Delivery),
            [
                sent | {"id": new_id(), "event_id": f"e{number}", "sequence": number}
                for number in range(2, MANY)
            ],
        )
        session.execute(update(Webhook).values(noted_until=str(event_log.end(session))))
    run_alone(postgresql, "VACUUM ANALYZE")
    return postgresql


ASKED: dict[str, Callable[[Session], object]] = {
    "where the log ends": event_log.end,
    "a part of it": lambda session: event_log.stretch(session, BEGINNING, 100),
    "whether there is something to note down": deliveries.any_to_note,
    "whether something is to be sent": sending.any_due,
}


@pytest.mark.parametrize("asker", ASKED)
def test_what_is_asked_all_the_time_reads_little(long_log: Engine, asker: str) -> None:
    for plan in plans(long_log, ASKED[asker]):
        for table in ("transitions", "deliveries"):
            assert f"Seq Scan on {table}" not in plan, plan
        assert max(rows_in(plan), default=0) <= 101, plan


def test_a_page_of_one_system_among_many_reads_a_bounded_part(long_log: Engine) -> None:
    owner = an_owner()
    started_by(owner)

    def page(session: Session) -> None:
        found = following.page(session, Wanted(owner), BEGINNING, 100)
        assert found.items == []
        assert found.more

    for plan in plans(long_log, page):
        assert max(rows_in(plan), default=0) <= following.LOOKS_AT, plan


def plans(engine: Engine, question: Callable[[Session], object]) -> list[str]:
    """How the database answers each statement that a question sends, and what it read for that."""
    with noted(engine) as sent, reading() as session:
        question(session)
    with engine.connect() as connection:
        return [
            "\n".join(
                str(row[0])
                for row in connection.exec_driver_sql(f"EXPLAIN ANALYZE {statement}", parameters)
            )
            for statement, parameters in sent
            if statement.startswith("SELECT")
        ]


def rows_in(plan: str) -> list[int]:
    """Of each scan, how many rows it gave."""
    scans = [line for line in plan.splitlines() if "Scan" in line and "never executed" not in line]
    return [int(float(line.split("rows=")[-1].split()[0])) for line in scans]
