"""Every table says how long it is kept, and what it says happens; `docs/retention.md` tells the same."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKeyConstraint, delete, func, insert, select

from onboarding import archiving, db
from onboarding.db import reading, transaction
from onboarding.models import Base
from onboarding.retention import RETENTION, Swept
from tests.good_rows import GOOD, ID
from tools import retention
from workers import clock

ROOT = Path(__file__).parents[2]
TABLES = Base.metadata.tables
SWEPT = {name: kept.swept for name, kept in RETENTION.items() if kept.swept}
# What makes a row one of those that go.
ENDED: dict[str, dict[str, Any]] = {
    "deliveries": {"delivered_at": datetime(2026, 1, 1).astimezone()},
    "inbound_events": {"status": "stale"},
}
LONG_AGO = datetime(2020, 1, 1).astimezone()
# What is over, so that it can be archived, with all that refers to it.
OVER: dict[str, dict[str, Any]] = {
    "onboardings": {"state": "cancelled", "entered_at": LONG_AGO},
    "transitions": {"at": LONG_AGO},
    "clients": {"revoked_at": LONG_AGO},
    "links": {"ended_at": LONG_AGO},
    "deliveries": ENDED["deliveries"],
    "pending_sign_ins": {"onboarding_id": ID},
}
# What columns are called that lead to a person.
PERSONAL = {
    *("accounts", "actor", "actor_id", "address_hash", "agreed_by", "answers", "author"),
    *("connection_name", "contact_email", "contact_hash", "details", "email", "error", "issuer"),
    *("last_error", "owner_id", "operator_id", "reason", "seller_id", "seller_name", "shop_name"),
    *("subject", "text", "body"),
}
# An event as it is sent names nobody; whose it is is told otherwise, or goes within hours.
NOT_TOLD = {"deliveries.body", "operator_sessions.operator_id", "runs.operator_id"}


def write(changes: Mapping[str, Mapping[str, Any]], until: str | None = None) -> None:
    """A row of every table, or of those before one and its own."""
    with transaction() as session:
        for table in Base.metadata.sorted_tables:
            values = {**GOOD[table.name], **changes.get(table.name, {})}
            session.execute(insert(table).values(values))
            if table.name == until:
                return


def count(name: str) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(TABLES[name])) or 0


def made(name: str, swept: Swept, younger: timedelta) -> dict[str, Any]:
    """A row whose time comes this much later than now."""
    with reading() as session:
        since = db.clock(session) - swept.after + younger
    return {swept.since: since} | ENDED.get(name, {})


def test_every_table_says_how_long_it_is_kept() -> None:
    assert set(RETENTION) == set(TABLES)
    for name, kept in RETENTION.items():
        assert kept.swept or kept.goes_with or kept.until or kept.for_good, name


@pytest.mark.parametrize("name", SWEPT)
def test_what_is_old_is_swept_and_what_is_young_stays(database: Engine, name: str) -> None:
    minute = timedelta(minutes=1)
    write({name: made(name, SWEPT[name], minute)}, name)
    clock.clean()
    assert count(name) == 1
    old = made(name, SWEPT[name], -minute)
    with transaction() as session:
        session.execute(TABLES[name].update().values(**old))
    clock.clean()
    assert count(name) == 0


@pytest.mark.parametrize("name", [name for name, kept in RETENTION.items() if kept.goes_with])
def test_what_goes_with_another_refers_to_it(name: str) -> None:
    referred = {key.referred_table.name for key in references(name)}
    assert set(RETENTION[name].goes_with) <= referred


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (name, other)
        for name, kept in RETENTION.items()
        for other in kept.goes_with
        if other not in {"onboardings", "clients", "secrets"}
    ],
)
def test_it_goes_in_the_same_instant(database: Engine, name: str, other: str) -> None:
    """By the database; what goes with an onboarding, `archive` takes out."""
    write({"pending_sign_ins": {"invitation_id": ID}}, name)
    assert count(name) == 1
    with transaction() as session:
        if other == "seller_invitations":
            session.execute(delete(TABLES["further_links"]))
        session.execute(delete(TABLES[other]))
    assert count(name) == 0


def test_what_goes_with_an_onboarding_is_taken_out_with_it_and_nothing_else(
    database: Engine, tmp_path: Path
) -> None:
    write(OVER)
    assert [each.count for each in archiving.archive(30, tmp_path / "archive")] == [1]
    assert {name for name in TABLES if not count(name)} == {"onboardings", *going_with()}


def going_with() -> set[str]:
    """Those that go with an onboarding, at whatever remove."""
    found = {"onboardings"}
    for table in Base.metadata.sorted_tables:
        if found & set(RETENTION[table.name].goes_with):
            found.add(table.name)
    return found


@pytest.mark.parametrize("name", RETENTION)
def test_what_leads_to_a_person_is_told(name: str) -> None:
    told, columns = set(RETENTION[name].personal), set(TABLES[name].columns.keys())
    assert told <= columns
    found = {each for each in columns & PERSONAL if f"{name}.{each}" not in NOT_TOLD}
    assert found <= told


def test_the_page_says_what_the_table_says() -> None:
    page = (ROOT / "docs" / "retention.md").read_text(encoding="utf-8")
    advice = "Make it again: python -m tools.retention > docs/retention.md"
    assert page == retention.markdown(), advice


def test_the_page_is_found() -> None:
    assert "(docs/retention.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def references(name: str) -> list[ForeignKeyConstraint]:
    return [each for each in TABLES[name].constraints if isinstance(each, ForeignKeyConstraint)]
