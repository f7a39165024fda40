"""What nobody can come back to is removed, and nothing else."""

import pytest
from sqlalchemy import func, select, update

from onboarding import db, proof_statements, proofs
from onboarding.db import transaction
from onboarding.models import BrowserSession, Grant, Onboarding
from tests.builders import an_onboarding
from workers import clock

pytestmark = pytest.mark.usefixtures("database")


def _visit(idle_for: float) -> None:
    """A browser with an onboarding, that was last seen so many seconds ago."""
    onboarding_id = an_onboarding("started")
    with transaction() as session:
        browser, _ = proofs.open_session(session)
        session.flush()  # The grant refers to the session.
        proofs.grant(session, browser, onboarding_id)
        session.flush()  # The update below is not the session's own.
        session.execute(
            update(BrowserSession)
            .where(BrowserSession.id == browser.id)
            .values(seen_at=db.in_seconds(-idle_for))
        )


def test_idle_browsers_go_with_their_grants_and_leave_the_onboardings() -> None:
    idle = proof_statements.SESSION_IDLE.total_seconds()
    _visit(idle + 60)
    _visit(idle - 60)

    assert clock.clean().done == 1

    with transaction() as session:
        left = [
            session.scalar(select(func.count()).select_from(table))
            for table in (BrowserSession, Grant, Onboarding)
        ]
    assert left == [1, 1, 2]
    assert clock.clean().done == 0
