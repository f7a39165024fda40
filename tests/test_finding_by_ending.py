"""A client ID is found by its last four characters, as a seller reads them out over the telephone."""

from uuid import UUID

import pytest
from sqlalchemy import Engine, insert

from onboarding import db, finding, ids
from onboarding.db import reading, transaction
from onboarding.filters import Filter
from onboarding.ids import new_id
from onboarding.models import Client
from tests import builders
from tests.test_plans import plans_of, run_alone

CLIENT = "cid_3fHqz81LmWcYt5dRb2xOl7"


@pytest.fixture
def wanted(database: Engine) -> UUID:
    """Whose client ends in xOl7, beside others."""
    onboarding_id = builders.an_onboarding("secret_ready")
    revoked(onboarding_id, CLIENT)
    for _ in range(3):
        builders.an_onboarding("secret_ready")
    return onboarding_id


def revoked(onboarding_id: UUID, *client_ids: str) -> None:
    """It had these before."""
    with transaction() as session:
        kept = {"onboarding_id": onboarding_id, "revoked_at": db.clock(session)}
        session.execute(insert(Client), [{"id": each} | kept for each in client_ids])


def found_by(text: str) -> set[UUID]:
    with reading() as session:
        return {one.id for one in finding.page(session, Filter(q=text), 10)}


@pytest.mark.parametrize("read_out", ["xOl7", "XO17", "x0i7", "…xOl7", "...xOl7", " x O l 7 "])
def test_it_is_found_however_it_was_heard(wanted: UUID, read_out: str) -> None:
    assert found_by(read_out) == {wanted}


@pytest.mark.parametrize("other", ["Ol7", "2xOl7", "yOl7", "xOl8", "xOl%", "xO_7", "____", ""])
def test_nothing_else_is_one(wanted: UUID, other: str) -> None:
    assert ids.as_ending(other) is None or found_by(other) == set()


def test_several_of_one_ending_are_all_found(wanted: UUID) -> None:
    again = builders.an_onboarding("secret_ready")
    revoked(again, "cid_another0017", "cid_anotherx017")
    assert found_by("xOl7") == {wanted, again}


def test_an_index_finds_it(database: Engine) -> None:
    """However many clients there are."""
    onboarding_id = builders.an_onboarding("secret_ready")
    revoked(onboarding_id, *(f"cid_{new_id().hex[-22:]}" for _ in range(5_000)))
    run_alone(database, "ANALYZE")
    (plan,) = plans_of(database, lambda session: finding.page(session, Filter(q="xOl7"), 2))
    assert "ix_clients_ending" in plan
    assert "Seq Scan on clients" not in plan
    assert "SCAN clients" not in plan
