"""What an operator does about an event of the marketplace's that waits: have it offered again, with a reason."""

from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import actions, audit, inbound
from onboarding.audit import Attempt
from onboarding.errors import MovedOn
from onboarding.models import InboundEvent
from onboarding.operators import Who
from onboarding.sealing import Keyring

RETRY: Final = "inbound.retry"
PERMISSION: Final = "act"


def retry(session: Session, ring: Keyring, who: Who, event: InboundEvent, reason: str) -> str:
    """Offer it again; how it stands then. Raises RoleNeeded, Invalid, and MovedOn: it does not wait."""
    who.require(PERMISSION)
    why, before = actions.checked(reason), event.status
    if before not in inbound.WAITING:
        raise MovedOn(before, 0)
    status = inbound.retry(session, ring, event.id).status
    told = {"inbound": str(event.id), "from": before, "to": status}
    audit.append(session, ring, Attempt(who.id, who.role, RETRY, why, details=told))
    return status


def refused(
    session: Session, ring: Keyring, who: Who, event_id: UUID, reason: str, why: str
) -> None:
    """Write down that somebody tried, in a transaction of its own."""
    told = {"inbound": str(event_id), "why": why}
    tried = Attempt(who.id, who.role, RETRY, actions.cut(reason), "refused", details=told)
    audit.append(session, ring, tried)
