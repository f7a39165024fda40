"""Questions that go past SQLAlchemy: what comes back is what the ORM would have read."""

from datetime import UTC
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Engine, bindparam, select, text

from onboarding import db
from onboarding.db import reading, transaction
from onboarding.looks import Look
from onboarding.models import Base, Client, Onboarding, Transition
from tests.builders import an_onboarding
from tests.noting import count_statements

ONE: Final = Look(
    select(Onboarding, db.now().label("now"), Client)
    .outerjoin(Client, Client.onboarding_id == Onboarding.id)
    .where(Onboarding.id == bindparam("wanted"))
)
STEPS: Final = Look(
    select(Transition.sequence, Transition.details, Transition.at)
    .where(Transition.onboarding_id == bindparam("wanted"))
    .order_by(Transition.sequence)
)


def told(row: Base) -> dict[str, Any]:
    return {str(column.name): getattr(row, column.name) for column in row.__table__.columns}


def loaded(model: type[Base], key: object) -> dict[str, Any]:
    with transaction() as session:
        return told(session.get_one(model, key))


def test_objects_are_what_the_orm_reads(database: Engine) -> None:
    made = an_onboarding("secret_ready", email="seller@shop.example")
    for edge in (reading, transaction):
        with edge() as session:
            found = ONE.one(session, wanted=made)
            assert found is not None
            onboarding, now, client = found
        assert told(onboarding) == loaded(Onboarding, made)
        assert told(client) == loaded(Client, client.id)
        assert now.tzinfo is UTC


def test_columns_go_by_their_names(database: Engine) -> None:
    with reading() as session:
        *_, last = STEPS.all(session, wanted=an_onboarding("awaiting_aggregator"))
    step: Any = last
    assert (step.sequence, step.details["cause"], step.at.tzinfo) == (
        3,
        "aggregator_soap_only",
        UTC,
    )


def test_what_an_outer_join_has_not_found_is_nothing(database: Engine) -> None:
    with reading() as session:
        found = ONE.one(session, wanted=an_onboarding("started"))
    assert found is not None
    assert found[2] is None


def test_nothing_is_found_of_what_is_not_there(database: Engine) -> None:
    with reading() as session:
        assert ONE.one(session, wanted=UUID(int=0)) is None
        assert STEPS.all(session, wanted=UUID(int=0)) == []


def test_several_are_not_one(database: Engine) -> None:
    made = an_onboarding("type_chosen")
    with reading() as session, pytest.raises(AssertionError):
        STEPS.one(session, wanted=made)


def test_a_transaction_sees_what_it_has_changed(database: Engine) -> None:
    """An object that was read before shows it too, and what is changed on what was found is written."""
    made = an_onboarding("started")
    with transaction() as session:
        before = session.get_one(Onboarding, made)
        before.connection_name = "Shop"
        found = ONE.one(session, wanted=made)
        assert found is not None
        assert found[0] is before
        assert before.connection_name == "Shop"
    with transaction() as session:
        again = ONE.one(session, wanted=made)
        assert again is not None
        again[0].connection_name = "Other shop"
    assert loaded(Onboarding, made)["connection_name"] == "Other shop"


def test_an_object_shows_from_then_on_what_was_read(database: Engine) -> None:
    made = an_onboarding("started")
    with transaction() as session:
        before = session.get_one(Onboarding, made)
        session.execute(text("UPDATE onboardings SET connection_name = 'Shop'"))
        assert before.connection_name is None
        ONE.one(session, wanted=made)
        assert before.connection_name == "Shop"


def test_a_look_needs_no_connection_of_its_own(database: Engine) -> None:
    """Once it has one for something else, its questions are asked there."""
    made = an_onboarding("started")
    asked = count_statements(database)
    with reading() as session:
        ONE.one(session, wanted=made)
        assert not session.in_transaction()
        session.get(Onboarding, made)
        assert session.in_transaction()
        ONE.one(session, wanted=made)
    assert [each.split()[0] for each in asked if each != "BEGIN"] == ["SELECT"] * 3


def test_instants_are_in_utc_whatever_the_connection_is_in(postgresql: Engine) -> None:
    made = an_onboarding("started")
    with transaction() as session:
        session.execute(text("SET LOCAL TimeZone = 'Asia/Tokyo'"))
        found, steps = ONE.one(session, wanted=made), STEPS.all(session, wanted=made)
        assert found is not None
        instants = [found[0].created_at, found[1], *(at for _, _, at in steps)]
    assert {each.tzinfo for each in instants} == {UTC}
