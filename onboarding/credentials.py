"""Client IDs and secrets: issue, generate, reveal, acknowledge. The only code that holds a secret in the clear.

A secret's clear text is put on the wire at most once. It exists in the task that generates it,
sealed in the database, and in the one answer that reveals it; lost means a new one.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from onboarding import checksums, crash_points, db, developers, lifecycle, redelivery, sealing
from onboarding.access import PLATFORM, Actor
from onboarding.chart import OPEN
from onboarding.checksums import CHECKSUM, random_base62
from onboarding.errors import EventNotAllowed, Invalid, TooMany
from onboarding.histories import this_history
from onboarding.models import Client, Onboarding, SealedSecret, Secret, Transition
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from onboarding.words import N_

# New secrets that a seller may ask for in a day before an operator has a look.
REISSUES_A_DAY: Final = 3


@dataclass(frozen=True, slots=True)
class Revealed:
    """The one answer that carries a secret. It does not print what it holds."""

    client_id: str
    secret: SecretStr
    version: int


def issue_id(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    *,
    connection_name: str | None = None,
    expected: int | None = None,
) -> str:
    """Give the onboarding its client ID, and have a secret made for it."""
    client_id = new_client_id()
    onboarding = lifecycle.fire(
        session,
        onboarding_id,
        "issue_id",
        actor,
        expected=expected,
        details={"client_id": client_id},
    )
    onboarding.connection_name = connection_name or onboarding.connection_name
    session.execute(insert(Client).values(id=client_id, onboarding_id=onboarding_id))
    return client_id


def generate(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    ring: Keyring,
    settings: Settings,
    expected: int,
    secret: SecretStr | None = None,
) -> None:
    """Make the next version of the client's secret, seal it, and keep only its hash.

    `secret` is one that another authorization server has already.
    """
    onboarding = lifecycle.fire(
        session, onboarding_id, "secret_generated", actor, expected=expected
    )
    client = live_client(session, onboarding.id)
    assert client is not None, "issuing_secret without a client"
    make_version(session, client.id, ring, settings, secret=secret)
    developers.tell(session, onboarding)


def make_version(
    session: Session,
    client_id: str,
    ring: Keyring,
    settings: Settings,
    overlap_days: int | None = None,
    secret: SecretStr | None = None,
) -> None:
    """The next version of a client's secret; of one that is to replace another, for how long both work."""
    latest = select(func.max(Secret.version)).where(Secret.client_id == client_id)
    version = 1 + (session.scalar(latest) or 0)
    hashed, sealed = new_version(client_id, version, ring, settings, made=secret)
    days = settings.secret_max_age_days
    expires_at = db.in_seconds(days * 86_400) if days else None
    session.execute(
        insert(Secret).values(**hashed, overlap_days=overlap_days, expires_at=expires_at)
    )
    crash_points.reach("secret.hashed")
    session.execute(insert(SealedSecret).values(fence=this_history(), **sealed))
    crash_points.reach("secret.sealed")


def reveal(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    ring: Keyring,
    *,
    expected: int | None = None,
) -> Revealed:
    """Take the sealed secret out, once. The caller commits before it answers."""
    developers.require(lifecycle.lock(session, onboarding_id), actor, "reveal_secret")
    onboarding = lifecycle.fire(session, onboarding_id, "reveal_secret", actor, expected=expected)
    return take_out(session, onboarding, ring, onboarding.entered_at)


def take_out(session: Session, onboarding: Onboarding, ring: Keyring, at: datetime) -> Revealed:
    """What is sealed for an onboarding that the caller has locked.

    Whoever deletes the sealed row has it; the row lock and the chart stop everybody else before.
    One that was sealed in another history of the database may have been shown there: it is refused.
    """
    taken = session.execute(
        delete(SealedSecret)
        .where(
            SealedSecret.fence == this_history(),
            SealedSecret.client_id.in_(
                select(Client.id).where(
                    Client.onboarding_id == onboarding.id, Client.revoked_at.is_(None)
                )
            ),
        )
        .returning(
            SealedSecret.client_id,
            SealedSecret.version,
            SealedSecret.key_id,
            SealedSecret.ciphertext,
        )
    ).one_or_none()
    if taken is None:
        raise EventNotAllowed(
            "reveal_secret",
            onboarding.state,
            ("reissue_secret",) if onboarding.state in OPEN else (),
            "sealed_secret",
        )
    crash_points.reach("reveal.claimed")
    context = context_of(taken.client_id, taken.version).encode()
    secret = SecretStr(sealing.unseal(ring, taken.key_id, taken.ciphertext, context).decode())
    session.execute(
        update(Secret)
        .where(Secret.client_id == taken.client_id, Secret.version == taken.version)
        .values(revealed_at=at)
    )
    crash_points.reach("reveal.opened")
    db.after_commit(session, partial(crash_points.reach, "reveal.committed"))
    return Revealed(taken.client_id, secret, taken.version)


def acknowledge(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    *,
    version: int,
    ending: str,
    expected: int | None = None,
) -> Onboarding:
    """The secret has arrived: whoever says so names its version and its last six characters.

    Without the version, a stale tab could confirm a secret that nobody has received.
    """
    developers.require(lifecycle.lock(session, onboarding_id), actor, "acknowledge_secret")
    moved = lifecycle.fire(session, onboarding_id, "acknowledge_secret", actor, expected=expected)
    secret = live_secret(session, onboarding_id)
    if secret is None or secret.version != version or secret.jwk:
        raise Invalid({"version": N_("This is not the secret that was shown last.")})
    if not hmac.compare_digest(secret.ending.encode(), ending.strip()[-CHECKSUM:].encode()):
        raise Invalid({"ending": N_("These are not the last 6 characters of your client secret.")})
    mark_acknowledged(session, secret, moved.entered_at)
    return moved


def acknowledge_by_use(session: Session, onboarding_id: UUID, version: int) -> None:
    """Whoever has used the secret has it. Where another was made meanwhile, nothing is said of that one."""
    onboarding = lifecycle.lock(session, onboarding_id)
    secret = live_secret(session, onboarding_id)
    if onboarding.state != "secret_revealed" or secret is None or secret.version != version:
        return
    details = {"evidence": "first_use", "version": version}
    moved = lifecycle.fire(session, onboarding_id, "acknowledge_secret", PLATFORM, details=details)
    mark_acknowledged(session, secret, moved.entered_at)


def reissue(
    session: Session, onboarding_id: UUID, actor: Actor, *, expected: int | None = None
) -> Onboarding:
    """Destroy the secret that is there, used or not, and have a new one made. Raises TooMany.

    The limit comes last: a second click must learn that the first one has worked.
    """
    onboarding = lifecycle.fire(session, onboarding_id, "reissue_secret", actor, expected=expected)
    if actor.kind != "operator" and _reissues_today(session, onboarding.id) > REISSUES_A_DAY:
        raise TooMany(24 * 3600)
    return onboarding


def live_client(session: Session, onboarding_id: UUID) -> Client | None:
    """The onboarding's client ID that is not revoked."""
    return session.scalars(
        select(Client).where(Client.onboarding_id == onboarding_id, Client.revoked_at.is_(None))
    ).one_or_none()


def live_secret(session: Session, onboarding_id: UUID) -> Secret | None:
    """The version that its client goes by: sealed, shown or in use. Others may live besides it."""
    return session.scalars(
        select(Secret)
        .join(Client, Client.id == Secret.client_id)
        .where(Client.onboarding_id == onboarding_id, is_current())
        .execution_options(populate_existing=True)
    ).one_or_none()


def is_current() -> ColumnElement[bool]:
    """Of the versions of a client's secret, the one that it goes by; at most one is."""
    return and_(
        Secret.ended_at.is_(None),
        Secret.ends_at.is_(None),
        or_(Secret.overlap_days.is_(None), Secret.acknowledged_at.is_not(None)),
    )


def mark_acknowledged(session: Session, secret: Secret, at: datetime) -> None:
    """Whoever was shown it has it. Where the one before had leaked, that incident can be over now."""
    session.execute(
        update(Secret)
        .where(Secret.client_id == secret.client_id, Secret.version == secret.version)
        .values(acknowledged_at=at)
    )
    if secret.version > 1:
        client = session.get_one(Client, secret.client_id)
        redelivery.retry_those_of(session, client.onboarding_id, "await_new_secret")


def new_client_id() -> str:
    """22 random characters: nobody guesses one, though it is no secret."""
    return "cid_" + random_base62(22)


def new_version(
    client_id: str,
    version: int,
    ring: Keyring,
    settings: Settings,
    *,
    sealed: bool = True,
    made: SecretStr | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new secret as the database keeps it: as a hash, and sealed. Its clear text ends here.

    Not `sealed`: nobody will ever be shown this one, and sealing is what takes longest.
    """
    fresh = made or SecretStr(new_secret(settings.secret_prefix, live=settings.live))
    secret = fresh.get_secret_value()
    context, row = context_of(client_id, version), {"client_id": client_id, "version": version}
    pepper_id, hashed = sealing.keyed_hash(ring, context, secret)
    kept = row | {"hash": hashed, "pepper_id": pepper_id, "ending": secret[-CHECKSUM:]}
    if not sealed:
        return kept, {}
    key_id, ciphertext = sealing.seal(ring, secret.encode(), context.encode())
    return kept, row | {"key_id": key_id, "ciphertext": ciphertext}


def new_secret(prefix: str, *, live: bool) -> str:
    """`<prefix>_<live|test>_`, 43 random characters (256 bits), 6 of CRC-32 of all before them."""
    return checksums.new(checksums.secret_prefix(prefix, "live" if live else "test"))


def context_of(client_id: str, version: int) -> str:
    """Binds a hash and a sealed secret to their row: they are worth nothing in another."""
    return f"client-secret-v1:{client_id}:{version}"


def _reissues_today(session: Session, onboarding_id: UUID) -> int:
    since: datetime = db.clock(session) - timedelta(days=1)
    asked_for = select(func.count()).where(
        Transition.onboarding_id == onboarding_id,
        Transition.event == "reissue_secret",
        Transition.actor_kind != "operator",
        Transition.at > since,
    )
    return session.scalar(asked_for) or 0
