"""What an endpoint does not take keeps nothing else from it, nor what others do not take."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert, select, update

from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import Delivery, Webhook
from tests.listening import (
    an_endpoint,
    incidents_now,
    let_pass,
    owner_of,
    started_by,
    sweep,
    the_endpoint,
)
from tests.receiving import Receiver, Sent

# More than one message sends.
MANY = 120


def test_one_that_was_given_up_keeps_none_from_being_tried_again(receiver: Receiver) -> None:
    """Its incident stays for as long as nobody enables it."""
    gone, away = an_endpoint(receiver.url), an_endpoint(receiver.url)
    receiver.answer = lambda _: 410
    started_by(owner_of(gone))
    sweep()
    assert incidents_now() == ["endpoint_gone"]
    receiver.answer = lambda _: 503
    started_by(owner_of(away))
    sweep()
    assert the_endpoint(away).failures == 1
    receiver.answer = lambda _: 204
    let_pass(timedelta(minutes=1))
    assert sweep() == 1
    assert the_endpoint(away).failures == 0


def test_what_waits_for_an_event_that_rests_keeps_no_other_from_being_sent(
    receiver: Receiver,
) -> None:
    mine = an_endpoint(receiver.url)
    refused = started_by(owner_of(mine))
    receiver.answer = not_of(refused)
    sweep()
    many_wait_for(refused)
    other = started_by(owner_of(mine))
    with transaction() as session:
        session.execute(update(Webhook).values(rests_until=None))
    sweep(2)
    assert [each.place for each in receiver.taken] == [(str(other), 1)]


def test_what_is_refused_each_time_is_tried_after_what_was_not_tried_yet(
    receiver: Receiver,
) -> None:
    mine = an_endpoint(receiver.url)
    refused = [started_by(owner_of(mine)) for _ in range(2)]
    other = started_by(owner_of(mine))
    receiver.answer = not_of(*refused)
    for _ in range(3):
        sweep()
        let_pass(timedelta(hours=30))
    first_three = [each.place for each in receiver.got[:3]]
    assert first_three == [(str(each), 1) for each in (*refused, other)]


def test_what_follows_on_what_was_refused_at_first_comes_after_it(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    refused = started_by(owner_of(mine))
    receiver.answer = not_of(refused)
    sweep()
    many_wait_for(refused)
    receiver.answer = lambda _: 204
    receiver.got.clear()
    let_pass(timedelta(minutes=1))
    sweep(2)
    assert [each.place for each in receiver.got] == [
        (str(refused), sequence) for sequence in range(1, MANY + 2)
    ]


def not_of(*refused: UUID) -> Callable[[Sent], int]:
    def answer(sent: Sent) -> int:
        return 400 if sent.place[0] in map(str, refused) else 204

    return answer


def many_wait_for(onboarding_id: UUID) -> None:
    """So much has happened to it since its first event, and is due."""
    with transaction() as session:
        first = session.scalars(
            select(Delivery).where(Delivery.onboarding_id == onboarding_id)
        ).one()
        body = first.body.replace('"sequence":1,', '"sequence":%d,')
        rows = [
            {
                "id": new_id(),
                "webhook_id": first.webhook_id,
                "onboarding_id": onboarding_id,
                "sequence": sequence,
                "event_id": f"evt_{sequence}",
                "type": first.type,
                "body": body % sequence,
            }
            for sequence in range(2, MANY + 2)
        ]
        session.execute(insert(Delivery), rows)
