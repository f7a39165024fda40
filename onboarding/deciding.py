"""What the chart says: where an event leads, what is allowed, and why not; nothing is read or written."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Final, Protocol
from uuid import UUID

from statemachine.exceptions import TransitionNotAllowed

from onboarding import deadlines
from onboarding.access import Actor
from onboarding.afterwards import AFTERWARDS, DONE, REVOKING
from onboarding.chart import MAY_FIRE, NOTICES, ON_ENTRY, REVOKES, STATES, Chart, Facts
from onboarding.errors import EventNotAllowed, EventNotYours, EventUnknown, MovedOn, StateUnknown
from onboarding.outbox import Promise
from onboarding.recording import Step
from onboarding.recording_statements import CHOICES


class Standing(Protocol):
    """What must be known of an onboarding to decide: its row, or as much of it as was read."""

    @property
    def id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def rule_set(self) -> str: ...
    @property
    def connection_type(self) -> str | None: ...
    @property
    def credential_mode(self) -> str | None: ...
    @property
    def contact_email(self) -> str | None: ...
    @property
    def contact_verified_at(self) -> datetime | None: ...
    @property
    def entered_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants: an event, and what comes with it.

    `expected` is the transition that they have seen last; `choices` are what `choose_type` sets;
    `details` are plain facts that history keeps.
    """

    event: str
    actor: Actor
    expected: int | None = None
    choices: Mapping[str, str | None] | None = None
    details: Mapping[str, Any] | None = None

    def check(self) -> None:
        """Raises EventUnknown or EventNotYours."""
        if self.event not in MAY_FIRE:
            raise EventUnknown(self.event)
        if self.actor.kind not in MAY_FIRE[self.event]:
            raise EventNotYours(f"{self.actor.kind} may not fire {self.event}")


@dataclass(frozen=True, slots=True)
class Call:
    """A task that a transition calls for, where it leads to this state."""

    target: str
    task: str
    notice: str | None = None

    def follows(self, target: str, *, has_contact: bool) -> bool:
        """Whether a transition to there calls for it; a letter needs somebody to write to."""
        return self.target == target and (has_contact or self.notice is None)

    @property
    def about(self) -> dict[str, str]:
        return {"notice": self.notice} if self.notice else {}


def step(onboarding: Standing, now: datetime, wish: Wish, client_id: str | None = None) -> Step:
    """The transition that a wish leads to, with the work that it calls for.

    `client_id` is of the client that it has and that this revokes. Raises MovedOn or EventNotAllowed.
    """
    if wish.expected is not None and wish.expected != onboarding.sequence:
        raise MovedOn(onboarding.state, onboarding.sequence)
    chosen = chosen_by(wish)
    target = decide(facts_of(onboarding, chosen), wish.event, wish.actor.kind)
    at, sequence = max(now, onboarding.entered_at), onboarding.sequence + 1
    return Step(
        onboarding.id,
        sequence,
        wish.event,
        onboarding.state,
        target,
        wish.actor,
        at,
        onboarding.rule_set,
        kept(wish, chosen),
        wakes_at=deadlines.wakes_at(target, at, 0),
        choices=dict.fromkeys(CHOICES) if wish.event == "start_over" else chosen or None,
        promises=[
            Promise(task, about, onboarding.id, sequence)
            for task, about in _called_for(onboarding, wish.event, target, client_id)
        ],
    )


def afterwards(
    onboarding: Standing,
    now: datetime,
    wish: Wish,
    client_id: str | None = None,
) -> Step:
    """An event after the end, as history will tell it: the state stays, and so does since when.

    Raises EventNotYours, MovedOn or EventNotAllowed.
    """
    told, state = AFTERWARDS[wish.event], onboarding.state
    if wish.actor.kind not in told.who:
        raise EventNotYours(f"{wish.actor.kind} may not fire {wish.event}")
    if wish.expected is not None and wish.expected != onboarding.sequence:
        raise MovedOn(state, onboarding.sequence)
    if state not in DONE:
        raise EventNotAllowed(wish.event, state, allowed(facts_of(onboarding), wish.actor.kind))
    at, sequence = max(now, onboarding.entered_at), onboarding.sequence + 1
    return Step(
        onboarding.id,
        sequence,
        wish.event,
        state,
        state,
        wish.actor,
        at,
        onboarding.rule_set,
        kept(wish, {}),
        stays_since=onboarding.entered_at,
        promises=[
            Promise(task, about, onboarding.id, sequence)
            for task, about in _following(onboarding, wish.event, client_id)
        ],
    )


def decide(facts: Facts, event: str, actor_kind: str | None = None) -> str:
    """The state that an event leads to. Pure.

    Raises EventNotAllowed with what is allowed instead, to this kind of actor, and StateUnknown.
    """
    if facts.state not in STATES:
        raise StateUnknown(f"the chart has no state {facts.state}")
    target = _target(key(facts), event)
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
    events = _enabled(key(asked))
    return tuple(e for e in events if actor_kind is None or actor_kind in MAY_FIRE[e])


@cache
def calls(event: str, target: str) -> tuple[Call, ...]:
    """What entering a state, by this event, calls for, whoever it is."""
    notice = NOTICES.get((event, target))
    tasks = [Call(target, task) for task in ON_ENTRY.get(target, ())]
    return (*tasks, Call(target, "send_email", notice)) if notice else tuple(tasks)


# All facts, to know those by that decide alike. Not `astuple`: it copies, for a seventh of an event on SQLite.
key: Final = attrgetter(*Facts.__slots__)


def facts_of(onboarding: Standing, choices: Mapping[str, str | None] | None = None) -> Facts:
    """What guards may ask, as it would be after these choices."""
    chosen = choices or {}
    return Facts(
        state=onboarding.state,
        connection_type=chosen.get("connection_type", onboarding.connection_type),
        credential_mode=chosen.get("credential_mode", onboarding.credential_mode),
        contact_verified=onboarding.contact_verified_at is not None,
    )


def chosen_by(wish: Wish) -> dict[str, str | None]:
    """All of CHOICES, where the event sets them."""
    choosing = wish.choices if wish.event == "choose_type" else None
    return {name: choosing.get(name) for name in CHOICES} if choosing else {}


def kept(wish: Wish, chosen: Mapping[str, str | None]) -> dict[str, Any]:
    """What history keeps of it."""
    kept = {name: value for name, value in chosen.items() if value} | dict(wish.details or {})
    return kept | {"reason": wish.actor.reason} if wish.actor.reason else kept


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


def _called_for(
    onboarding: Standing, event: str, target: str, client_id: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The work that entering a state, by this event, calls for."""
    for call in calls(event, target):
        if call.follows(target, has_contact=bool(onboarding.contact_email)):
            yield call.task, call.about
    if event in REVOKES and client_id:
        yield "revoke_client", {"client_id": client_id}


def _following(
    onboarding: Standing, event: str, client_id: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The work that an event after the end calls for."""
    notice = AFTERWARDS[event].notice
    if notice and onboarding.contact_email:
        yield "send_email", {"notice": notice}
    if event in REVOKING and client_id:
        yield "revoke_client", {"client_id": client_id}


@cache
def _target(facts: tuple[Any, ...], event: str) -> str | None:
    """What the chart says, and always will of these facts: there are some hundreds of them."""
    try:
        _live.holding(Facts(*facts)).send(event)
    except TransitionNotAllowed:
        return None
    return _live.facts.state


@cache
def _enabled(facts: tuple[Any, ...]) -> tuple[str, ...]:
    """The events that lead somewhere from there. To ask the chart each time was a fifth of what a call of the API took."""
    return tuple(str(event.id) for event in _live.holding(Facts(*facts)).enabled_events())


def _refusal(facts: Facts, event: str, actor_kind: str | None) -> EventNotAllowed:
    """Say what is allowed instead, and whether only a guard stood in the way."""
    assert facts.state is not None
    possible = {str(e.id) for e in _live.holding(facts).allowed_events}
    unmet = "contact_verified" if event == "issue_id" and event in possible else None
    return EventNotAllowed(event, facts.state, allowed(facts, actor_kind), unmet)
