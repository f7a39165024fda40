"""Events that came before what they are about: offered again by whoever sweeps, each by a message of its own."""

from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import inbound as told
from onboarding import inbound_order, outbox
from onboarding.db import reading, transaction
from onboarding.outbox import Claim
from onboarding.sealing import Keyring
from workers.clock import Swept


class Offers:
    """Looks through what is parked, a part at a time, and goes on where the look before has ended."""

    def __init__(self) -> None:
        self._after = told.FIRST

    def promise(self) -> Swept:
        """Have events offered whose subject has come; most looks find none, and take no lock."""
        with reading() as session:
            ready, after = told.ready(session, self._after)
        promised = _promise(ready) if ready else 0
        # Last: where anything failed until here, the next look sees the same.
        self._after = after
        return Swept(promised, more=after != told.FIRST)


def put_in_order(limit: int = 100) -> Swept:
    """While another version is at work: mark what its events have overtaken."""
    with reading() as session:
        if not inbound_order.any_unordered(session):
            return Swept(0, more=False)
    with transaction() as session:
        marked = inbound_order.put_in_order(session, limit)
    return Swept(marked, more=marked == limit)


def offer(claim: Claim, ring: Keyring) -> None:
    """Offer one of them, in a transaction of its own: whoever writes to the trail has others wait.

    A version that offered all at once has named none in its message: they are promised anew.
    """
    with transaction() as session:
        outbox.finish(session, claim)
        if event_id := claim.about.get("event"):
            told.offer_one(session, ring, UUID(event_id))


def offer_about(session: Session, kind: str, subject: str, ring: Keyring) -> None:
    """What is parked about a subject that has just come or changed."""
    told.offer(session, ring, kind, subject)


def _promise(ready: list[UUID]) -> int:
    with transaction() as session:
        return told.promise(session, ready)
