"""Races are decided by who is first, not by how fast this machine is."""

import pytest
from sqlalchemy import make_url


@pytest.fixture(scope="session")
def shared_postgres_database(shared_postgres_database: str) -> str:
    """Racers wait for a row as long as it takes, where a machine that stalls would have them give up.

    A statement that waits is one that takes its time: its bound is as long. A deadlock is still found, and
    reported, by the server.
    """
    patient = make_url(shared_postgres_database).update_query_dict(
        {"options": "-c lock_timeout=60s -c statement_timeout=60s"}
    )
    return patient.render_as_string(hide_password=False)
