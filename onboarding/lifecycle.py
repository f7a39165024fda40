"""`start` and `fire`: the only writer of an onboarding's state.

One event is one transaction: the row is locked, the chart decides, and state, history and the
promised messages are written together, or nothing is.
"""

import secrets
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import astuple, replace
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, event, select
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from statemachine.exceptions import TransitionNotAllowed

from onboarding import consequences, crash_points, db, deadlines, errors, recording, tracing
from onboarding.access import Actor
from onboarding.chart import MAY_FIRE, NOTICES, ON_ENTRY, REVOKES, STATES, Chart, Facts
from onboarding.errors import EventNotAllowed, EventNotYours, EventUnknown, MovedOn, NotFound
from onboarding.models import Client, Onboarding
from onboarding.outbox import Promise
from onboarding.recording import CHOICES, Step

# What an onboarding does not know at its start.
_NOT_YET: Final = (*CHOICES, "connection_name", "contact_verified_at")
_LOCK: Final = (
    select(Onboarding, db.now())
    .where(Onboarding.id.in_(bindparam("wanted", expanding=True)))
    .order_by(Onboarding.id)
    .with_for_update(of=Onboarding)
    .execution_options(populate_existing=True)
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
        **dict.fromkeys(_NOT_YET),
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
        extra_days=0,
        created_at=at,
        entered_at=at,
        wakes_at=deadlines.wakes_at("started", at, 0),
    )
    step = Step(onboarding.id, 1, "start", None, "started", actor, at, rule_set, {})
    values = {column.key: getattr(onboarding, column.key) for column in Onboarding.__table__.c}
    with tracing.transition(onboarding.id, "start", None, "started", actor.kind):
        if not recording.begin(session, values, step):
            query = select(Onboarding).where(Onboarding.start_key == start_key)
            return session.scalars(query).one()
    crash_points.reach("start.recorded")
    make_transient_to_detached(onboarding)
    session.add(onboarding)
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
    chosen = {name: choosing.get(name) for name in CHOICES} if choosing else {}
    target = decide(facts_of(onboarding, chosen), event, actor.kind)
    with tracing.transition(onboarding.id, event, onboarding.state, target, actor.kind):
        step = _step(session, onboarding, event, target, actor, now, chosen, details)
        _carry_out(session, onboarding, step)
        tracing.tell({"onboarding.type": onboarding.connection_type})
    return onboarding


def lock(session: Session, onboarding_id: UUID) -> Onboarding:
    """Hold an onboarding's row until the end of the transaction. Raises NotFound."""
    return _locked(session, onboarding_id)[0]


def lock_all(session: Session, ids: Collection[UUID]) -> None:
    """The same of several, in one round trip and one order; those that are not there are left out."""
    held = session.info.setdefault("held", {})
    for onboarding, now in session.execute(_LOCK, {"wanted": ids}):
        held[onboarding.id] = onboarding, now


def decide(facts: Facts, event: str, actor_kind: str | None = None) -> str:
    """The state that an event leads to. Pure.

    Raises EventNotAllowed with what is allowed instead, to this kind of actor, and StateUnknown.
    """
    if facts.state not in STATES:
        raise errors.StateUnknown(f"the chart has no state {facts.state}")
    target = _target(astuple(facts), event)
    if target is None:
        raise _refusal(facts, event, actor_kind)
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


@cache
def _target(facts: tuple[Any, ...], event: str) -> str | None:
    """What the chart says, and always will of these facts: there are some hundreds of them."""
    try:
        _live.holding(Facts(*facts)).send(event)
    except TransitionNotAllowed:
        return None
    return _live.facts.state


def _locked(session: Session, onboarding_id: UUID) -> tuple[Onboarding, datetime]:
    """One round trip for the row, its lock and the clock; none where this transaction has them."""
    held: dict[UUID, tuple[Onboarding, datetime]] = session.info.setdefault("held", {})
    if onboarding_id not in held:
        lock_all(session, [onboarding_id])
    if onboarding_id not in held:
        raise NotFound
    return held[onboarding_id]


@event.listens_for(Session, "after_soft_rollback")
def _let_go(session: Session, _: object) -> None:
    """Whoever goes back to a savepoint holds no longer what was locked since."""
    session.info.pop("held", None)


def _refusal(facts: Facts, event: str, actor_kind: str | None) -> EventNotAllowed:
    """Say what is allowed instead, and whether only a guard stood in the way."""
    assert facts.state is not None
    possible = {str(e.id) for e in _live.holding(facts).allowed_events}
    unmet = "contact_verified" if event == "issue_id" and event in possible else None
    return EventNotAllowed(event, facts.state, allowed(facts, actor_kind), unmet)


def _step(
    session: Session,
    onboarding: Onboarding,
    event: str,
    target: str,
    actor: Actor,
    now: datetime,
    chosen: Mapping[str, str | None],
    details: Mapping[str, Any] | None,
) -> Step:
    at, sequence = max(now, onboarding.entered_at), onboarding.sequence + 1
    kept = {name: value for name, value in chosen.items() if value} | dict(details or {})
    if actor.reason:
        kept["reason"] = actor.reason
    return Step(
        onboarding.id,
        sequence,
        event,
        onboarding.state,
        target,
        actor,
        at,
        onboarding.rule_set,
        kept,
        wakes_at=deadlines.wakes_at(target, at, 0),
        choices=dict.fromkeys(CHOICES) if event == "start_over" else chosen or None,
        promises=[
            Promise(task, about, onboarding.id, sequence)
            for task, about in _called_for(session, onboarding, event, target)
        ],
    )


def _called_for(
    session: Session, onboarding: Onboarding, event: str, target: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The work that entering a state, by this event, calls for."""
    for task in ON_ENTRY.get(target, ()):
        yield task, {}
    notice = NOTICES.get((event, target))
    if notice and onboarding.contact_email:
        yield "send_email", {"notice": notice}
    if event in REVOKES and (client_id := _live_client(session, onboarding.id)):
        yield "revoke_client", {"client_id": client_id}


def _carry_out(session: Session, onboarding: Onboarding, step: Step) -> None:
    """The row is locked, so nobody else has moved it."""
    if not recording.move(session, [step]):
        raise RuntimeError(f"{onboarding.id} has moved on under its lock")
    crash_points.reach("fire.recorded")
    consequences.apply(session, step.event, onboarding.id, step.at)
    if step.event == "start_over":
        onboarding.answers = {}
    crash_points.reach("fire.followed")
    _show(onboarding, step)


def _show(onboarding: Onboarding, step: Step) -> None:
    """What was written, on the object that the caller has."""
    written = {
        "state": step.target,
        "sequence": step.sequence,
        "entered_at": step.at,
        "wakes_at": step.wakes_at,
        "reminders": 0,
        "extra_days": 0,
        **(step.choices or {}),
    }
    for name, value in written.items():
        set_committed_value(onboarding, name, value)


def _live_client(session: Session, onboarding_id: UUID) -> str | None:
    return session.execute(
        select(Client.id).where(Client.onboarding_id == onboarding_id, Client.revoked_at.is_(None))
    ).scalar_one_or_none()
