"""What another system is still to be told of stays until it has been told, noted down or not yet."""

from pathlib import Path
from uuid import UUID

from sqlalchemy import delete, update

from onboarding import archiving, deliveries, event_log
from onboarding.db import reading, transaction
from onboarding.models import Message, Onboarding, Webhook
from tests.builders import age, fire, the
from tests.listening import an_endpoint, an_owner, deliver_all, owner_of, started_by
from tests.receiving import Receiver
from tests.test_archiving import OLD, archived
from tests.test_erasing import WHO, erase


def one_that_is_over(owner: UUID) -> UUID:
    """Of this system: it was cancelled at once, long ago, and no letter waits."""
    made = started_by(owner)
    fire(made, "cancel")
    with transaction() as session:
        session.execute(delete(Message))
        its = Onboarding.id == made
        session.execute(update(Onboarding).where(its).values(contact_email=WHO, contact_hash=None))
    return made


def test_what_is_not_noted_down_yet_is_not_erased(receiver: Receiver) -> None:
    made = one_that_is_over(owner_of(an_endpoint(receiver.url)))
    done = erase()
    assert (done.removed, [each.why for each in done.left]) == ([], ["under_way"])
    deliver_all()
    assert [each.place for each in receiver.got] == [(str(made), 1), (str(made), 2)]
    reference = the(made).reference
    assert erase().removed == [reference]


def test_nor_archived(receiver: Receiver, tmp_path: Path) -> None:
    made = one_that_is_over(owner_of(an_endpoint(receiver.url)))
    age(made, OLD)
    assert archiving.waiting(OLD.days - 1) == 0
    deliver_all()
    assert len(receiver.got) == 2
    assert [line["id"] for line in archived(tmp_path)] == [str(made)]


def test_who_does_not_listen_or_is_another_system_has_nobody_wait(receiver: Receiver) -> None:
    off = an_endpoint(receiver.url)
    with transaction() as session:
        disabled = {"disabled_at": Webhook.created_at, "disabled_because": "by_its_owner"}
        session.execute(update(Webhook).values(disabled))
    an_endpoint(receiver.url)
    made = one_that_is_over(owner_of(off)), one_that_is_over(an_owner())
    references = {the(each).reference for each in made}
    assert {*erase().removed} == references


def test_what_happens_after_the_last_event_was_erased_is_told(receiver: Receiver) -> None:
    """Whoever has read that far would else have what comes next behind them."""
    owner = owner_of(an_endpoint(receiver.url))
    one_that_is_over(owner)
    deliver_all()
    with reading() as session:
        read = event_log.end(session)
    assert len(erase().removed) == 1
    with reading() as session:
        assert not deliveries.any_to_note(session), "or each look would write"
    receiver.got.clear()
    made = started_by(owner)
    deliver_all()
    assert [each.place for each in receiver.got] == [(str(made), 1)]
    with reading() as session:
        assert [each.onboarding_id for each in event_log.page(session, read, 9)] == [made]
