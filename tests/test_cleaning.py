"""What nobody can come back to is removed, and nothing else."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from onboarding import db, operators, proof_statements, proofs
from onboarding.db import transaction
from onboarding.models import BrowserSession, Grant, Onboarding, OperatorSession, UnprovedLetter
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


def _was(row: UnprovedLetter | OperatorSession, ago: timedelta) -> None:
    """Made so long ago."""
    table = type(row)
    with transaction() as session:
        made = {"created_at": db.in_seconds(-ago.total_seconds())}
        session.execute(update(table).where(table.id == row.id).values(**made))


def test_letters_to_an_address_are_forgotten_once_they_count_no_more() -> None:
    """Whoever was written to once is no fact that we keep."""
    hour = timedelta(hours=1)
    for ago in (hour + timedelta(minutes=1), hour - timedelta(minutes=1)):
        with transaction() as session:
            letter = UnprovedLetter(address_hash=bytes(32))
            session.add(letter)
        _was(letter, ago)

    assert clock.clean().done == 1

    assert clock.clean().done == 0
    with transaction() as session:
        assert session.scalars(select(UnprovedLetter.id)).all() == [letter.id]


def test_sessions_of_operators_go_once_they_are_over() -> None:
    cookies = []
    for ago in (operators.SESSION_LASTS + timedelta(minutes=1), timedelta()):
        with transaction() as session:
            operator = operators.known(session, "https://idp.example", "ada", "Ada", "lead")
            cookies.append(operators.sign_in(session, operator))
            session.flush()
            newest = session.scalars(select(OperatorSession).order_by(OperatorSession.id.desc()))
            made = newest.first()
        assert made is not None
        _was(made, ago)

    assert clock.clean().done == 1

    assert clock.clean().done == 0
    with transaction() as session:
        assert operators.who(session, cookies[-1]).name == "Ada"
