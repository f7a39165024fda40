"""Endpoints for tests, and what happens that they are told of."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from onboarding import access, endpoints, events, queries, webhooks
from onboarding.access import Actor
from onboarding.db import UTCDateTime, later, reading, transaction
from onboarding.models import Delivery, Webhook
from onboarding.settings import settings
from onboarding.webhooks import Endpoint
from tests import builders
from tests.receiving import one_for_all
from workers.webhooks import note_events, promise_deliveries


def an_owner() -> UUID:
    """A calling system."""
    with transaction() as session:
        return access.create_api_key(session, "test", access.SCOPES)[0].id


def an_endpoint(url: str, owner: UUID | None = None, **said: Any) -> UUID:
    """An endpoint that hears of whatever happens from now on."""
    owner = owner or an_owner()
    with transaction() as session:
        rules = endpoints.rules(settings())
        ring, base = builders.keyring(), settings().base_url
        return webhooks.add(session, ring, owner, Endpoint(url, **said), rules, base).id


def the_endpoint(webhook_id: UUID) -> Webhook:
    with reading() as session:
        return session.get_one(Webhook, webhook_id)


def owner_of(webhook_id: UUID) -> UUID:
    return the_endpoint(webhook_id).system_id


def started_by(owner: UUID, state: str = "started") -> UUID:
    """An onboarding of this system, and that much of its way behind it."""
    with transaction() as session:
        made = builders.start(session, system_id=owner).id
    if state == "type_chosen":
        with transaction() as session:
            choose(session, made)
    return made


def choose(session: Any, onboarding_id: UUID) -> None:
    data = {"connection_type": "plugin"}
    events.handle(session, onboarding_id, "choose_type", Actor("api", "key:tests"), data)


def deliveries(*which: Any) -> list[Delivery]:
    """What is noted down, in the order in which it happened."""
    with reading() as session:
        query = select(Delivery).where(*which).order_by(Delivery.onboarding_id, Delivery.sequence)
        return [*session.scalars(query)]


def sweep(times: int = 1) -> int:
    """Note down, promise and send, as often as that; what was promised."""
    promised = 0
    for _ in range(times):
        while note_events().more:
            pass
        promised += promise_deliveries().done
        builders.work()
    return promised


def deliver_all(most: int = 200) -> None:
    """Until nothing is due any more."""
    for _ in range(most):
        if not sweep():
            return
    raise AssertionError("deliveries without an end")


def let_pass(time: timedelta) -> None:
    """As if all that was noted, tried or left alone had been so much earlier."""
    with transaction() as session:
        for table in (Delivery, Webhook):
            columns = [c for c in table.__table__.columns if isinstance(c.type, UTCDateTime)]
            earlier = {c.name: later(c, -time.total_seconds()) for c in columns}
            session.execute(update(table).values(earlier))


def a_delivery() -> None:
    """One thing to be sent, promised."""
    webhook_id = an_endpoint(one_for_all().url)
    started_by(owner_of(webhook_id))
    note_events()
    promise_deliveries()


def keys_of(webhook_id: UUID) -> list[str]:
    """What its receiver verifies with, as it is shown."""
    with reading() as session:
        webhook = session.get_one(Webhook, webhook_id)
        return [key.shown for key in webhooks.keys(session, builders.keyring(), webhook)]


def incidents_now() -> list[str | None]:
    """What an operator must look at, by its cause."""
    with reading() as session:
        return [each.cause for each in queries.incidents(session)]
