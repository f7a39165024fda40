"""What is sent to other systems' endpoints: noted down and promised by whoever sweeps; sent by a task."""

import time
from typing import Final
from uuid import UUID

from onboarding import (
    crash_points,
    deliveries,
    endpoints,
    event_bodies,
    outbox,
    posting,
    sending,
    signing,
)
from onboarding.db import reading, transaction
from onboarding.outbox import Claim
from onboarding.posting import Failed, Postman
from onboarding.sealing import Keyring
from onboarding.sending import Item, Outcome, Part
from onboarding.settings import settings
from workers.clock import Swept

# Seconds for which one message goes on sending to an endpoint: others want their turn.
ENOUGH: Final = 5.0


def note_events() -> Swept:
    """Note down what has happened since for those who listen; most looks find that nothing has."""
    with reading() as session:
        if not deliveries.any_to_note(session):
            return Swept(0, more=False)
    with transaction() as session:
        return Swept(*deliveries.note(session))


def promise_deliveries() -> Swept:
    """Have workers send what is due."""
    with reading() as session:
        if not sending.any_due(session):
            return Swept(0, more=False)
    with transaction() as session:
        return Swept(sending.promise(session), more=False)


def deliver(claim: Claim, ring: Keyring) -> None:
    """Send a part of what is due at one endpoint: no transaction is open while it answers.

    A crash after something was sent and before that is noted sends it again, the same. Raises
    GivenUp where the endpoint has been disabled for failing: that is an incident until it is enabled.
    """
    webhook_id = UUID(str(claim.about["webhook"]))
    with reading() as session:
        part = sending.next_part(session, ring, webhook_id)
    if part is not None:
        _send(part, posting.postman(endpoints.rules(settings())))
    with reading() as session:
        sending.check(session, webhook_id)
    with transaction() as session:
        outbox.finish(session, claim)


def _send(part: Part, postman: Postman) -> None:
    """One after the other; the first that does not arrive is the last."""
    until, arrived = time.monotonic() + ENOUGH, set()
    for item in part.items:
        onboarding_id, _ = item.place
        if item.waits_for is not None and (onboarding_id, item.waits_for) not in arrived:
            continue
        outcome = _post(part, item, postman)
        crash_points.reach("delivery.sent")
        with transaction() as session:
            sending.record(session, part.webhook_id, item, outcome)
        if not outcome.arrived or time.monotonic() > until:
            return
        arrived.add(item.place)


def _post(part: Part, item: Item, postman: Postman) -> Outcome:
    body = item.body.encode()
    headers = signing.headers(part.keys, item.event_id, body, part.at)
    headers |= {"content-type": event_bodies.MEDIA_TYPE, "user-agent": "onboarding"}
    try:
        return Outcome(status=postman.post(part.url, headers, body))
    except Failed as error:
        return Outcome(failed=error.cause)
