"""What the product holds of one onboarding, and what the model holds, in the same words."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, bindparam, case, select

from onboarding import db
from onboarding.db import reading
from onboarding.models import Client, Link, Message, Onboarding, SealedSecret, Secret, Transition
from tests.model.world import World


def of_model(world: World) -> dict[str, Any]:
    """What the model holds, in the same words."""
    row = world.db
    return {
        "state": row.state,
        "sequence": row.sequence,
        "type": row.type,
        "mode": row.mode,
        "verified": row.verified,
        "client": row.client > 0,
        "link": row.link,
        "versions": [(v.number, v.sealed, v.revealed, v.acknowledged) for v in row.versions],
        "messages": sorted(
            (m.id, m.task, m.sequence, m.most, m.attempts, m.lease == "held", m.announced, m.failed)
            for m in row.messages
        ),
        "history": [tuple(moved) for moved in row.history],
    }


def of_product(onboarding_id: UUID, names: Mapping[UUID, int], broker: set[UUID]) -> dict[str, Any]:
    """Read from its tables; `names` are the model's numbers of its messages."""
    mine = {"onboarding": onboarding_id}
    with reading() as session:
        row = session.execute(_ROW, mine).one()
        return row._asdict() | {
            "versions": [*map(tuple, session.execute(_VERSIONS, mine))],
            "messages": sorted(
                _in_words(row, names[row.id], announced=row.id in broker)
                for row in session.execute(_MESSAGES)
            ),
            "history": [*map(tuple, session.execute(_HISTORY, mine))],
        }


def _in_words(row: Any, number: int, *, announced: bool) -> tuple[Any, ...]:
    leased = bool(row.leased) and not row.failed
    known = (row.sequence or 0, row.max_attempts, row.attempts)
    return (number, row.task, *known, leased, announced, row.failed)


MINE: Final[Any] = bindparam("onboarding", type_=Onboarding.id.type)
# Built once: building a query takes longer than SQLite needs to answer it.
_ROW: Final = (
    select(
        Onboarding.state,
        Onboarding.sequence,
        Onboarding.connection_type.label("type"),
        Onboarding.credential_mode.label("mode"),
        Onboarding.contact_verified_at.is_not(None).label("verified"),
        Client.id.is_not(None).label("client"),
        case(
            (Link.id.is_(None), "none"), (Link.confirmed_at.is_(None), "made"), else_="confirmed"
        ).label("link"),
    )
    .outerjoin(Client, (Client.onboarding_id == Onboarding.id) & Client.revoked_at.is_(None))
    .outerjoin(Link, (Link.onboarding_id == Onboarding.id) & Link.ended_at.is_(None))
    .where(Onboarding.id == MINE)
)
_VERSIONS: Final = (
    select(
        Secret.version,
        SealedSecret.version.is_not(None),
        Secret.revealed_at.is_not(None),
        Secret.acknowledged_at.is_not(None),
    )
    .join(Client, Client.id == Secret.client_id)
    .outerjoin(
        SealedSecret,
        (SealedSecret.client_id == Secret.client_id) & (SealedSecret.version == Secret.version),
    )
    .where(
        Client.onboarding_id == MINE, Secret.ended_at.is_(None) | SealedSecret.version.is_not(None)
    )
)
_MESSAGES: Final = select(
    Message.id,
    Message.task,
    Message.sequence,
    Message.max_attempts,
    Message.attempts,
    # One that rests after a failure is nobody's turn.
    and_(Message.leased_until > db.now(), Message.claimed_by.is_not(None)).label("leased"),
    Message.failed_at.is_not(None).label("failed"),
)
_HISTORY: Final = (
    select(Transition.event, Transition.source, Transition.target)
    .where(Transition.onboarding_id == MINE)
    .order_by(Transition.sequence)
)
