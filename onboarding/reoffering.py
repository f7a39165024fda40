"""What an operator does about an event of the marketplace's that waits: have it offered again, or dismiss it.

Either takes a reason. What is dismissed never takes effect, so that is for those who decide.
"""

from collections.abc import Mapping
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
DISMISS: Final = "inbound.dismiss"
PERMISSIONS: Final[Mapping[str, str]] = {RETRY: "act", DISMISS: "decide"}


def carry_out(
    session: Session, ring: Keyring, who: Who, action: str, event: InboundEvent, reason: str
) -> str:
    """Do it; how the event stands then. Raises RoleNeeded, Invalid, and MovedOn: it does not wait."""
    who.require(PERMISSIONS[action])
    why, before = actions.checked(reason), inbound.held(session, event.id).status
    if before not in inbound.WAITING:
        raise MovedOn(before, 0)
    if action == DISMISS:
        status = inbound.dismiss(session, event.id).status
    else:
        status = inbound.offer_one(session, ring, event.id).status
    told = {"inbound": str(event.id), "from": before, "to": status}
    audit.append(session, ring, Attempt(who.id, who.role, action, why, details=told))
    return status


def refused(
    session: Session, ring: Keyring, who: Who, action: str, event_id: UUID, reason: str, why: str
) -> None:
    """Write down that somebody tried, in a transaction of its own."""
    told = {"inbound": str(event_id), "why": why}
    tried = Attempt(who.id, who.role, action, actions.cut(reason), "refused", details=told)
    audit.append(session, ring, tried)
