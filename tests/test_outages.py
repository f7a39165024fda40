"""What an error of the database means: never a crash where it is an outage, never an outage where we are wrong."""

from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onboarding.errors import OutcomeUnknown
from onboarding.outages import is_rolled_back, leaves_unknown, outage

MEANINGS = {
    "25006": "read_only",
    "53100": "no_space",
    "53200": "busy",
    "53300": "busy",
    "55P03": "busy",
    "57014": "busy",
    "40001": "busy",
    "40P01": "busy",
    "57P01": "unavailable",
    "57P02": "unavailable",
    "57P03": "unavailable",
    "08006": "unavailable",
    "58030": "unavailable",
    "23505": None,
    "22P02": None,
    "42P01": None,
    "P0001": None,
}
# What is known to have left nothing behind; the rest is not tried again.
AGAIN = {"40001", "40P01", "57P01", "57P02"}


def raised(sqlstate: str, *, lost: bool = False) -> DBAPIError:
    """The error as SQLAlchemy raises it."""
    original = psycopg.errors.lookup(sqlstate)("as the test asked")
    wrapped: Any = DBAPIError.instance(
        "SELECT 1", {}, original, psycopg.Error, connection_invalidated=lost
    )
    assert isinstance(wrapped, DBAPIError)
    return wrapped


@pytest.mark.parametrize(("sqlstate", "code"), MEANINGS.items())
def test_every_sqlstate_means_one_thing(sqlstate: str, code: str | None) -> None:
    found = outage(raised(sqlstate))
    assert (found.code if found else None) == code
    assert is_rolled_back(raised(sqlstate)) == (sqlstate in AGAIN)


def test_what_has_no_code_is_a_server_that_does_not_answer() -> None:
    error = OperationalError("SELECT 1", {}, Exception("connection refused"))
    found = outage(error)
    assert found is not None
    assert found.code == "unavailable"
    assert not is_rolled_back(error), "a connection that cannot be had is not asked for again"


def test_a_pool_without_a_free_connection_is_busy() -> None:
    found = outage(PoolTimeout())
    assert found is not None
    assert found.code == "busy"


@pytest.mark.parametrize("error", [RuntimeError(), KeyError("x")])
def test_a_mistake_of_ours_is_no_outage(error: Exception) -> None:
    assert outage(error) is None
    assert not is_rolled_back(error)


def test_an_unknown_outcome_is_never_tried_again() -> None:
    assert outage(OutcomeUnknown()).__class__ is OutcomeUnknown
    assert not is_rolled_back(OutcomeUnknown())


@pytest.mark.parametrize("sqlstate", ["40001", "23505", "53100", "57014", "P0001"])
def test_a_commit_that_was_refused_has_not_happened(sqlstate: str) -> None:
    assert not leaves_unknown(raised(sqlstate))


@pytest.mark.parametrize("sqlstate", ["57P01", "57P02", "08006", "08007", "40003", "58030"])
def test_a_commit_whose_server_is_going_may_have_happened(sqlstate: str) -> None:
    assert leaves_unknown(raised(sqlstate))


def test_a_commit_without_an_answer_may_have_happened() -> None:
    assert leaves_unknown(OperationalError("COMMIT", {}, psycopg.OperationalError("lost")))
    assert leaves_unknown(raised("40001", lost=True))


def test_integrity_is_no_outage() -> None:
    assert outage(IntegrityError("INSERT", {}, Exception("x"))) is None
    assert outage(ProgrammingError("SELECT", {}, Exception("x"))) is None
