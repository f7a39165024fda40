"""Onboardings for tests, built through the front doors: events, tasks and the verbs of credentials.

A test says what it needs and nothing else: `an_onboarding("secret_ready")`. Everything here wants
the fixture `database`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from onboarding import credentials, db, events, lifecycle, links, outbox, registry
from onboarding.access import CLOCK, PLATFORM, Actor
from onboarding.chart import NEXT_MOVE
from onboarding.credentials import Revealed
from onboarding.db import UTCDateTime, later, reading, transaction
from onboarding.links import SellerAccount
from onboarding.models import (
    Base,
    Client,
    FailedAttempt,
    Link,
    Mail,
    Message,
    Onboarding,
    Secret,
    Transition,
)
from onboarding.sealing import Keyring, read_keyring
from onboarding.settings import settings
from workers import turns

SELLER: Final = Actor("seller", "browser:tests")
DEVELOPER: Final = Actor("developer", "browser:developer")
API: Final = Actor("api", "key:tests")
OPERATOR: Final = Actor("operator", "operator:tests")
ACTORS: Final = {a.kind: a for a in (SELLER, DEVELOPER, API, OPERATOR, PLATFORM, CLOCK)}

ACCOUNT: Final = SellerAccount("https://portal.example", "subject-1", "S-4711", "Corner Shop")

# Which connection type leads to a state, where the ordinary one does not.
TYPE_OF: Final = {
    "checking_aggregator": "aggregator",
    "awaiting_aggregator": "aggregator",
    "credentials_issued": "credentials_only",
    "redirected_to_soap": "legacy_soap",
}
# The steps behind each state; every step is a function below.
ROADS: Final = {
    "started": "",
    "redirected_to_soap": "choose",
    "checking_aggregator": "choose",
    "awaiting_aggregator": "choose work",
    "type_chosen": "choose work",
    "issuing_secret": "choose work vouch issue",
    "secret_ready": "choose work vouch issue work",
    "secret_lapsed": "choose work vouch issue work lapse",
    "secret_revealed": "choose work vouch issue work reveal",
    "credentials_issued": "choose work vouch issue work reveal acknowledge",
    "awaiting_seller": "choose work vouch issue work reveal acknowledge",
    "seller_linked": "choose work vouch issue work reveal acknowledge link",
    "verifying": "choose work vouch issue work reveal acknowledge link confirm",
    "confirmed": "choose work vouch issue work reveal acknowledge link confirm work",
    "cancelled": "cancel",
    "expired": "expire",
}
DELEGATED_ROADS: Final = {
    "awaiting_seller": "choose work",
    "seller_linked": "choose work link",
    "verifying": "choose work link confirm",
    "confirmed": "choose work link confirm work",
}


@dataclass
class Walk:
    """An onboarding on its way, and what only its owner has seen."""

    id: UUID
    data: dict[str, Any]
    revealed: Revealed | None = None


def an_onboarding(
    state: str = "started",
    *,
    connection_type: str | None = None,
    delegated: bool = False,
    aggregator: str | None = None,
    email: str | None = None,
) -> UUID:
    """An onboarding in this state; without an e-mail address it promises no letters."""
    return a_walk(
        state,
        connection_type=connection_type,
        delegated=delegated,
        aggregator=aggregator,
        email=email,
    ).id


def a_walk(
    state: str = "started",
    *,
    connection_type: str | None = None,
    delegated: bool = False,
    aggregator: str | None = None,
    email: str | None = None,
) -> Walk:
    """The same, with the secret where one was revealed."""
    kind = connection_type or ("aggregator" if delegated else TYPE_OF.get(state, "own_development"))
    data: dict[str, Any] = {"connection_type": kind}
    if kind == "aggregator":
        with transaction() as session:
            registry.add_samples(session)
        usual = {"awaiting_aggregator": "Catalogue Express"}.get(state, "Feedwise")
        data |= {
            "aggregator": aggregator or usual,
            "credential_mode": "delegated" if delegated else "full",
        }
    with transaction() as session:
        walk = Walk(start(session, email=email).id, data)
    for step in (DELEGATED_ROADS if delegated else ROADS).get(state, ROADS[state]).split():
        STEPS[step](walk)
    assert state_of(walk.id) == state
    return walk


def start(session: Session, **given: Any) -> Onboarding:
    """A fresh onboarding in this transaction."""
    email = given.pop("email", None)
    return lifecycle.start(
        session, SELLER, locale="en", rule_set="tests", contact_email=email, **given
    )


def fire(onboarding_id: UUID, event: str, actor: Actor = SELLER, **given: Any) -> Onboarding:
    """One event in a transaction of its own."""
    with transaction() as session:
        return lifecycle.fire(session, onboarding_id, event, actor, **given)


def handle(onboarding_id: UUID, event: str, actor: Actor = SELLER, **data: Any) -> Onboarding:
    """One event through the door that the API and the console use."""
    with transaction() as session:
        return events.handle(session, onboarding_id, event, actor, data)


def reveal(onboarding_id: UUID, actor: Actor = SELLER, ring: Keyring | None = None) -> Revealed:
    """The secret, shown once."""
    with transaction() as session:
        return credentials.reveal(session, onboarding_id, actor, ring or keyring())


def keyring() -> Keyring:
    """The keyring that tasks use."""
    return read_keyring(settings().keys_dir)


def the(onboarding_id: UUID) -> Onboarding:
    """The onboarding's row as it is now."""
    with reading() as session:
        return session.get_one(Onboarding, onboarding_id)


def state_of(onboarding_id: UUID) -> str:
    return the(onboarding_id).state


def end_the_rest_of(message_id: UUID) -> None:
    """As if a backoff, or the turn of whoever has it, were over. An incident stays one."""
    with transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id == message_id, Message.failed_at.is_(None))
            .values(due_at=db.in_seconds(-1), leased_until=None, claimed_by=None)
        )


def promised(task: str | None = None, onboarding_id: UUID | None = None) -> list[Message]:
    """Messages that wait, oldest first."""
    query = select(Message).order_by(Message.created_at, Message.id)
    if task:
        query = query.where(Message.task == task)
    if onboarding_id:
        query = query.where(Message.onboarding_id == onboarding_id)
    with reading() as session:
        return list(session.scalars(query))


def a_message(task: str = "generate_secret", **given: Any) -> UUID:
    """A promise on its own."""
    with transaction() as session:
        return outbox.promise(session, task, **given)


def work(onboarding_id: UUID | None = None, *, but_not: UUID | None = None) -> None:
    """Run what is promised, for one onboarding or for all but one, and what that promises.

    Somebody else may be at one of them; then this goes on until that is over.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        waiting = [
            m
            for m in promised(onboarding_id=onboarding_id)
            if not m.failed_at and (but_not is None or m.onboarding_id != but_not)
        ]
        if not waiting:
            return
        for message in waiting:
            turns.run(str(message.id))
    raise AssertionError("work without an end")


def age(onboarding_id: UUID, by: timedelta) -> None:
    """Let time pass for one onboarding: all that it has been through was that much earlier."""
    clients = select(Client.id).where(Client.onboarding_id == onboarding_id)
    with transaction() as session:
        for table, whose in (
            (Onboarding, Onboarding.id == onboarding_id),
            (Transition, Transition.onboarding_id == onboarding_id),
            (Client, Client.onboarding_id == onboarding_id),
            (Secret, Secret.client_id.in_(clients)),
            (Link, Link.onboarding_id == onboarding_id),
            (Mail, Mail.onboarding_id == onboarding_id),
            (FailedAttempt, FailedAttempt.onboarding_id == onboarding_id),
        ):
            columns = [c for c in table.__table__.columns if isinstance(c.type, UTCDateTime)]
            earlier = {c.name: later(c, -by.total_seconds()) for c in columns}
            session.execute(update(table).where(whose).values(earlier))


def make_older(table: type[Base], column: str, by: timedelta) -> None:
    """Let time pass for every row of a table that has this fact."""
    with transaction() as session:
        for row in session.scalars(select(table).where(getattr(table, column).is_not(None))):
            setattr(row, column, getattr(row, column) - by)


def _choose(walk: Walk) -> None:
    handle(walk.id, "choose_type", **walk.data)


def _work(walk: Walk) -> None:
    work(walk.id)


def vouch(walk: Walk) -> None:
    """The contact counts as verified, as after a sign-in to the seller account."""
    with transaction() as session:
        lifecycle.lock(session, walk.id).contact_verified_at = db.clock(session)


def _issue(walk: Walk) -> None:
    handle(walk.id, "issue_id")


def _time(walk: Walk) -> None:
    """As long as the state may last, and then what the clock does."""
    move = NEXT_MOVE[state_of(walk.id)]
    assert move.then is not None
    assert move.then_after is not None
    age(walk.id, move.then_after)
    fire(walk.id, move.then, CLOCK)


def _reveal(walk: Walk) -> None:
    walk.revealed = reveal(walk.id)


def _acknowledge(walk: Walk) -> None:
    assert walk.revealed is not None
    ending = walk.revealed.secret.get_secret_value()[-6:]
    handle(walk.id, "acknowledge_secret", version=walk.revealed.version, ending=ending)


def _link(walk: Walk) -> None:
    with transaction() as session:
        links.link_seller(session, walk.id, SELLER, ACCOUNT)


STEPS: Final[dict[str, Callable[[Walk], object]]] = {
    "choose": _choose,
    "work": _work,
    "vouch": vouch,
    "issue": _issue,
    "lapse": _time,
    "reveal": _reveal,
    "acknowledge": _acknowledge,
    "link": _link,
    "confirm": lambda walk: handle(walk.id, "confirm"),
    "cancel": lambda walk: handle(walk.id, "cancel"),
    "expire": _time,
}
