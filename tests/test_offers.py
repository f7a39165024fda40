"""Events that came too early are offered again, whatever becomes of the others, and however many wait."""

from uuid import UUID

from sqlalchemy import Engine, insert, select, update

from onboarding import db, inbound
from onboarding.db import reading, transaction
from onboarding.models import Client, InboundEvent, Message, Transition
from tests.builders import an_onboarding, keyring, promised, state_of, the
from tests.racing import race
from tests.telling import Event, a_source, an_early_event, tell, told
from workers import turns
from workers.inbound import Offers

OFFER = "offer_inbound"
# More than a look once found, and all of them about one.
MANY = 60


def test_one_that_goes_wrong_holds_up_no_other(database: Engine) -> None:
    a_source()
    broken, sound = an_onboarding("secret_ready"), an_onboarding("secret_ready")
    for minute in range(MANY):
        disabled_too_early(broken, minute)
    disabled_too_early(sound, MANY)
    a_step_that_nobody_took(broken)
    assert Offers().promise().done == MANY + 1
    offer_once()
    assert {status for _, status in told()[:-1]} == {"parked"}
    assert (state_of(broken), state_of(sound)) == ("secret_ready", "cancelled")
    assert {(each.attempts, each.cause) for each in promised(OFFER)} == {(1, "task_failed")}
    assert Offers().promise().done == 0, "each is tried again by its own message"


def test_one_that_has_failed_for_good_is_an_incident_until_it_is_settled(database: Engine) -> None:
    an_early_event()
    failed_for_good()
    assert Offers().promise().done == 0
    (message,) = promised(OFFER)
    with transaction() as session:
        inbound.dismiss(session, UUID(message.about["event"]))
    assert promised(OFFER) == []


def test_and_one_that_takes_effect_after_all_is_none(database: Engine) -> None:
    an_early_event()
    failed_for_good()
    with transaction() as session:
        inbound.offer(session, keyring(), "aggregator", "feedwise")
    assert told() == [("aggregator.suspended", "applied")]
    assert promised(OFFER) == []


def test_of_one_whose_message_is_gone_another_is_promised(database: Engine) -> None:
    an_early_event()
    with transaction() as session:
        session.execute(update(Message).values(about={}))
    offer_once()
    assert told() == [("aggregator.suspended", "parked")]
    assert Offers().promise().done == 1
    offer_once()
    assert told() == [("aggregator.suspended", "applied")]


def test_looks_at_once_promise_each_once(database: Engine) -> None:
    a_source()
    for minute in range(5):
        disabled_too_early(an_onboarding("secret_ready"), minute)
    done = race(*[lambda: Offers().promise().done] * 6)
    assert sum(done) == 5  # type: ignore[arg-type]
    assert len(promised(OFFER)) == 5


def test_a_look_goes_on_where_the_one_before_has_ended(database: Engine) -> None:
    a_source()
    for minute in range(5):
        tell(Event("client.disabled", f"not-there-{minute}", minute))
    come = minute + 1
    disabled_too_early(an_onboarding("secret_ready"), come)
    found, after = [], inbound.FIRST
    for _ in range(4):
        with reading() as session:
            ready, after = inbound.ready(session, after, limit=2)
        found.append((len(ready), after == inbound.FIRST))
    # Where a look finds as many as it looks at, it cannot know that there are no more.
    assert found == [(0, False), (0, False), (1, False), (0, True)]


def offer_once() -> None:
    for message in promised(OFFER):
        turns.run(str(message.id))


def failed_for_good() -> None:
    with transaction() as session:
        session.execute(update(Message).values(failed_at=db.now(), cause="worker_died"))


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
