"""`start` and `fire`: the only writer of an onboarding's state.

One event is one transaction: the row is locked, the chart decides, and state, history and the
promised messages are written together, or nothing is.
"""

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, event, select
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from onboarding import (
    consequences,
    crash_points,
    db,
    deadlines,
    deciding,
    driver,
    recording,
    rows,
    sealing,
    tracing,
)
from onboarding.access import Actor
from onboarding.chart import REVOKES
from onboarding.deciding import Wish
from onboarding.errors import NotFound
from onboarding.ids import new_id
from onboarding.models import Client, Onboarding
from onboarding.outbox import Claim
from onboarding.recording import Step
from onboarding.recording_statements import CHOICES

# What an onboarding does not know at its start.
_NOT_YET: Final = (*CHOICES, "connection_name", "contact_verified_at", "handover_id")
# SQLite's only writer holds all rows.
_LOCK: Final = (
    select(Onboarding, db.now())
    .where(Onboarding.id.in_(bindparam("wanted", expanding=True)))
    .execution_options(populate_existing=True)
)
# A key is not changed: who writes a row about it meanwhile, as a letter that is out, need not wait.
_LOCKED: Final = f"""
    SELECT {", ".join(rows.columns(Onboarding))}, statement_timestamp() FROM onboardings
    WHERE {{}} ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 - names of columns, from the models
_LOCK_ONE: Final = _LOCKED.format("id = %(id)s")
_LOCK_MANY: Final = _LOCKED.format("id = ANY(%(ids)s)")
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
    onboarding, now = _locked(session, onboarding_id)
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
    onboarding, now = _locked(session, onboarding_id)
    client_id = _live_client(session, onboarding_id)
    wish = Wish(event, actor, expected, None, details)
    step = deciding.afterwards(onboarding, now, wish, client_id)
    with tracing.transition(onboarding.id, event, step.source, step.target, actor.kind):
        _carry_out(session, onboarding, step.traced())
    return onboarding


def lock(session: Session, onboarding_id: UUID) -> Onboarding:
    """Hold an onboarding's row until the end of the transaction. Raises NotFound."""
    return _locked(session, onboarding_id)[0]


def lock_all(session: Session, ids: Collection[UUID]) -> None:
    """The same of several, in one round trip and one order; those that are not there are left out."""
    held = session.info.setdefault("held", {})
    if session.get_bind().dialect.name == "sqlite":
        found = session.execute(_LOCK, {"wanted": ids}).all()
        held.update({onboarding.id: (onboarding, now) for onboarding, now in found})
        return
    for *values, now in driver.within(session, *_locking(ids)):
        onboarding = rows.shown(session, Onboarding, values)
        held[onboarding.id] = onboarding, now


@contextmanager
def together(session: Session, ids: Collection[UUID], taker: int | None) -> Iterator[list[Claim]]:
    """Hold these onboardings; what is fired within is written at the end, in one statement for all.

    The process that is the `taker` has the first turn at what is promised then: those, once they are
    written, unless there is none.
    """
    if ids:
        lock_all(session, ids)
    taken: list[Claim] = []
    put_off: list[Step] = session.info.setdefault("put_off", [])
    try:
        yield taken
        if put_off:
            steps = [step.taken_by(taker) for step in put_off]
            _write(session, steps)
            taken += [it.claim for step in steps for it in step.promises if taker is not None]
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
    letters = "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(10))
    return f"ONB-{letters[:5]}-{letters[5:]}"


def _shown(session: Session, begun: Mapping[str, Any], at: datetime) -> Onboarding:
    """What was written, as an object of the session."""
    onboarding = Onboarding(**begun)
    onboarding.created_at = onboarding.entered_at = at
    onboarding.wakes_at = deadlines.wakes_at(onboarding.state, at, 0)
    make_transient_to_detached(onboarding)
    session.add(onboarding)
    return onboarding


def _locking(ids: Collection[UUID]) -> tuple[str, dict[str, Any]]:
    """One is asked for by its ID: see `recording_statements.moving_one`."""
    if len(ids) == 1:
        return _LOCK_ONE, {"id": next(iter(ids))}
    return _LOCK_MANY, {"ids": [*ids]}


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


def _write(session: Session, steps: Sequence[Step]) -> None:
    """Their rows are locked, so nobody else has moved them."""
    if not recording.move(session, steps):
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
