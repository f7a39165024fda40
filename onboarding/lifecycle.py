"""`start` and `fire`: the only writer of an onboarding's state.

One event is one transaction: the row is locked, the chart decides, and state, history and the
promised messages are written together, or nothing is.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from onboarding import (
    consequences,
    crash_points,
    deadlines,
    deciding,
    locking,
    recording,
    sealing,
    tracing,
)
from onboarding.access import Actor
from onboarding.chart import REVOKES
from onboarding.deciding import Wish
from onboarding.ids import new_id
from onboarding.models import Client, Onboarding
from onboarding.outbox import Claim
from onboarding.recording import Step
from onboarding.recording_statements import CHOICES

# What an onboarding does not know at its start.
_NOT_YET: Final = (*CHOICES, "connection_name", "contact_verified_at", "handover_id")
_REFERENCE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def start(
    session: Session,
    actor: Actor,
    *,
    locale: str,
    rule_set: str,
    start_key: str | None = None,
    system_id: UUID | None = None,
    contact_email: str | None = None,
) -> Onboarding:
    """Open an onboarding. The same start key gives the same onboarding, however often it is sent."""
    begun = new(
        locale=locale,
        rule_set=rule_set,
        start_key=start_key,
        system_id=system_id,
        contact_email=contact_email,
    )
    with tracing.transition(begun["id"], "start", None, begun["state"], actor.kind):
        at = recording.begin(session, begun, actor)
    if at is None:
        query = select(Onboarding).where(Onboarding.start_key == start_key)
        return session.scalars(query).one()
    crash_points.reach("start.recorded")
    return _shown(session, begun, at)


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
    wish = Wish(event, actor, expected, choices, details)
    wish.check()
    onboarding, now = locking.lock(session, onboarding_id)
    crash_points.reach("fire.locked")
    client_id = _live_client(session, onboarding_id) if event in REVOKES else None
    step = deciding.step(onboarding, now, wish, client_id)
    with tracing.transition(onboarding.id, event, step.source, step.target, actor.kind):
        _carry_out(session, onboarding, step.traced())
        tracing.tell({"onboarding.type": onboarding.connection_type})
    return onboarding


def note(
    session: Session,
    onboarding_id: UUID,
    event: str,
    actor: Actor,
    *,
    expected: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> Onboarding:
    """Write into the history of an onboarding that is done what has happened to it since.

    Raises NotFound, EventNotYours, MovedOn or EventNotAllowed.
    """
    onboarding, now = locking.lock(session, onboarding_id)
    client_id = _live_client(session, onboarding_id)
    wish = Wish(event, actor, expected, None, details)
    step = deciding.afterwards(onboarding, now, wish, client_id)
    with tracing.transition(onboarding.id, event, step.source, step.target, actor.kind):
        _carry_out(session, onboarding, step.traced())
    return onboarding


def lock(session: Session, onboarding_id: UUID) -> Onboarding:
    """Hold an onboarding's row until the end of the transaction. Raises NotFound."""
    return locking.lock(session, onboarding_id)[0]


@contextmanager
def together(session: Session, claims: Sequence[Claim], taker: int | None) -> Iterator[list[Claim]]:
    """Finish these and hold their onboardings; what is fired within is written at the end, in one statement.

    The process that is the `taker` has the first turn at what is promised then: those, once they are
    written, unless there is none. Raises LeaseLost.
    """
    locking.finish_and_lock(session, claims)
    taken: list[Claim] = []
    put_off: list[Step] = session.info.setdefault("put_off", [])
    try:
        yield taken
        if put_off:
            _write(session, put_off, taker)
            if taker is not None:
                taken += [it.claim for step in put_off for it in step.promises]
    finally:
        del session.info["put_off"]


def new(
    *,
    locale: str,
    rule_set: str,
    start_key: str | None = None,
    system_id: UUID | None = None,
    contact_email: str | None = None,
) -> dict[str, Any]:
    """The columns of an onboarding that begins; the database says when."""
    return dict.fromkeys(_NOT_YET) | {
        "id": new_id(),
        "reference": new_reference(),
        "state": "started",
        "sequence": 1,
        "rule_set": rule_set,
        "locale": locale,
        "start_key": start_key,
        "system_id": system_id,
        "contact_email": contact_email,
        "contact_hash": sealing.address_hash(contact_email) if contact_email else None,
        "answers": {},
        "reminders": 0,
        "extra_days": 0,
    }


def new_reference() -> str:
    """A name to read out on the phone: Crockford's letters, so no O for 0 and no I for 1."""
    # Five bits a letter: to ask for each costs as much as a third of an event.
    number = secrets.randbits(50)
    letters = "".join(_REFERENCE_LETTERS[number >> shift & 31] for shift in range(0, 50, 5))
    return f"ONB-{letters[:5]}-{letters[5:]}"


def _shown(session: Session, begun: Mapping[str, Any], at: datetime) -> Onboarding:
    """What was written, as an object of the session."""
    onboarding = Onboarding(**begun)
    onboarding.created_at = onboarding.entered_at = at
    onboarding.wakes_at = deadlines.wakes_at(onboarding.state, at, 0)
    make_transient_to_detached(onboarding)
    session.add(onboarding)
    return onboarding


def _carry_out(session: Session, onboarding: Onboarding, step: Step) -> None:
    put_off: list[Step] | None = session.info.get("put_off")
    if put_off is None:
        _write(session, [step])
    else:
        if any(other.onboarding_id == onboarding.id for other in put_off):
            _write(session, put_off)
            put_off.clear()
        put_off.append(step)
    consequences.apply(session, step.event, onboarding.id, step.at)
    if step.event == "start_over":
        onboarding.answers = {}
    crash_points.reach("fire.followed")
    _show(onboarding, step)


def _write(session: Session, steps: Sequence[Step], taker: int | None = None) -> None:
    """Their rows are locked, so nobody else has moved them."""
    if not recording.move(session, steps, taker):
        raise RuntimeError("an onboarding has moved on under its lock")
    crash_points.reach("fire.recorded")


def _show(onboarding: Onboarding, step: Step) -> None:
    """What was written, on the object that the caller has."""
    written = {
        "state": step.target,
        "sequence": step.sequence,
        "entered_at": step.entered_at,
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
