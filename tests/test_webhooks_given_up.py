"""An endpoint that is disabled for failing is an incident, with a cause of its own, until it is enabled."""

from datetime import timedelta

from onboarding import queries, redelivery, stuck, webhooks
from onboarding.db import reading, transaction
from onboarding.models import Webhook
from tests import builders
from tests.listening import (
    an_endpoint,
    deliver_all,
    incidents_now,
    let_pass,
    owner_of,
    started_by,
    sweep,
)
from tests.receiving import Receiver
from tests.test_webhooks import rules


def test_that_it_was_given_up_is_an_incident_until_it_is_enabled(receiver: Receiver) -> None:
    """No system has an e-mail address: an operator is told."""
    mine = an_endpoint(receiver.url)
    receiver.answer = lambda _: 410
    started_by(owner_of(mine))
    sweep()
    assert incidents_now() == ["endpoint_gone"]
    with reading() as session:
        (cause,) = stuck.causes(session)
        assert (cause.task, cause.code, cause.failed) == ("deliver_webhooks", "endpoint_gone", 1)
        (incident,) = queries.incidents(session)
    with transaction() as session:
        redelivery.retry(session, incident.id)
    builders.work()
    assert incidents_now() == ["endpoint_gone"]
    receiver.answer = lambda _: 200
    with transaction() as session:
        webhooks.change(session, session.get_one(Webhook, mine), {"enabled": True}, rules())
    assert incidents_now() == []
    let_pass(timedelta(minutes=7))
    deliver_all()
    assert len(receiver.taken) == 2


def test_one_that_is_removed_or_that_its_owner_disabled_is_none(receiver: Receiver) -> None:
    mine, other = an_endpoint(receiver.url), an_endpoint(receiver.url)
    receiver.answer = lambda _: 410
    started_by(owner_of(mine))
    sweep()
    with transaction() as session:
        webhooks.remove(session, session.get_one(Webhook, mine))
        webhooks.change(session, session.get_one(Webhook, other), {"enabled": False}, rules())
    started_by(owner_of(other))
    sweep()
    assert incidents_now() == []
