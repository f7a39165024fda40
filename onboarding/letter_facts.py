"""What a letter can say of an onboarding, in one look: at the transition that promised it, however late it is written."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, join, or_, select
from sqlalchemy.orm import Session, aliased

from onboarding import addresses, credentials, db
from onboarding.errors import NotFound
from onboarding.looks import Look
from onboarding.models import Client, FurtherLink, Link, Onboarding, Secret, Transition


class Found(NamedTuple):
    """An onboarding, a transition of it, and what stood then; of its secret what is so now."""

    onboarding: Onboarding
    now: datetime
    # Whether a code was entered that went to its contact's address.
    has_entered: bool
    sequence: int
    target: str
    at: datetime
    actor_kind: str
    details: Mapping[str, Any]
    client_id: str | None
    first_used_at: datetime | None
    seller_id: str | None
    shop_name: str | None
    secret_version: int | None
    secret_expires_at: datetime | None

    @property
    def is_proved(self) -> bool:
        """Whether the contact's address is: see `addresses.is_proved`."""
        return self.has_entered or addresses.is_vouched_for(self.onboarding)


def find(session: Session, onboarding_id: UUID, sequence: int | None = None) -> Found:
    """By the number of a transition, else at the latest one. Raises NotFound."""
    row = _FOUND.one(session, of=onboarding_id, number=sequence)
    if row is None:
        raise NotFound
    found = Found._make(row)
    link_id = found.details.get("link_id")
    other = session.get(FurtherLink, UUID(link_id)) if link_id else None
    # A transition that is about another seller tells of that one.
    return found._replace(seller_id=other.seller_id, shop_name=other.shop_name) if other else found


def _stood(table: type[Client | Link], ended_at: Any) -> ColumnElement[bool]:
    """The one that stood at the transition, or ended by it; the first of those."""
    one = aliased(table)
    ended = getattr(one, ended_at.key)
    first = (
        select(one.id)
        .where(one.onboarding_id == Onboarding.id, or_(ended.is_(None), ended >= Transition.at))
        .order_by(one.created_at)
        .limit(1)
        .scalar_subquery()
    )
    return table.id == first


_its: Final = aliased(Client)
_FOUND: Final = Look(
    select(
        Onboarding,
        db.now(),
        addresses.entered_by_contact(),
        Transition.sequence,
        Transition.target,
        Transition.at,
        Transition.actor_kind,
        Transition.details,
        Client.id,
        Client.first_used_at,
        Link.seller_id,
        Link.shop_name,
        Secret.version,
        Secret.expires_at,
    )
    .select_from(Onboarding)
    .join(Transition, Transition.onboarding_id == Onboarding.id)
    .outerjoin(Client, _stood(Client, Client.revoked_at))
    .outerjoin(Link, _stood(Link, Link.ended_at))
    .outerjoin(
        join(Secret, _its, _its.id == Secret.client_id),
        and_(_its.onboarding_id == Onboarding.id, credentials.is_current()),
    )
    .where(
        Onboarding.id == bindparam("of"),
        Transition.sequence
        == func.coalesce(bindparam("number", type_=Transition.sequence.type), Onboarding.sequence),
    )
)
