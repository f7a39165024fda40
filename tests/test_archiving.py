"""What is over goes into a file and out of the database; what lives, or is held, stays."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text

from onboarding import archiving, connections, db, deliveries, invariants
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.models import Base, Delivery, Onboarding
from tests.builders import ACCOUNT, SELLER, age, an_onboarding, fire, handle, promised, work
from tests.dumping import dump
from tests.listening import an_endpoint

YEAR = 365
OLD = timedelta(days=YEAR + 1)
EMAIL = "alexandra@shop.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that is not there yet."""
    return tmp_path / "archive"


def an_old_one(state: str = "cancelled", **given: Any) -> UUID:
    made = an_onboarding(state, **given)
    work(made)
    age(made, OLD)
    return made


def archived(folder: Path) -> list[dict[str, Any]]:
    list(archiving.archive(YEAR, folder))
    return [json.loads(line) for path in folder.iterdir() for line in path.read_text().splitlines()]


def left() -> set[UUID]:
    with reading() as session:
        return set(session.scalars(select(Onboarding.id)))


def test_what_is_over_goes_with_all_that_refers_to_it(database: Engine, folder: Path) -> None:
    gone = an_old_one(email=EMAIL)
    assert archiving.waiting(YEAR) == 1
    (line,) = archived(folder)
    assert line["id"] == str(gone)
    assert (line["state"], line["history"][0]["event"]) == ("cancelled", "start")
    assert [step["sequence"] for step in line["history"]] == [*range(1, len(line["history"]) + 1)]
    assert left() == set()
    rows = {table: found for table, found in dump(database).items() if str(gone) in str(found)}
    assert rows == {}
    assert archiving.waiting(YEAR) == 0


def test_the_file_names_nobody(database: Engine, folder: Path) -> None:
    linked = an_onboarding("seller_linked", email=EMAIL)
    typed = an_onboarding("started", email=EMAIL)
    choice = {"connection_type": "aggregator", "credential_mode": "full"}
    handle(typed, "choose_type", SELLER, **choice, aggregator="Alexandra Martin's tool")
    for each in (linked, typed):
        fire(each, "cancel", Actor("operator", "operator:1", "Alexandra rang us"))
        work(each)
        age(each, OLD)
    lines = archived(folder)
    events = [step["event"] for line in lines for step in line["history"]]
    assert {"link_seller", "choose_type", "cancel"} <= {*events}
    for told in ("alexandra", "Alexandra", ACCOUNT.seller_id, ACCOUNT.shop_name):
        assert told not in json.dumps(lines)
    assert {name for line in lines for name in line if name.startswith("contact")} == set()
    (path,) = (folder).iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("state", ["started", "awaiting_seller", "confirmed", "credentials_issued"])
def test_what_lives_stays(database: Engine, folder: Path, state: str) -> None:
    old = an_onboarding(state)
    age(old, OLD)
    assert archived(folder) == []
    assert left() == {old}
    assert [*folder.iterdir()] == []


def test_what_has_just_ended_stays_and_so_does_what_has_something_to_do(
    database: Engine, folder: Path
) -> None:
    young = an_onboarding("cancelled")
    work(young)
    busy = an_onboarding("cancelled", email=EMAIL)
    age(busy, OLD)
    assert promised(onboarding_id=busy)
    assert archived(folder) == []
    assert left() == {young, busy}


@pytest.mark.parametrize("end", [connections.revoke, connections.unlink])
def test_a_connection_that_has_just_ended_stays(
    database: Engine, folder: Path, end: Callable[..., bool]
) -> None:
    """However long ago it was made: whoever follows the log has still to hear of its end."""
    old = an_onboarding("confirmed", delegated=end is connections.unlink)
    age(old, OLD)
    with transaction() as session:
        end(session, old, SELLER)
    work(old)
    assert archived(folder) == []
    assert left() == {old}
    age(old, OLD)
    assert [line["id"] for line in archived(folder)] == [str(old)]


def test_nobody_waits_for_a_row_that_somebody_holds(postgresql: Engine, folder: Path) -> None:
    held, free = an_old_one(), an_old_one()
    with postgresql.connect() as other:
        other.execute(text("SELECT 1 FROM onboardings WHERE id = :id FOR UPDATE"), {"id": held})
        assert [line["id"] for line in archived(folder)] == [str(free)]
    assert left() == {held}
    assert str(held) in {line["id"] for line in archived(folder)}


def test_what_is_sent_again_at_that_moment_stays(postgresql: Engine, folder: Path) -> None:
    webhook = an_endpoint("https://receiver.example/")
    busy, free = an_old_one(), an_old_one()
    with transaction() as session:
        session.add_all(a_delivery(webhook, each) for each in (busy, free))
    with ThreadPoolExecutor(1) as others, transaction() as session:
        assert deliveries.redeliver(session, webhook, Delivery.onboarding_id == busy) == 1
        assert [line["id"] for line in others.submit(archived, folder).result()] == [str(free)]
    assert left() == {busy}


def a_delivery(webhook: UUID, onboarding_id: UUID) -> Delivery:
    """One that has arrived."""
    of = {"webhook_id": webhook, "onboarding_id": onboarding_id, "sequence": 1}
    said = {"event_id": str(onboarding_id), "type": "onboarding.started", "body": "{}"}
    return Delivery(id=new_id(), **of, **said, attempts=1, delivered_at=db.now())


def test_several_batches_make_one_file(sqlite: Engine, folder: Path) -> None:
    many = {an_old_one() for _ in range(3)}
    told = [*archiving.archive(YEAR, folder, at_once=2)]
    assert [each.count for each in told] == [2, 3]
    (path,) = {each.path for each in told}
    assert path is not None
    lines = path.read_text().splitlines()
    assert {json.loads(line)["id"] for line in lines} == {str(each) for each in many}
    assert left() == set()


def test_the_checker_finds_nothing_afterwards(database: Engine, folder: Path) -> None:
    an_old_one()
    an_onboarding("confirmed")
    archived(folder)
    assert [outcome for outcome in invariants.check() if outcome.count] == []


def test_every_table_that_refers_to_an_onboarding_is_emptied_of_it() -> None:
    """A new one that refers to something else of an onboarding's would be noticed here."""
    for table in Base.metadata.sorted_tables:
        referred = {each.referred_table.name for each in table.foreign_key_constraints}
        if referred & {"onboardings"}:
            assert "onboarding_id" in table.c or table.name == "onboardings"
        elif referred & {"clients", "secrets"}:
            assert "client_id" in table.c
        else:
            assert not referred & {"transitions", "links", "messages", "mails", "notes"}
