"""A key that its owner brings: in place of a client secret, or for the secret to be encrypted to.

A public key takes the place of the version that waits to be shown. That secret is destroyed unseen, so a
version is proved by the one or by the other, never by both. Whoever writes here holds the onboarding's
lock.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from joserfc import jwe
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from onboarding import credentials, db, developers, lifecycle, outbox, replacing
from onboarding.access import Actor
from onboarding.credentials import Revealed
from onboarding.errors import EventNotAllowed, NotEligible
from onboarding.models import Client, Onboarding, SealedSecret, Secret
from onboarding.public_keys import PublicKey
from onboarding.settings import settings
from onboarding.words import N_

# What history says of it, and the letters that follow.
TAKEN: Final = {"credential": "public_key"}
# How the secret itself is encrypted.
CONTENT: Final = "A256GCM"


def take(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    key: PublicKey,
    *,
    expected: int | None = None,
) -> Onboarding:
    """Take a public key instead of showing the secret. The same key again changes nothing.

    Whoever may be shown the secret may bring it. Its first signed assertion acknowledges it. Raises
    NotEligible, NotFound, MovedOn or EventNotAllowed.
    """
    _require_our_own_server()
    onboarding = lifecycle.lock(session, onboarding_id)
    developers.require(onboarding, actor, "reveal_secret")
    version = credentials.live_secret(session, onboarding_id)
    if version and _holds(version, key):
        return onboarding
    moved = lifecycle.fire(
        session, onboarding_id, "reveal_secret", actor, expected=expected, details=TAKEN
    )
    if version is None:
        raise EventNotAllowed("reveal_secret", moved.state, (), "sealed_secret")
    _put(session, version, key, moved)
    return moved


def take_new(session: Session, onboarding_id: UUID, key: PublicKey) -> Onboarding:
    """The same for a new version of an onboarding that is done; the one before goes on.

    Raises NotEligible where none waits.
    """
    _require_our_own_server()
    onboarding = lifecycle.lock(session, onboarding_id)
    stands = replacing.versions(session, onboarding)
    coming = stands.coming if stands else None
    if coming and _holds(coming, key):
        return onboarding
    if coming is None or coming.revealed_at is not None:
        raise NotEligible(N_("No new secret waits to be shown"))
    _put(session, coming, key, None)
    if onboarding.contact_email:
        about = {"notice": "new_secret_shown"} | TAKEN
        outbox.promise(
            session,
            "send_email",
            about,
            onboarding_id=onboarding.id,
            sequence=onboarding.sequence,
        )
    return onboarding


def holders(session: Session, onboarding_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these go by a public key."""
    by_key = (
        select(Client.onboarding_id)
        .join(Secret, Secret.client_id == Client.id)
        .where(
            Client.onboarding_id.in_(onboarding_ids),
            Client.revoked_at.is_(None),
            credentials.is_current(),
            Secret.jwk.is_not(None),
        )
    )
    return {*session.scalars(by_key)}


def encrypted(revealed: Revealed, key: PublicKey) -> str:
    """A secret that was taken out, as a compact JWE that only the owner of this key can read."""
    header = {"alg": key.algorithm, "enc": CONTENT, "kid": key.thumbprint}
    return jwe.encrypt_compact(
        header,
        revealed.secret.get_secret_value(),
        key.key,
        algorithms=[key.algorithm, CONTENT],
    )


def _require_our_own_server() -> None:
    """Another authorization server is told of client secrets, and of nothing else."""
    if settings().tells_another:
        raise NotEligible(N_("The authorization server takes client secrets only"))


def _holds(version: Secret, key: PublicKey) -> bool:
    return version.jwk == key.as_json()


def _put(session: Session, version: Secret, key: PublicKey, moved: Onboarding | None) -> None:
    """Nobody has seen the secret that makes way, and its hash goes with it. A key has no age."""
    of_it = (SealedSecret.client_id == version.client_id, SealedSecret.version == version.version)
    session.execute(delete(SealedSecret).where(*of_it))
    session.execute(
        update(Secret)
        .where(Secret.client_id == version.client_id, Secret.version == version.version)
        .values(
            jwk=key.as_json(),
            hash=key.digest,
            ending=key.thumbprint[-6:],
            revealed_at=moved.entered_at if moved else db.clock(session),
            expires_at=None,
            expiry_told=None,
        )
    )
