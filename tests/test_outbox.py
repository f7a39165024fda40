"""A promise is kept at least once, by one worker at a time, and never before it is durable."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, update

from onboarding import outbox, outbox_statements, redelivery
from onboarding.db import clock, reading, transaction
from onboarding.ids import new_id
from onboarding.models import Message
from onboarding.outbox import Claim, LeaseLost
from tests.builders import a_message
from tests.dumping import dump
from tests.racing import race


def claim(message_id: UUID, lease: float = outbox_statements.LEASE) -> Claim | None:
    with transaction() as session:
        return outbox.claim(session, message_id, lease)


def claimed(message_id: UUID, lease: float = outbox_statements.LEASE) -> Claim:
    taken = claim(message_id, lease)
    assert taken is not None
    return taken


def finish(taken: Claim) -> None:
    with transaction() as session:
        outbox.finish(session, taken)


def fail(taken: Claim, cause: str = "smtp_down", *, final: bool = False) -> bool:
    with transaction() as session:
        return outbox.fail(session, taken, cause, "it did not answer", final=final)


def fail_after_rest(message_id: UUID) -> bool:
    """The next attempt fails too, once its time has come."""
    pass_time(message_id, 2 * timedelta(seconds=outbox.BACKOFF_AT_MOST))
    return fail(claimed(message_id))


def due(limit: int = 100) -> list[UUID]:
    with transaction() as session:
        return [announcement.id for announcement in redelivery.due(session, limit)]


def retry(message_id: UUID) -> bool:
    with transaction() as session:
        return redelivery.retry(session, message_id)


def stored(message_id: UUID) -> Message | None:
    with reading() as session:
        return session.get(Message, message_id)


def the(message_id: UUID) -> Message:
    message = stored(message_id)
    assert message is not None
    return message


def pass_time(message_id: UUID, by: timedelta) -> None:
    """As if everything about this message had happened that much earlier."""
    row = the(message_id)

    def earlier(at: datetime | None) -> datetime | None:
        return at - by if at else None

    with transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(
                created_at=row.created_at - by,
                due_at=row.due_at - by,
                leased_until=earlier(row.leased_until),
            )
        )


def test_a_message_waits_until_its_effect_is_committed(database: Engine) -> None:
    message_id = a_message("send_email", about={"notice": "confirmed"})
    taken = claimed(message_id)
    assert (taken.task, taken.attempt, taken.about) == ("send_email", 1, {"notice": "confirmed"})
    assert stored(message_id) is not None
    finish(taken)
    assert stored(message_id) is None


def test_a_turn_is_one_workers(database: Engine) -> None:
    message_id = a_message()
    claimed(message_id)
    before = dump(database)
    assert claim(message_id) is None
    assert dump(database) == before


def test_of_sixteen_who_claim_at_once_one_gets_it(database: Engine) -> None:
    for _ in range(10):
        message_id = a_message()
        outcomes = race(*[partial(claim, message_id)] * 16)
        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert len([o for o in outcomes if o]) == 1
        assert the(message_id).attempts == 1


def test_a_turn_ends_with_its_lease(database: Engine) -> None:
    message_id = a_message()
    claimed(message_id)
    pass_time(message_id, timedelta(seconds=outbox_statements.LEASE - 2))
    assert claim(message_id) is None
    pass_time(message_id, timedelta(seconds=2.1))
    assert claimed(message_id).attempt == 2


def test_who_comes_after_his_turn_writes_nothing(database: Engine) -> None:
    message_id = a_message()
    late = claimed(message_id)
    pass_time(message_id, timedelta(minutes=2))
    now = claimed(message_id)
    before = dump(database)
    with pytest.raises(LeaseLost):
        finish(late)
    assert fail(late, final=True) is False
    assert dump(database) == before
    finish(now)


def test_the_effect_of_a_late_finish_is_rolled_back_with_it(database: Engine) -> None:
    message_id = a_message()
    taken = claimed(message_id)
    finish(taken)
    before = dump(database)

    def finish_late() -> None:
        with transaction() as session:
            outbox.promise(session, "send_email")
            outbox.finish(session, taken)

    with pytest.raises(LeaseLost):
        finish_late()
    assert dump(database) == before


def test_nobody_has_a_turn_at_what_does_not_exist(database: Engine) -> None:
    assert claim(new_id()) is None
    assert retry(new_id()) is False


def test_a_failed_attempt_comes_back_later_and_later(database: Engine) -> None:
    message_id = a_message(max_attempts=12)
    waits = []
    for _ in range(11):
        assert fail_after_rest(message_id) is False
        with reading() as session:
            message = session.get_one(Message, message_id)
            waits.append((message.due_at - clock(session)).total_seconds())
        assert message.leased_until == message.due_at
        assert message.last_error == "it did not answer"
    for attempt, wait in enumerate(waits):
        usual = min(2.0**attempt, outbox.BACKOFF_AT_MOST)
        assert 0.5 * usual - 1 < wait <= 1.5 * usual


def test_a_stray_delivery_wastes_no_attempt_of_a_message_that_rests(database: Engine) -> None:
    message_id = a_message()
    fail(claimed(message_id))
    before = dump(database)
    assert claim(message_id) is None
    assert dump(database) == before
    pass_time(message_id, timedelta(seconds=2))
    assert claimed(message_id).attempt == 2


def test_a_retry_does_not_wait_for_the_rest_to_end(database: Engine) -> None:
    message_id = a_message(max_attempts=1)
    fail(claimed(message_id))
    assert retry(message_id) is True
    assert claimed(message_id).attempt == 2


def test_what_a_worker_does_not_know_is_left_to_one_that_does(database: Engine) -> None:
    message_id = a_message("tell_fortune")
    before = dump(database)
    with transaction() as session:
        assert outbox.claim(session, message_id, known={"send_email"}) is None
    assert dump(database) == before
    with transaction() as session:
        assert outbox.claim(session, message_id, known={"tell_fortune"}) is not None


def test_the_last_failure_is_an_incident_with_a_cause(database: Engine) -> None:
    message_id = a_message(max_attempts=3)
    assert [fail_after_rest(message_id) for _ in range(3)] == [False, False, True]
    incident = the(message_id)
    assert incident.failed_at is not None
    assert (incident.cause, incident.attempts) == ("smtp_down", 3)
    pass_time(message_id, timedelta(days=30))
    assert claim(message_id) is None
    assert due() == []


def test_some_failures_are_for_good_at_once(database: Engine) -> None:
    message_id = a_message()
    assert fail(claimed(message_id), "address_refused", final=True) is True
    assert the(message_id).cause == "address_refused"


def test_workers_that_die_every_time_are_an_incident(database: Engine) -> None:
    message_id = a_message(max_attempts=3)
    for _ in range(3):
        claimed(message_id)
        pass_time(message_id, timedelta(minutes=2))
    assert due() == [message_id]
    assert claim(message_id) is None
    incident = the(message_id)
    assert incident.cause == "worker_died"
    assert incident.leased_until is None
    assert due() == []


def test_a_retry_grants_one_attempt_more(database: Engine) -> None:
    message_id = a_message(max_attempts=2)
    fail(claimed(message_id))
    fail_after_rest(message_id)
    assert retry(message_id) is True
    again = the(message_id)
    assert (again.failed_at, again.cause, again.max_attempts) == (None, None, 3)
    assert retry(message_id) is False
    assert fail(claimed(message_id)) is True


def test_a_retry_after_dead_workers_grants_one_attempt_too(database: Engine) -> None:
    message_id = a_message(max_attempts=1)
    claimed(message_id)
    pass_time(message_id, timedelta(minutes=2))
    assert claim(message_id) is None
    assert retry(message_id) is True
    finish(claimed(message_id))
    assert stored(message_id) is None


def test_who_died_before_a_retry_does_not_finish_after_it(database: Engine) -> None:
    message_id = a_message(max_attempts=1)
    dead = claimed(message_id)
    fail(dead)
    retry(message_id)
    claimed(message_id)
    with pytest.raises(LeaseLost):
        finish(dead)


def test_a_fresh_message_is_not_published_twice(database: Engine) -> None:
    message_id = a_message()
    assert due() == []
    pass_time(
        message_id, timedelta(seconds=outbox_statements.REPUBLISH_AFTER) - timedelta(seconds=1)
    )
    assert due() == []
    pass_time(message_id, timedelta(seconds=1.1))
    assert due() == [message_id]
    assert due() == []


def test_what_somebody_works_on_is_not_published(database: Engine) -> None:
    message_id = a_message()
    pass_time(message_id, timedelta(seconds=10))
    claimed(message_id, lease=30)
    assert due() == []
    pass_time(message_id, timedelta(seconds=31))
    assert due() == [message_id]


def test_what_waits_longer_is_published_less_often(database: Engine) -> None:
    message_id = a_message()
    for age, wait in ((3, 3), (6, 9), (3600, 15)):
        pass_time(message_id, timedelta(seconds=age))
        assert due() == [message_id]
        with reading() as session:
            left = session.get_one(Message, message_id).due_at - clock(session)
        assert abs(left.total_seconds() - wait) < 1.5


def test_the_longest_due_goes_first_and_a_sweep_is_bounded(database: Engine) -> None:
    ids = [a_message() for _ in range(5)]
    for number, message_id in enumerate(ids):
        pass_time(message_id, timedelta(seconds=100 - number))
    assert due(limit=2) == ids[:2]
    assert due(limit=2) == ids[2:4]
    assert due(limit=2) == ids[4:]
