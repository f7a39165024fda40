"""What an owner does with a connection that is there: name it, end the link, revoke the credentials.

The onboarding is done and stays so: history and the log have each of these, and all
but the name is final. Doing it twice is doing it once. Pages, the API, the console and the terminal share this.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from onboarding import credentials, lifecycle, links, names
from onboarding.access import Actor
from onboarding.afterwards import DONE
from onboarding.errors import Invalid, NotEligible
from onboarding.looks import Look
from onboarding.models import Client, Link, Onboarding, Secret
from onboarding.names import CONNECTION_AT_MOST
from onboarding.words import N_

# Of each an onboarding has one that is alive, at most.
_PARTS: Final = Look(
    select(Client, Secret, Link)
    .select_from(Onboarding)
    .outerjoin(Client, and_(Client.onboarding_id == Onboarding.id, Client.revoked_at.is_(None)))
    .outerjoin(Secret, and_(Secret.client_id == Client.id, credentials.is_current()))
    .outerjoin(Link, and_(Link.onboarding_id == Onboarding.id, Link.ended_at.is_(None)))
    .where(Onboarding.id == bindparam("onboarding"))
)
_TAKEN_BACK: Final = Look(
    select(Client, Link)
    .select_from(Onboarding)
    .outerjoin(
        Client,
        and_(Client.onboarding_id == Onboarding.id, Client.revoked_at == Onboarding.entered_at),
    )
    .outerjoin(
        Link, and_(Link.onboarding_id == Onboarding.id, Link.ended_at == Onboarding.entered_at)
    )
    .where(Onboarding.id == bindparam("of"))
)
# Whatever ended before the onboarding was done is of an earlier beginning.
_ENDED: Final = (
    select(Onboarding.id, Client, Link)
    .outerjoin(
        Client,
        and_(Client.onboarding_id == Onboarding.id, Client.revoked_at >= Onboarding.entered_at),
    )
    .outerjoin(
        Link, and_(Link.onboarding_id == Onboarding.id, Link.ended_at >= Onboarding.entered_at)
    )
    .where(
        Onboarding.id.in_(bindparam("onboardings", expanding=True)),
        Onboarding.state.in_(DONE),
        or_(Client.id.is_not(None), Link.id.is_not(None)),
    )
)


class Parts(NamedTuple):
    """What a connection consists of, as far as it is there."""

    client: Client | None
    secret: Secret | None
    link: Link | None


@dataclass(frozen=True, slots=True)
class Ended:
    """What has ended since an onboarding was done: its client ID, its link, or both."""

    client: Client | None = None
    link: Link | None = None


def parts(session: Session, onboarding_id: UUID) -> Parts:
    """What is alive of a connection, in one look: its pages ask for nothing more often."""
    found = _PARTS.one(session, onboarding=onboarding_id)
    return Parts(*found) if found else Parts(None, None, None)


def taken_back(session: Session, onboarding: Onboarding) -> dict[str, Client | Link | None]:
    """What the latest transition has ended: a client with its secret, a link with a seller account."""
    client, link = _TAKEN_BACK.one(session, of=onboarding.id) or (None, None)
    return {"client": client, "link": link}


def rename(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    name: str,
    *,
    expected: int | None = None,
) -> Onboarding:
    """Give it another name, which its owner alone is shown. History does not keep it.

    Raises Invalid, and EventNotAllowed where the onboarding is not done.
    """
    kept = checked(name)
    onboarding = lifecycle.lock(session, onboarding_id)
    if onboarding.state in DONE and onboarding.connection_name == kept:
        return onboarding
    onboarding = lifecycle.note(session, onboarding_id, "rename", actor, expected=expected)
    onboarding.connection_name = kept
    return onboarding


def checked(name: str) -> str:
    """A name as it is kept. Raises Invalid."""
    kept = names.kept(name)
    if fault := names.fault(kept, CONNECTION_AT_MOST):
        raise Invalid({"connection_name": fault})
    return kept


def revoke(
    session: Session, onboarding_id: UUID, actor: Actor, *, expected: int | None = None
) -> bool:
    """End the client ID, every version of its secret, and its link, at once and for good.

    False: that was done before. Raises NotEligible where there never were credentials.
    """
    onboarding = lifecycle.lock(session, onboarding_id)
    client = credentials.live_client(session, onboarding_id)
    if onboarding.state in DONE and client is None:
        _must_have_been(
            (ended(session, onboarding) or Ended()).client, N_("There are no credentials")
        )
        return False
    details = {"client_id": client.id} if client else {}
    lifecycle.note(
        session, onboarding_id, "revoke_credentials", actor, expected=expected, details=details
    )
    return True


def unlink(
    session: Session, onboarding_id: UUID, actor: Actor, *, expected: int | None = None
) -> bool:
    """End the link with the seller account, at once and for good; a client ID stays as it is.

    False: that was done before. Raises NotEligible where there never was a link.
    """
    onboarding = lifecycle.lock(session, onboarding_id)
    if onboarding.state in DONE and links.live_link(session, onboarding_id) is None:
        _must_have_been(
            (ended(session, onboarding) or Ended()).link, N_("No seller account is linked")
        )
        return False
    lifecycle.note(session, onboarding_id, "end_link", actor, expected=expected)
    return True


def ended(session: Session, onboarding: Onboarding) -> Ended | None:
    """What has ended of one since it was done; None: all of it works."""
    return ended_of(session, [onboarding.id]).get(onboarding.id)


def ended_of(session: Session, onboarding_ids: Collection[UUID]) -> dict[UUID, Ended]:
    """The same of several; those of which nothing has ended are left out."""
    rows = session.execute(_ENDED, {"onboardings": [*onboarding_ids]})
    return {row.id: Ended(row.Client, row.Link) for row in rows}


def unlinked_from(session: Session, issuer: str, subject: str) -> Sequence[tuple[Link, Onboarding]]:
    """Links of a person's seller accounts that have acted and have ended, the latest first.

    Whoever was linked may know that they are no longer, and when; they may move nothing there.
    """
    rows = session.execute(
        select(Link, Onboarding)
        .join(Onboarding, Onboarding.id == Link.onboarding_id)
        .where(
            Link.issuer == issuer,
            Link.subject == subject,
            Link.confirmed_at.is_not(None),
            Link.ended_at.is_not(None),
        )
        .order_by(Link.ended_at.desc())
    )
    return [(row.Link, row.Onboarding) for row in rows]


def tokens_end_at(client: Client, lasts: int) -> datetime | None:
    """When the last access token is over that a revoked client can have; None: it is not revoked.

    Here each of them is refused since the client is: this is for those who verify tokens by themselves.
    """
    return client.revoked_at + timedelta(seconds=lasts) if client.revoked_at else None


def _must_have_been(thing: Client | Link | None, why_not: str) -> None:
    """What is not there any more has ended; what never was there cannot be ended."""
    if thing is None:
        raise NotEligible(why_not)
