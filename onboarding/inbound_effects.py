"""What the marketplace's systems may tell us, and what each does: a fact about an aggregator, a seller or a client.

No event of theirs has a state of its own: it moves an onboarding as the chart allows, or is kept with
what it is about, where every later step asks for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from onboarding import lifecycle, registry
from onboarding.access import Actor
from onboarding.chart import CREDENTIAL_MODES, OPEN
from onboarding.errors import Invalid
from onboarding.models import Aggregator, Client, InboundEvent, SuspendedSeller
from onboarding.words import N_, ONE_OF, Said

# Why an onboarding was cancelled by what its client has met.
CAUSE: Final = "client_disabled"


@dataclass(frozen=True, slots=True)
class Order:
    """An event that takes effect: who says so, with what, and for which facts it is the latest."""

    event: InboundEvent
    actor: str
    data: Mapping[str, Any]
    facts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Effect:
    """What has changed, as the trail tells it; nothing in it names a person."""

    told: Mapping[str, Any] = field(default_factory=dict)
    onboarding_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of event: what it is about, the facts that it states, and what it does."""

    about: str
    facts: Sequence[str]
    apply: Callable[[Session, Order], Effect]
    # What it waits for; None where nothing is missing.
    missing: Callable[[Session, str], str | None] = lambda _session, _subject: None


def _no_aggregator(session: Session, subject: str) -> str | None:
    return None if session.get(Aggregator, subject) else "aggregator"


def _no_client(session: Session, subject: str) -> str | None:
    return None if session.get(Client, subject) else "client"


def _register(session: Session, order: Order) -> Effect:
    """Name and API of an aggregator, and that it is registered; for what it is not the latest, it says nothing."""
    if "entry" not in order.facts:
        return _status("registered")(session, order)
    before = session.get(Aggregator, order.event.subject)
    said = _entry(session, order)
    status = "registered" if "status" in order.facts or before is None else before.status
    registry.upsert(session, aggregator_id=order.event.subject, status=status, **said)
    return Effect({"aggregator": order.event.subject, "status": status})


def _status(status: str) -> Callable[[Session, Order], Effect]:
    """Nothing else of it: a name that nobody may give any more must not keep one in the registry."""

    def change(session: Session, order: Order) -> Effect:
        aggregator = session.get_one(Aggregator, order.event.subject)
        registry.set_status(session, aggregator, status)
        return Effect({"aggregator": order.event.subject, "status": status})

    return change


def _suspend_seller(session: Session, order: Order) -> Effect:
    """Nothing that is linked to it, now or later, is confirmed until it is reinstated."""
    seller_id = order.event.subject
    if len(seller_id) > _SELLER_ID_AT_MOST:
        raise Invalid({"subject": N_("A Seller ID.")})
    known = session.get(SuspendedSeller, seller_id)
    if known is None:
        session.add(SuspendedSeller(seller_id=seller_id, since=order.event.time))
    else:
        known.since = order.event.time
    return Effect({"status": "suspended"})


def _reinstate_seller(session: Session, order: Order) -> Effect:
    session.execute(delete(SuspendedSeller).where(SuspendedSeller.seller_id == order.event.subject))
    return Effect({"status": "reinstated"})


def _disable_client(session: Session, order: Order) -> Effect:
    """It works no more. An onboarding that is on its way is cancelled: that revokes what it has."""
    client = session.get_one(Client, order.event.subject)
    onboarding = lifecycle.lock(session, client.onboarding_id)
    session.refresh(client)
    alive = client.revoked_at is None
    session.execute(
        update(Client)
        .where(Client.id == client.id, Client.disabled_at.is_(None))
        .values(disabled_at=order.event.time)
    )
    told: dict[str, Any] = {"client_id": client.id, "status": "disabled"}
    if alive and onboarding.state in OPEN:
        details = {"cause": CAUSE}
        actor = Actor("api", order.actor)
        lifecycle.fire(session, onboarding.id, "cancel", actor, details=details)
        told["fired"] = "cancel"
    return Effect(told, onboarding.id)


TYPES: Final[Mapping[str, Kind]] = {
    "aggregator.registered": Kind("aggregator", ("status", "entry"), _register),
    "aggregator.suspended": Kind("aggregator", ("status",), _status("suspended"), _no_aggregator),
    "aggregator.reinstated": Kind("aggregator", ("status",), _status("registered"), _no_aggregator),
    "aggregator.unregistered": Kind(
        "aggregator", ("status",), _status("unregistered"), _no_aggregator
    ),
    "seller.suspended": Kind("seller", ("status",), _suspend_seller),
    "seller.reinstated": Kind("seller", ("status",), _reinstate_seller),
    "client.disabled": Kind("client", ("status",), _disable_client, _no_client),
}
KINDS: Final = frozenset(kind.about for kind in TYPES.values())
_SELLER_ID_AT_MOST: Final = 40


def _entry(session: Session, order: Order) -> dict[str, Any]:
    """All of what there is to say of an aggregator, so that no order of events matters. Raises Invalid."""
    said = {name: order.data.get(name) for name in _ENTRY}
    wrong = _wrong(session, order.event.subject, said)
    if wrong:
        raise Invalid(wrong)
    return said


_ENTRY: Final = ("name", "uses_rest", "asks_for")


def _wrong(session: Session, subject: str, said: Mapping[str, Any]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    name = said["name"]
    if not isinstance(name, str):
        wrong["data.name"] = N_("Send a text.")
    elif fault := registry.name_fault(name):
        wrong["data.name"] = fault
    elif (namesake := registry.find(session, name)) and namesake.id != subject:
        wrong["data.name"] = Said(N_("The name of another aggregator, %(name)s."), name=namesake.id)
    if not registry.ID.fullmatch(subject):
        wrong["subject"] = N_("Small letters, digits and dashes; at most 64.")
    if not isinstance(said["uses_rest"], bool):
        wrong["data.uses_rest"] = N_("Send true or false.")
    if said["asks_for"] not in CREDENTIAL_MODES:
        wrong["data.asks_for"] = Said(ONE_OF, expected=", ".join(CREDENTIAL_MODES))
    return wrong
