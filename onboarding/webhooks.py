"""Endpoints of calling systems: where they want to be told, of what, and signed by which key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from onboarding import db, endpoints, event_bodies, event_log, holding, signing
from onboarding.endpoints import Rules, Unfit
from onboarding.errors import Invalid, NotFound
from onboarding.ids import new_id
from onboarding.models import SIGNATURES, Delivery, Message, Webhook
from onboarding.sealing import Keyring
from onboarding.signing import Key
from onboarding.words import N_, ONE_OF, Said

# A system has so many, and what it says of one is so long, at most.
MOST_OF_ONE: Final = 20
DESCRIPTION_AT_MOST: Final = 200
TEST: Final = "webhook.test"
# Why one is disabled, where nothing is wrong with it.
BY_ITS_OWNER: Final = "by_its_owner"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What its owner says of one; no types: all of them."""

    url: str
    types: Sequence[str] = ()
    description: str = ""
    signature: str = SIGNATURES[0]


def add(
    session: Session, ring: Keyring, owner: UUID, said: Endpoint, rules: Rules, base_url: str
) -> Webhook:
    """A new one, told of whatever happens from now on. Raises Invalid."""
    _check(said, rules)
    holding.one_by_one(session, f"webhooks of {owner}")
    theirs = select(func.count()).where(Webhook.system_id == owner)
    if (session.scalar(theirs) or 0) >= MOST_OF_ONE:
        raise Invalid(
            {"url": Said(N_("A system has %(most)s endpoints at most."), most=MOST_OF_ONE)}
        )
    key_id, _ = ring.current("derive")
    made = Webhook(
        id=new_id(),
        system_id=owner,
        url=said.url,
        event_types=sorted(set(said.types)),
        description=said.description,
        source=event_bodies.source(base_url),
        signature=said.signature,
        key_number=1,
        key_id=key_id,
        created_at=db.clock(session),
        noted_until=str(event_log.end(session)),
        failures=0,
    )
    session.add(made)
    return made


def of(session: Session, owner: UUID | None) -> Sequence[Webhook]:
    """A system's endpoints, or everybody's, the oldest first."""
    whose = [Webhook.system_id == owner] if owner else []
    return session.scalars(select(Webhook).where(*whose).order_by(Webhook.id)).all()


def one(session: Session, owner: UUID | None, wanted: str, *, lock: bool = False) -> Webhook:
    """One of theirs. Raises NotFound, the same for whatever else it is."""
    found = session.get(Webhook, read_id(wanted), with_for_update=lock or None)
    if found is None or owner not in (None, found.system_id):
        raise NotFound("webhook")
    return found


def change(session: Session, webhook: Webhook, changes: dict[str, Any], rules: Rules) -> None:
    """Change what is named: url, types, description, enabled. Raises Invalid.

    One that is enabled again goes on where it was: the log has kept what has happened since.
    """
    said = Endpoint(
        changes.get("url", webhook.url),
        changes.get("types", webhook.event_types),
        changes.get("description", webhook.description),
        webhook.signature,
    )
    _check(said, rules)
    webhook.url, webhook.description = said.url, said.description
    webhook.event_types = sorted(set(said.types))
    if changes.get("enabled") is False:
        disable(session, webhook, BY_ITS_OWNER)
    elif changes.get("enabled"):
        enable(session, webhook)


def enable(session: Session, webhook: Webhook) -> None:
    """Send there again; how it stood before does not count."""
    webhook.disabled_at = webhook.disabled_because = None
    webhook.rests_until = webhook.failing_since = None
    webhook.failures = 0
    _forget_incident(session, webhook)


def disable(session: Session, webhook: Webhook, because: str) -> None:
    """Send nothing there any more, until somebody enables it again."""
    if webhook.disabled_at is None:
        webhook.disabled_at, webhook.disabled_because = db.clock(session), because


def remove(session: Session, webhook: Webhook) -> None:
    """It, and all that was or would have been sent there."""
    _forget_incident(session, webhook)
    session.execute(delete(Webhook).where(Webhook.id == webhook.id))


def rotate_key(session: Session, ring: Keyring, webhook: Webhook) -> None:
    """A new key; the one before signs as well for a day."""
    webhook.previous_key_id, webhook.rotated_at = webhook.key_id, db.clock(session)
    webhook.key_id, _ = ring.current("derive")
    webhook.key_number += 1


def keys(session: Session, ring: Keyring, webhook: Webhook) -> list[Key]:
    """The keys that sign now, the newest first. Raises Unavailable."""
    rotated = webhook.rotated_at
    both = rotated is not None and _age(session, webhook) < signing.BOTH_FOR
    return signing.keys(ring, webhook, both=both)


def test(session: Session, webhook: Webhook) -> Delivery:
    """Something to be sent that tells of nothing: does it arrive, is its signature understood?"""
    its_id, now = f"test_{new_id().hex}", db.clock(session)
    data = {"webhook_id": str(webhook.id)}
    body = event_bodies.envelope(its_id, TEST, now, data, webhook.source)
    made = Delivery(
        id=new_id(),
        webhook_id=webhook.id,
        event_id=its_id,
        type=TEST,
        body=event_bodies.encoded(body),
        created_at=now,
        next_at=now,
        attempts=0,
    )
    session.add(made)
    return made


def read_id(text: str, of: str = "webhook") -> UUID:
    """An ID as it was sent, and not as somebody else might write it. Raises NotFound."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound(of) from None
    if str(found) != text:
        raise NotFound(of)
    return found


def _check(said: Endpoint, rules: Rules) -> None:
    wrong: dict[str, str] = {}
    try:
        endpoints.target(said.url, rules)
    except Unfit as error:
        wrong["url"] = error.args[0]
    if unknown := sorted(set(said.types) - {*event_bodies.TYPES}):
        wrong["types"] = Said(N_("No such type: %(types)s."), types=", ".join(unknown))
    if len(said.description) > DESCRIPTION_AT_MOST or not said.description.isprintable():
        wrong["description"] = Said(
            N_("A text of at most %(most)s characters on one line."), most=DESCRIPTION_AT_MOST
        )
    if said.signature not in SIGNATURES:
        wrong["signature"] = Said(ONE_OF, expected=", ".join(SIGNATURES))
    if wrong:
        raise Invalid(wrong)


def _forget_incident(session: Session, webhook: Webhook) -> None:
    """What said that it was given up; where a message is under way, that ends by itself."""
    given_up = Message.id == webhook.message_id, Message.failed_at.is_not(None)
    session.execute(delete(Message).where(*given_up))


def _age(session: Session, webhook: Webhook) -> timedelta:
    assert webhook.rotated_at is not None
    return db.clock(session) - webhook.rotated_at
