"""Events that came too early are offered again, whatever became of the offers before."""

from uuid import UUID

from sqlalchemy import Engine, insert, select, update

from onboarding import db
from onboarding.db import reading, transaction
from onboarding.inbound import OFFER
from onboarding.models import Client, InboundEvent, Message, Transition
from tests.builders import an_onboarding, promised, state_of, the, work
from tests.telling import Event, a_source, an_early_event, tell, told
from workers import turns
from workers.inbound import promise_offers


def test_an_offer_that_has_failed_for_good_is_followed_by_the_next(database: Engine) -> None:
    """What comes later is not held up until somebody retries it."""
    an_early_event()
    assert promise_offers().done == 0
    with transaction() as session:
        session.execute(update(Message).values(failed_at=db.now(), cause="worker_died"))
    assert promise_offers().done == 1
    (message,) = promised(OFFER)
    assert message.failed_at is None
    work()
    assert told() == [("aggregator.suspended", "applied")]


def test_one_that_goes_wrong_holds_up_no_other(database: Engine) -> None:
    a_source()
    broken, sound = an_onboarding("secret_ready"), an_onboarding("secret_ready")
    for minute, onboarding_id in enumerate((broken, sound)):
        disabled_too_early(onboarding_id, minute)
    a_step_that_nobody_took(broken)
    assert promise_offers().done == 1
    (message,) = promised(OFFER)
    turns.run(str(message.id))
    assert told() == [("client.disabled", "parked"), ("client.disabled", "applied")]
    assert (state_of(broken), state_of(sound)) == ("secret_ready", "cancelled")
    (again,) = promised(OFFER)
    assert (again.id, again.attempts, again.cause) == (message.id, 1, "task_failed")


def disabled_too_early(onboarding_id: UUID, minute: int) -> None:
    """Of a client that was not there yet when that was told, and is now."""
    assert tell(Event("client.disabled", f"not-there-{minute}", minute)) == "parked"
    with transaction() as session:
        client = session.scalars(select(Client.id).where(Client.onboarding_id == onboarding_id))
        session.execute(
            update(InboundEvent)
            .where(InboundEvent.subject == f"not-there-{minute}")
            .values(subject=client.one())
        )


def a_step_that_nobody_took(onboarding_id: UUID) -> None:
    """As a restore of two tables of different age leaves it: its next step is refused."""
    onboarding = the(onboarding_id)
    with reading() as session:
        latest = session.scalars(
            select(Transition).where(
                Transition.onboarding_id == onboarding_id,
                Transition.sequence == onboarding.sequence,
            )
        ).one()
        row = {column.name: getattr(latest, column.name) for column in Transition.__table__.columns}
    with transaction() as session:
        session.execute(insert(Transition), [row | {"sequence": onboarding.sequence + 1}])
