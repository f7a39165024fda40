"""Client secrets and API keys that were found where they should not be: dead at once, and their owner told.

Whether one is ours, whoever says so must not learn: what is done for a wrong guess is the same, a
keyed hash for each candidate and the same statements. All that only a hit asks for is a task's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from onboarding import (
    access,
    audit,
    checksums,
    credentials,
    db,
    lifecycle,
    locking,
    outbox,
    replacing,
    scanning,
    sealing,
)
from onboarding.access import Actor
from onboarding.afterwards import DONE
from onboarding.audit import Attempt
from onboarding.checksums import CHECKSUM
from onboarding.credentials import context_of
from onboarding.models import AuditEntry, Client, Onboarding, Secret
from onboarding.sealing import Keyring
from onboarding.sending import GivenUp
from onboarding.settings import Settings

# As history, the trail and the incident have it.
CAUSE: Final = "secret_leaked"
NOTICE: Final = "secret_leaked"
ACTION: Final = "secret.disclosed"
KEY_ACTION: Final = "key.disclosed"
# Candidates of one request.
AT_ONCE: Final = 50
_NOBODY: Final = ("-", 0)
# HMAC-SHA-256 gives no such value.
_NO_HASH: Final = b""
# Where the secret is on its way to its owner or was just shown, the chart has a new one made.
_REPLACED_BY_THE_CHART: Final = ("secret_ready", "secret_revealed")


@dataclass(frozen=True, slots=True)
class Found:
    """Something that may be ours, and where it was."""

    token: SecretStr
    url: str | None


def take(
    session: Session, ring: Keyring, settings: Settings, source: str, found: Sequence[Found]
) -> None:
    """End whatever is ours, and promise the rest. Raises Unavailable without a pepper that it needs."""
    places = {_plain(each): _safe(each, found, settings) for each in found}
    hits = _hits(session, ring, places)
    ended = _end_secrets(session, hits)
    keys = access.revoke_disclosed(session, places)
    about = {
        "source": source,
        "secrets": [
            {"client_id": client_id, "version": version, "url": hits[client_id, version]}
            for client_id, version in ended
        ],
        "keys": [{"id": str(key_id), "url": places[text]} for key_id, text in keys],
    }
    outbox.promise(session, "answer_leak", about)


def answer(session: Session, ring: Keyring, about: Mapping[str, Any]) -> None:
    """What follows for those that were ours: the trail, the owner's letter, and an incident until there is a new one.

    Whoever writes to the trail has others wait, also those who hold an onboarding: so all rows are held
    before the first one is written there.
    """
    actor = Actor("api", f"source:{about['source']}")
    theirs = {
        each["client_id"]: session.get(Client, each["client_id"]) for each in about["secrets"]
    }
    clients = {client_id: client for client_id, client in theirs.items() if client}
    locking.lock_all(session, {client.onboarding_id for client in clients.values()})
    # What was erased meanwhile needs nothing any more.
    found = [each for each in about["secrets"] if each["client_id"] in clients]
    told = [_answer_one(session, actor, clients[each["client_id"]], each) for each in found]
    told += [_of_key(actor, each) for each in about["keys"]]
    for attempt in told:
        audit.append(session, ring, attempt)


def apart(about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same of each that was ours alone."""
    nothing = {"source": about["source"], "secrets": [], "keys": []}
    return [nothing | {kind: [each]} for kind in ("secrets", "keys") for each in about[kind]]


def found_at(session: Session, onboarding_id: UUID) -> str | None:
    """Where the secret was found that was disclosed last, as the trail has it."""
    entry = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.onboarding_id == onboarding_id, AuditEntry.action == ACTION)
        .order_by(AuditEntry.number.desc())
        .limit(1)
    ).one_or_none()
    return entry.details["url"] if entry else None


def need_new_secret(session: Session, onboarding_id: UUID) -> None:
    """Whether the owner of a secret that has leaked has another. Raises GivenUp: an incident until then."""
    client = credentials.live_client(session, onboarding_id)
    if client is None or client.disabled_at is not None:
        return
    secret = credentials.live_secret(session, onboarding_id)
    if secret is None or secret.disclosed_at is not None or secret.acknowledged_at is None:
        raise GivenUp(CAUSE, "its owner has no new client secret yet")


def _hits(
    session: Session, ring: Keyring, places: Mapping[str, str | None]
) -> dict[tuple[str, int], str | None]:
    """The versions that these texts are of, in the order of their keys, and where each was."""
    endings = {text[-CHECKSUM:] for text in places}
    rows = session.execute(
        select(Secret.client_id, Secret.version, Secret.hash, Secret.pepper_id, Secret.ending)
        .where(Secret.ending.in_(sorted(endings)), Secret.ended_at.is_(None))
        .order_by(Secret.client_id, Secret.version)
    ).all()
    nobody, (pepper, _) = context_of(*_NOBODY), ring.current("pepper")
    hits: dict[tuple[str, int], str | None] = {}
    for text, url in places.items():
        near = [row for row in rows if row.ending == text[-CHECKSUM:]]
        if not near:
            sealing.matches(ring, pepper, nobody, text, _NO_HASH)
        for row in near:
            context = context_of(row.client_id, row.version)
            if sealing.matches(ring, row.pepper_id, context, text, row.hash):
                hits[row.client_id, row.version] = url
    return hits


def _end_secrets(
    session: Session, hits: Mapping[tuple[str, int], str | None]
) -> list[tuple[str, int]]:
    """From this commit on none of them opens anything; those that were disclosed before are left out."""
    these = or_(
        *(
            and_(Secret.client_id == client_id, Secret.version == version)
            for client_id, version in sorted(hits) or [_NOBODY]
        )
    )
    ended = session.execute(
        update(Secret)
        .where(these, Secret.disclosed_at.is_(None))
        .values(disclosed_at=db.now())
        .returning(Secret.client_id, Secret.version)
    )
    return sorted((row.client_id, row.version) for row in ended)


def _plain(one: Found) -> str:
    """Its text; for what nothing of ours can be, and no database takes, one that is nobody's."""
    text = one.token.get_secret_value()
    return text if text.isascii() and text.isprintable() else "?"


def _safe(one: Found, found: Sequence[Found], settings: Settings) -> str | None:
    """The URL without what it may hold of secrets."""
    url = one.url
    for each in found if url else ():
        text = each.token.get_secret_value()
        url = str(url).replace(text, f"…{text[-CHECKSUM:]}" if checksums.well_formed(text) else "…")
    return scanning.hidden(url, scanning.shapes([settings.secret_prefix])) if url else None


def _answer_one(session: Session, actor: Actor, client: Client, one: Mapping[str, Any]) -> Attempt:
    """What the trail is to have of it."""
    onboarding = lifecycle.lock(session, client.onboarding_id)
    version = {"client_id": client.id, "version": one["version"]}
    is_current = _is_current(session, onboarding, version)
    onboarding = _into_history(session, onboarding, actor, version, is_current=is_current)
    replacing.drop_disclosed(session, onboarding)
    its: dict[str, Any] = {"onboarding_id": onboarding.id, "sequence": onboarding.sequence}
    if onboarding.contact_email:
        about = {"notice": NOTICE, "url": one["url"]}
        outbox.promise(session, "send_email", about, **its)
    if is_current:
        outbox.promise(session, "await_new_secret", **its)
    told = version | {"url": one["url"]}
    return Attempt(actor.id, None, ACTION, CAUSE, onboarding_id=onboarding.id, details=told)


def _of_key(actor: Actor, one: Mapping[str, Any]) -> Attempt:
    told = {"key": one["id"], "url": one["url"]}
    return Attempt(actor.id, None, KEY_ACTION, CAUSE, details=told)


def _is_current(session: Session, onboarding: Onboarding, version: Mapping[str, Any]) -> bool:
    secret = credentials.live_secret(session, onboarding.id)
    return secret is not None and version == {
        "client_id": secret.client_id,
        "version": secret.version,
    }


def _into_history(
    session: Session,
    onboarding: Onboarding,
    actor: Actor,
    version: Mapping[str, Any],
    *,
    is_current: bool,
) -> Onboarding:
    """Other systems hear of it: with the new secret that the chart has made, or beside it."""
    cause = {"cause": CAUSE}
    if is_current and onboarding.state in _REPLACED_BY_THE_CHART:
        return lifecycle.fire(session, onboarding.id, "reissue_secret", actor, details=cause)
    if onboarding.state in DONE:
        details = {**cause, **version}
        return lifecycle.note(session, onboarding.id, "disclose_secret", actor, details=details)
    return onboarding
