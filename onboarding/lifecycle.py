"""`start` and `fire`: the only writer of an onboarding's state.

One event is one transaction: the row is locked, the chart decides, and state, history and the
promised messages are written together, or nothing is.
"""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from statemachine.exceptions import TransitionNotAllowed

from onboarding import consequences, crash_points, db, deadlines, errors, outbox, tracing
from onboarding.access import Actor
from onboarding.chart import MAY_FIRE, NOTICES, ON_ENTRY, REVOKES, STATES, Chart, Facts
from onboarding.errors import EventNotAllowed, EventNotYours, EventUnknown, MovedOn, NotFound
from onboarding.models import Client, Onboarding, Transition

# What `choose_type` may set, and `start_over` clears.
CHOICES: Final = (
    "connection_type",
    "credential_mode",
    "aggregator_id",
    "aggregator_name",
    "aggregator_folded_name",
)

_REFERENCE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class _LiveChart(threading.local):
    """One chart per thread, fed through its slot: building one per event costs four times more."""

    def __init__(self) -> None:
        self.facts = Facts(state="started")
        self.chart = Chart(self.facts, start_value="started")

    def holding(self, facts: Facts) -> Chart:
        for name in Facts.__slots__:
            setattr(self.facts, name, getattr(facts, name))
        # A final state has stopped the engine for good; the next onboarding needs it running.
        self.chart._engine.running = True  # noqa: SLF001
        return self.chart


_live = _LiveChart()


def start(
    session: Session,
    actor: Actor,
    *,
    locale: str,
    rule_set: str,
    start_key: str | None = None,
    api_key_id: UUID | None = None,
    contact_email: str | None = None,
) -> Onboarding:
    """Open an onboarding. The same start key gives the same onboarding, however often it is sent."""
    at = db.clock(session)
    onboarding = Onboarding(
        id=db.new_id(),
        reference=new_reference(),
        state="started",
        sequence=1,
        rule_set=rule_set,
        locale=locale,
        start_key=start_key,
        api_key_id=api_key_id,
        contact_email=contact_email,
        answers={},
        reminders=0,
        created_at=at,
        entered_at=at,
        wakes_at=deadlines.wakes_at("started", at, 0),
    )
    if start_key and (earlier := _insert_once(session, onboarding, start_key)):
        return earlier
    session.add(onboarding)
    # The history row refers to this one; SQLAlchemy cannot know, as it is written by hand.
    session.flush()
    crash_points.reach("start.inserted")
    with tracing.transition(onboarding.id, "start", None, "started", actor.kind):
        _record(session, onboarding, "start", None, actor, at, {})
    return onboarding


def fire(
    session: Session,
    onboarding_id: UUID,
    event: str,
    actor: Actor,
    *,
    expected: int | None = None,
    choices: Mapping[str, str | None] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Onboarding:
    """Move an onboarding by one event, or refuse and write nothing.

    `expected` is the transition that the caller has seen last; `choices` are what `choose_type`
    sets; `details` are plain facts that history keeps. Raises NotFound, EventUnknown,
    EventNotYours, MovedOn or EventNotAllowed.
    """
    if event not in MAY_FIRE:
        raise EventUnknown(event)
    if actor.kind not in MAY_FIRE[event]:
        raise EventNotYours(f"{actor.kind} may not fire {event}")
    onboarding, now = _locked(session, onboarding_id)
    crash_points.reach("fire.locked")
    if expected is not None and expected != onboarding.sequence:
        raise MovedOn(onboarding.state, onboarding.sequence)
    choosing = choices if choices and event == "choose_type" else None
    choices = {name: choosing.get(name) for name in CHOICES} if choosing else {}
    target = decide(facts_of(onboarding, choices), event, actor.kind)
    at = max(now, onboarding.entered_at)
    with tracing.transition(onboarding.id, event, onboarding.state, target, actor.kind):
        _move(session, onboarding, event, target, actor, at, choices, details)
        tracing.tell({"onboarding.type": onboarding.connection_type})
    return onboarding


def lock(session: Session, onboarding_id: UUID) -> Onboarding:
    """Hold an onboarding's row until the end of the transaction. Raises NotFound."""
    return _locked(session, onboarding_id)[0]


def decide(facts: Facts, event: str, actor_kind: str | None = None) -> str:
    """The state that an event leads to. Pure.

    Raises EventNotAllowed with what is allowed instead, to this kind of actor, and StateUnknown.
    """
    if facts.state not in STATES:
        raise errors.StateUnknown(f"the chart has no state {facts.state}")
    chart = _live.holding(facts)
    try:
        chart.send(event)
    except TransitionNotAllowed:
        raise _refusal(facts, event, actor_kind) from None
    target = _live.facts.state
    assert target is not None
    return target


def allowed(facts: Facts, actor_kind: str | None = None) -> tuple[str, ...]:
    """The events that would move an onboarding now; for one kind of actor, those it may fire.

    The connection type comes with `choose_type`, so before it is chosen any one stands for it.
    """
    if facts.state not in STATES:
        return ()  # Another version of the program knows what would.
    asked = facts if facts.connection_type else replace(facts, connection_type="plugin")
    events = (str(event.id) for event in _live.holding(asked).enabled_events())
    return tuple(e for e in events if actor_kind is None or actor_kind in MAY_FIRE[e])


def facts_of(onboarding: Onboarding, choices: Mapping[str, str | None] | None = None) -> Facts:
    """What guards may ask, as it would be after these choices."""
    chosen = choices or {}
    return Facts(
        state=onboarding.state,
        connection_type=chosen.get("connection_type", onboarding.connection_type),
        credential_mode=chosen.get("credential_mode", onboarding.credential_mode),
        contact_verified=onboarding.contact_verified_at is not None,
    )


def new_reference() -> str:
    """A name to read out on the phone: Crockford's letters, so no O for 0 and no I for 1."""
    letters = "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(10))
    return f"ONB-{letters[:5]}-{letters[5:]}"


def _insert_once(session: Session, onboarding: Onboarding, start_key: str) -> Onboarding | None:
    """The onboarding that another request opened with this key, or None: this one is in now.

    Two that are sent at once meet in the unique index, the later one waiting for the earlier.
    """
    try:
        with session.begin_nested():
            session.add(onboarding)
    except IntegrityError:
        query = select(Onboarding).where(Onboarding.start_key == start_key)
        return session.scalars(query).one()
    return None


def _locked(session: Session, onboarding_id: UUID) -> tuple[Onboarding, datetime]:
    """One round trip for the row, its lock and the clock."""
    row = session.execute(
        select(Onboarding, db.now())
        .where(Onboarding.id == onboarding_id)
        .with_for_update(of=Onboarding)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def _refusal(facts: Facts, event: str, actor_kind: str | None) -> EventNotAllowed:
    """Say what is allowed instead, and whether only a guard stood in the way."""
    assert facts.state is not None
    possible = {str(e.id) for e in _live.holding(facts).allowed_events}
    unmet = "contact_verified" if event == "issue_id" and event in possible else None
    return EventNotAllowed(event, facts.state, allowed(facts, actor_kind), unmet)


def _move(
    session: Session,
    onboarding: Onboarding,
    event: str,
    target: str,
    actor: Actor,
    at: datetime,
    choices: Mapping[str, str | None],
    details: Mapping[str, Any] | None,
) -> None:
    source = onboarding.state
    client_id = _live_client(session, onboarding.id) if event in REVOKES else None
    for name, value in _chosen(event, choices).items():
        setattr(onboarding, name, value)
    onboarding.state = target
    onboarding.sequence += 1
    onboarding.entered_at = at
    onboarding.reminders = onboarding.extra_days = 0
    onboarding.wakes_at = deadlines.wakes_at(target, at, 0)
    if event == "start_over":
        onboarding.answers = {}
    kept = {name: value for name, value in choices.items() if value} | dict(details or {})
    if actor.reason:
        kept["reason"] = actor.reason
    _record(session, onboarding, event, source, actor, at, kept)
    consequences.apply(session, event, onboarding.id, at)
    crash_points.reach("fire.recorded")
    _promise(session, onboarding, event, client_id)
    crash_points.reach("fire.promised")


def _chosen(event: str, choices: Mapping[str, str | None]) -> Mapping[str, str | None]:
    return dict.fromkeys(CHOICES) if event == "start_over" else choices


def _record(
    session: Session,
    onboarding: Onboarding,
    event: str,
    source: str | None,
    actor: Actor,
    at: datetime,
    details: Mapping[str, Any],
) -> None:
    session.execute(
        insert(Transition).values(
            onboarding_id=onboarding.id,
            sequence=onboarding.sequence,
            event=event,
            source=source,
            target=onboarding.state,
            actor_kind=actor.kind,
            actor_id=actor.id,
            at=at,
            rule_set=onboarding.rule_set,
            details=dict(details),
        )
    )


def _promise(session: Session, onboarding: Onboarding, event: str, client_id: str | None) -> None:
    """Write down the work that entering this state, by this event, calls for."""
    promised: list[tuple[str, dict[str, Any]]] = [
        (t, {}) for t in ON_ENTRY.get(onboarding.state, ())
    ]
    notice = NOTICES.get((event, onboarding.state))
    if notice and onboarding.contact_email:
        promised.append(("send_email", {"notice": notice}))
    if client_id:
        promised.append(("revoke_client", {"client_id": client_id}))
    for task, about in promised:
        outbox.promise(
            session, task, about, onboarding_id=onboarding.id, sequence=onboarding.sequence
        )


def _live_client(session: Session, onboarding_id: UUID) -> str | None:
    return session.execute(
        select(Client.id).where(Client.onboarding_id == onboarding_id, Client.revoked_at.is_(None))
    ).scalar_one_or_none()
