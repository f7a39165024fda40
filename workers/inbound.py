"""Events of the marketplace's that came before what they are about: offered again by whoever sweeps."""

from sqlalchemy.orm import Session

from onboarding import inbound as told
from onboarding import logs, outages, outbox
from onboarding.db import reading, transaction
from onboarding.outbox import Claim
from onboarding.sealing import Keyring
from workers.clock import Swept

log = logs.get(__name__)


def promise_offers() -> Swept:
    """Have parked events offered whose subject has come; most looks find none, and take no lock."""
    with reading() as session:
        if not told.ready(session, 1) or told.is_offered(session):
            return Swept(0, more=False)
    with transaction() as session:
        told.forget_offers(session)
        outbox.promise(session, "offer_inbound")
    return Swept(1, more=False)


def offer(claim: Claim, ring: Keyring) -> None:
    """Offer a batch of them, each in a transaction of its own: one that goes wrong holds up no other.

    What is left is promised by the next look. Raises what went wrong first, once all were offered.
    """
    with reading() as session:
        ready = told.ready(session)
    wrong = [error for kind, subject in ready if (error := _offered(kind, subject, ring))]
    if wrong:
        raise wrong[0]
    with transaction() as session:
        outbox.finish(session, claim)


def offer_about(session: Session, kind: str, subject: str, ring: Keyring) -> None:
    """The same for one subject that has just come or changed."""
    told.offer(session, ring, kind, subject)


def _offered(kind: str, subject: str, ring: Keyring) -> Exception | None:
    """What went wrong with it. An outage is raised: it would go wrong with all."""
    try:
        with transaction() as session:
            told.offer(session, ring, kind, subject)
    except Exception as error:
        if outages.outage(error):
            raise
        log.warning("offer_failed", about=kind, error=type(error).__name__, exc_info=True)
        return error
    return None
