"""What an event does to an onboarding's credentials and link, whoever fires it.

It happens in the transition's own transaction, so no way in can leave a credential alive that
the chart says is gone.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from onboarding import db
from onboarding.models import (
    Client,
    FurtherLink,
    Handover,
    Link,
    Onboarding,
    SealedSecret,
    Secret,
    SellerInvitation,
)

Consequence = Callable[[Session, UUID, datetime], None]


def apply(session: Session, event: str, onboarding_id: UUID, at: datetime) -> None:
    """Do what follows from an event, at the transition's instant."""
    for consequence in CONSEQUENCES.get(event, ()):
        consequence(session, onboarding_id, at)


def _clients_of(onboarding_id: UUID) -> Any:
    return select(Client.id).where(Client.onboarding_id == onboarding_id)


def _destroy_sealed(session: Session, onboarding_id: UUID, at: datetime) -> None:
    session.execute(
        delete(SealedSecret).where(SealedSecret.client_id.in_(_clients_of(onboarding_id)))
    )


def _end_secret(because: str) -> Consequence:
    def end(session: Session, onboarding_id: UUID, at: datetime) -> None:
        session.execute(
            update(Secret)
            .where(Secret.client_id.in_(_clients_of(onboarding_id)), Secret.ended_at.is_(None))
            .values(ended_at=at, ended_because=because)
        )

    return end


def _end_expired(session: Session, onboarding_id: UUID, at: datetime) -> None:
    session.execute(
        update(Secret)
        .where(
            Secret.client_id.in_(_clients_of(onboarding_id)),
            Secret.ended_at.is_(None),
            Secret.expires_at <= db.now(),
        )
        .values(ended_at=at, ended_because="expired")
        .execution_options(synchronize_session="fetch")
    )


def _revoke_client(session: Session, onboarding_id: UUID, at: datetime) -> None:
    session.execute(
        update(Client)
        .where(Client.onboarding_id == onboarding_id, Client.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def _end_link(session: Session, onboarding_id: UUID, at: datetime) -> None:
    session.execute(
        update(Link)
        .where(Link.onboarding_id == onboarding_id, Link.ended_at.is_(None))
        .values(ended_at=at)
    )


def _end_further_links(session: Session, onboarding_id: UUID, at: datetime) -> None:
    """And what might have led to more of them."""
    session.execute(
        update(FurtherLink)
        .where(FurtherLink.onboarding_id == onboarding_id, FurtherLink.ended_at.is_(None))
        .values(ended_at=at)
    )
    session.execute(
        update(SellerInvitation)
        .where(SellerInvitation.onboarding_id == onboarding_id, SellerInvitation.ended_at.is_(None))
        .values(ended_at=at, ended_because="revoked")
    )


def _end_handover(session: Session, onboarding_id: UUID, at: datetime) -> None:
    session.execute(
        update(Handover)
        .where(Handover.onboarding_id == onboarding_id, Handover.ended_at.is_(None))
        .values(ended_at=at, ended_because="revoked")
    )
    named = (Onboarding.id == onboarding_id, Onboarding.handover_id.is_not(None))
    session.execute(update(Onboarding).where(*named).values(handover_id=None))


_REVOKE: Final = (
    _destroy_sealed,
    _end_secret("revoked"),
    _revoke_client,
    _end_link,
    _end_handover,
)

CONSEQUENCES: Final[dict[str, tuple[Consequence, ...]]] = {
    "lapse_secret": (_destroy_sealed, _end_secret("lapsed")),
    "reissue_secret": (_destroy_sealed, _end_secret("reissued")),
    "unlink_seller": (_end_link,),
    "start_over": _REVOKE,
    "cancel": _REVOKE,
    "expire": _REVOKE,
    # Sellers besides the first come when it is done, so no other event finds any.
    "revoke_credentials": (*_REVOKE, _end_further_links),
    "end_link": (_end_link,),
    "expire_secret": (_end_expired,),
}
