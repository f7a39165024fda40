"""What a client presents: its secret or a token, and what either is worth at this moment.

Each request asks the database, so a client that is revoked and a secret that was replaced are
refused at once by every process.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import bindparam, delete, exists, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onboarding import checksums, db, sealing
from onboarding.call_refusals import (
    ClientNotLinked,
    LinkNotConfirmed,
    SellerSuspended,
    SellerUnknown,
)
from onboarding.credentials import context_of
from onboarding.looks import Look
from onboarding.models import (
    Client,
    FurtherLink,
    Link,
    Onboarding,
    RevokedToken,
    Secret,
    SuspendedSeller,
)
from onboarding.sealing import Keyring
from onboarding.tokens import Claims

# A seller account that a client may act for: its onboarding's own, or another one.
Linked = Link | FurtherLink

# A secret's last use is noted no more often than this, to spare writes.
NOTED_EVERY: Final = timedelta(minutes=1)
# What could be a client ID at all; anything else is looked for as one that nobody has.
_CLIENT_ID: Final = re.compile(r"[!-~]{1,40}")
_NOBODY: Final = "-"
# As long as the table takes; letters, digits and what identifiers are joined with.
_SELLER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,39}")
# HMAC-SHA-256 gives no such value, so no secret of nobody's fits.
_NO_HASH: Final = b""
_LIVE: Final = Look(
    select(
        Client.id.label("client_id"),
        Client.onboarding_id,
        Secret.version,
        Secret.hash,
        Secret.pepper_id,
        Secret.jwk,
        Secret.acknowledged_at,
        Secret.last_used_at,
        Onboarding.state,
        db.now().label("now"),
    )
    .join(Secret, Secret.client_id == Client.id)
    .join(Onboarding, Onboarding.id == Client.onboarding_id)
    .where(
        Client.id == bindparam("client_id"),
        Client.revoked_at.is_(None),
        Client.disabled_at.is_(None),
        Secret.ended_at.is_(None),
        or_(Secret.ends_at.is_(None), Secret.ends_at > db.now()),
        Secret.disclosed_at.is_(None),
        or_(Secret.expires_at.is_(None), Secret.expires_at > db.now()),
        # Nobody can have one that was not shown.
        Secret.revealed_at.is_not(None),
    )
    # While a secret is being replaced, two versions work.
    .order_by(Secret.version.desc())
)
_IS_REVOKED: Final = Look(select(RevokedToken.id).where(RevokedToken.id == bindparam("token")))
# What a client may act for, and whether the marketplace has suspended that meanwhile.
_OWN: Final = Look(
    select(Link, exists().where(SuspendedSeller.seller_id == Link.seller_id)).where(
        Link.client_id == bindparam("client"), Link.ended_at.is_(None)
    )
)
_further: Final = (
    select(FurtherLink, exists().where(SuspendedSeller.seller_id == FurtherLink.seller_id))
    .where(FurtherLink.client_id == bindparam("client"), FurtherLink.ended_at.is_(None))
    .order_by(FurtherLink.id)
)
_FURTHER: Final = Look(_further)
# There may be thousands: of whom one is named, or stands for all, the others are not read.
_FIRST_FURTHER: Final = Look(_further.limit(1))
_FURTHER_OF: Final = Look(_further.where(FurtherLink.seller_id == bindparam("seller")))


class TokenOver(Exception):
    """The token was good and is no longer; `why` is expired or revoked."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Verified:
    """A live client, by one version of its secret, at the database's `now`."""

    client_id: str
    version: int
    onboarding_id: UUID
    state: str
    acknowledged: bool
    last_used_at: datetime | None
    now: datetime
    # Under which pepper its hash is, and the hash under the newest one where that is another.
    pepper_id: str = ""
    rehashed: tuple[str, bytes] | None = field(default=None, repr=False)

    @property
    def to_be_noted(self) -> bool:
        """Whether this use is worth a write."""
        return (
            not self.acknowledged
            or self.rehashed is not None
            or self.last_used_at is None
            or self.now - self.last_used_at > NOTED_EVERY
        )


def by_secret(
    session: Session, client_id: str, secret: SecretStr, ring: Keyring
) -> Verified | None:
    """Whose secret this is, as long as it lives and was shown; else None, whatever is wrong.

    A mistyped one costs no look-up, whoever's it is. Beyond that, a client that there is not costs
    what a wrong secret does.
    """
    if not checksums.well_formed(secret.get_secret_value()):
        return None
    # A public key stands where a secret would: no secret fits.
    found = [each for each in alive(session, client_id) if each.jwk is None]
    if not found:
        sealing.matches(
            ring,
            ring.current("pepper")[0],
            context_of(_NOBODY, 1),
            secret.get_secret_value(),
            _NO_HASH,
        )
    fitting = (each for each in found if _fits(ring, each, secret))
    return next((_renewed(ring, each, secret) for each in fitting), None)


def by_token(session: Session, claims: Claims) -> Verified:
    """The client that a token names, if all that it rests on still stands. Raises TokenOver."""
    living = alive(session, claims.client_id)
    found = next((each for each in living if each.version == claims.version), None)
    if found is None:
        raise TokenOver("revoked")
    if _IS_REVOKED.one(session, token=claims.id):
        raise TokenOver("revoked")
    if claims.expires_at <= found.now:
        raise TokenOver("expired")
    return verified(found)


def alive(session: Session, client_id: str) -> Sequence[Any]:
    """The versions of its secret, or the public keys in their place, by which a client is known now."""
    wanted = client_id if _CLIENT_ID.fullmatch(client_id) else _NOBODY
    return _LIVE.all(session, client_id=wanted)


def verified(found: Any) -> Verified:
    """The client of one of those that are alive, which has proved that it is."""
    return Verified(
        client_id=found.client_id,
        version=found.version,
        onboarding_id=found.onboarding_id,
        state=found.state,
        acknowledged=found.acknowledged_at is not None,
        last_used_at=found.last_used_at,
        now=found.now,
    )


def revoke_token(session: Session, claims: Claims) -> None:
    """End a token before its time. Ending it twice is ending it once."""
    try:
        with session.begin_nested():
            session.execute(insert(RevokedToken).values(id=claims.id, expires_at=claims.expires_at))
    except IntegrityError:
        return


def forget_revoked(session: Session, limit: int) -> int:
    """Remove revocations of tokens that are over anyhow; returns how many."""
    over = select(RevokedToken.id).where(RevokedToken.expires_at < db.now()).limit(limit)
    gone = session.execute(delete(RevokedToken).where(RevokedToken.id.in_(over)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def live_link(session: Session, client_id: str) -> Linked | None:
    """The seller account that a client may act for where none is named, or may once that is confirmed.

    It is its onboarding's own; where there is none (any more), the one that came first.
    """
    own = _OWN.all(session, client=client_id)
    return next((link for link, _ in own or _FIRST_FURTHER.all(session, client=client_id)), None)


def acts_for(session: Session, client_id: str) -> list[str]:
    """Every Seller ID for which a client may act now, its own seller's first."""
    linked: list[tuple[Linked, bool]] = [
        *_OWN.all(session, client=client_id),
        *_FURTHER.all(session, client=client_id),
    ]
    return [link.seller_id for link, away in linked if link.confirmed_at and not away]


def acting_for(session: Session, client_id: str, seller_id: str | None) -> Linked | None:
    """The link by which a client acts for this seller; without a Seller ID, as `live_link`.

    A foreign seller and one that does not exist look the same: only the client's own links are looked
    at. Raises SellerUnknown for what cannot be a Seller ID, ClientNotLinked, LinkNotConfirmed or
    SellerSuspended.
    """
    if seller_id is None:
        return live_link(session, client_id)
    if not _SELLER_ID.fullmatch(seller_id):
        raise SellerUnknown
    linked: list[tuple[Linked, bool]] = [
        *_OWN.all(session, client=client_id),
        *_FURTHER_OF.all(session, client=client_id, seller=seller_id),
    ]
    found = (each for each in linked if each[0].seller_id == seller_id)
    link, away = next(found, (None, False))
    if link is None:
        raise ClientNotLinked
    if link.confirmed_at is None:
        raise LinkNotConfirmed
    if away:
        raise SellerSuspended
    return link


def is_suspended(session: Session, link: Linked) -> bool:
    """Whether the marketplace has suspended the seller account: nobody acts for it meanwhile."""
    return session.get(SuspendedSeller, link.seller_id) is not None


def _fits(ring: Keyring, found: Any, secret: SecretStr) -> bool:
    context = context_of(found.client_id, found.version)
    return sealing.matches(ring, found.pepper_id, context, secret.get_secret_value(), found.hash)


def _renewed(ring: Keyring, found: Any, secret: SecretStr) -> Verified:
    """With its hash under the newest pepper: only who has the secret in the clear can make it."""
    known = replace(verified(found), pepper_id=found.pepper_id)
    if found.pepper_id == ring.current("pepper")[0]:
        return known
    context = context_of(found.client_id, found.version)
    return replace(known, rehashed=sealing.keyed_hash(ring, context, secret.get_secret_value()))
