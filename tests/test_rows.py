"""Rows that the driver has read, as the session's objects: what the ORM would have made of them."""

from datetime import UTC, datetime

from sqlalchemy import Engine, text

from onboarding import lifecycle
from onboarding.db import transaction
from onboarding.models import Onboarding
from tests.builders import an_onboarding

INSTANTS = ("created_at", "entered_at", "wakes_at", "contact_verified_at")


def test_they_are_in_utc_whatever_the_connection_is_in(postgresql: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready", email="seller@shop.example")
    with transaction() as session:
        session.execute(text("SET LOCAL TimeZone = 'Asia/Tokyo'"))
        shown = lifecycle.lock(session, onboarding_id)
        instants = [getattr(shown, name) for name in INSTANTS]
    assert [each.tzinfo for each in instants] == [UTC] * len(INSTANTS)


def test_they_are_what_the_orm_reads(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready", email="seller@shop.example")
    with transaction() as session:
        locked = _told(lifecycle.lock(session, onboarding_id))
    with transaction() as session:
        loaded = session.get(Onboarding, onboarding_id)
        assert loaded is not None
        assert _told(loaded) == locked


def _told(onboarding: Onboarding) -> dict[str, object]:
    names = [str(column.name) for column in Onboarding.__table__.columns]
    told = {name: getattr(onboarding, name) for name in names}
    assert {name for name in names if isinstance(told[name], datetime)} == {*INSTANTS}
    return told
