"""An event that waits is dismissed, or takes effect: never both, and what was dismissed is no fact."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from onboarding import audit, inbound, reoffering
from onboarding.db import reading, transaction
from onboarding.errors import MovedOn
from onboarding.models import Aggregator, InboundEvent
from onboarding.operators import Who
from tests import builders
from tests.acting import WHY
from tests.racing import until_somebody_waits
from tests.telling import ENTRY, Event, a_source, tell, told

LEAD = Who("operator:test", "Test", "lead")
SUSPENDED = Event("aggregator.suspended", "new-tool", 2)
REGISTERED = Event("aggregator.registered", "new-tool", 1, ENTRY)


def dismiss(event_id: UUID) -> str:
    with transaction() as session:
        event = session.get_one(InboundEvent, event_id)
        ring = builders.keyring()
        return reoffering.carry_out(session, ring, LEAD, reoffering.DISMISS, event, WHY)


def the_one_that_waits() -> UUID:
    with reading() as session:
        return session.scalars(select(InboundEvent.id)).one()


def test_one_whose_subject_comes_at_that_moment_takes_effect(database: Engine) -> None:
    a_source()
    assert tell(SUSPENDED) == "parked"
    waiting = the_one_that_waits()
    with ThreadPoolExecutor(1) as others:
        with transaction() as session:
            inbound.receive(session, builders.keyring(), REGISTERED.told)
            dismissing = others.submit(dismiss, waiting)
            until_somebody_waits()
        with pytest.raises(MovedOn):
            dismissing.result()
    assert {status for _, status in told()} == {"applied"}
    with reading() as session:
        assert session.scalars(select(Aggregator.status)).one() == "suspended"
        assert "inbound.dismiss" not in {each.action for each in audit.latest(session, 9)}


def test_one_that_is_dismissed_at_that_moment_takes_no_effect(database: Engine) -> None:
    a_source()
    assert tell(SUSPENDED) == "parked"
    waiting = the_one_that_waits()
    with ThreadPoolExecutor(1) as others:
        with transaction() as session:
            assert inbound.dismiss(session, waiting).status == "dismissed"
            session.flush()
            coming = others.submit(tell, REGISTERED)
            until_somebody_waits()
        assert coming.result() == "applied"
    with reading() as session:
        assert session.scalars(select(Aggregator.status)).one() == "registered"


def test_what_was_dismissed_makes_no_older_event_stale(database: Engine) -> None:
    a_source()
    later = Event("aggregator.reinstated", "new-tool", 9)
    assert tell(later) == "parked"
    assert dismiss(the_one_that_waits()) == "dismissed"
    assert (tell(REGISTERED), tell(SUSPENDED)) == ("applied", "applied")
    assert told()[-1] == (later.type, "dismissed")
