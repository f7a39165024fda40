"""What SQLAlchemy reads of a result is what the driver would have said."""

import psycopg
from sqlalchemy import Engine

from onboarding.cursors import Cursor
from onboarding.models import Onboarding

ASKED = (
    f"SELECT {', '.join(column.name for column in Onboarding.__table__.columns)} FROM onboardings"
)


def test_a_result_has_the_names_and_types_that_the_driver_knows(postgresql: Engine) -> None:
    with postgresql.connect() as connection:
        cursor = connection.connection.cursor()
        assert isinstance(cursor, Cursor)
        cursor.execute(ASKED)
        at_length = psycopg.Cursor.description.fget(cursor)
        assert cursor.description is not None
        told = [(name, type_number) for name, type_number, *_ in cursor.description]
    assert told == [(column.name, column.type_code) for column in at_length]
    assert len(told) == len(Onboarding.__table__.columns)


def test_what_gives_no_rows_describes_none(postgresql: Engine) -> None:
    with postgresql.connect() as connection:
        cursor = connection.connection.cursor()
        assert cursor.description is None
        cursor.execute("SET LOCAL statement_timeout = 0")
        assert cursor.description is None
