"""Events of the marketplace's that came before what they are about: offered again by whoever sweeps."""

from sqlalchemy.orm import Session

from onboarding import inbound as told
from onboarding import outbox
from onboarding.db import reading, transaction
from onboarding.outbox import Claim
from onboarding.sealing import Keyring
from workers.clock import Swept


def promise_offers() -> Swept:
    """Have parked events offered whose subject has come; most looks find none, and take no lock."""
    with reading() as session:
        if not told.ready(session, 1) or told.is_offered(session):
            return Swept(0, more=False)
    with transaction() as session:
        told.forget_offers(session)
        outbox.promise(session, "offer_inbound")
    return Swept(1, more=False)


def offer(session: Session, claim: Claim, ring: Keyring) -> None:
    """Offer a batch of them; what is left is promised by the next look."""
    for kind, subject in told.ready(session):
        told.offer(session, ring, kind, subject)


def offer_about(session: Session, kind: str, subject: str, ring: Keyring) -> None:
    """The same for one subject that has just come or changed."""
    told.offer(session, ring, kind, subject)
