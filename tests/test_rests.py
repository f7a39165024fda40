"""A message that has failed rests, and what ends its rest before the time."""

from datetime import timedelta

from sqlalchemy import Engine

from onboarding import redelivery
from onboarding.db import transaction
from tests.builders import a_message
from tests.test_outbox import claimed, due, fail, finish, pass_time, the


def test_an_outage_that_is_over_for_one_is_over_for_all_that_failed_of_it(
    database: Engine,
) -> None:
    away, others = [a_message() for _ in range(3)], [a_message() for _ in range(2)]
    for _ in range(3):
        for message_id in away:
            pass_time(message_id, timedelta(hours=1))
            fail(claimed(message_id), "server_away")
    fail(claimed(others[0]), "mailbox_full")
    in_hand = claimed(others[1])
    with transaction() as session:
        assert redelivery.wake(session, "server_away") == 3
    assert sorted(due()) == sorted(away)
    assert [claimed(message_id).cause for message_id in away] == ["server_away"] * 3
    finish(in_hand)


def test_an_incident_is_not_woken(database: Engine) -> None:
    message_id = a_message(max_attempts=1)
    fail(claimed(message_id), "server_away")
    with transaction() as session:
        assert redelivery.wake(session, "server_away") == 0
    assert the(message_id).failed_at
