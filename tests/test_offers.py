"""Events that came too early are offered again, whatever became of the offers before."""

from sqlalchemy import Engine, update

from onboarding import db
from onboarding.db import transaction
from onboarding.inbound import OFFER
from onboarding.models import Message
from tests.builders import promised, work
from tests.telling import an_early_event, told
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
