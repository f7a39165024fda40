"""One event as a transaction of its own, for whoever has nothing else to write: in one round trip.

On PostgreSQL the chart is asked before, for every way that the event may lead (`ways`), and the statement
takes the one that fits the onboarding as it is. Whatever it does not move is fired in a transaction, under
the row's lock: that says why not, or finds that it can be moved after all. On SQLite a statement is no
journey, and the chart is asked in between.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select

from onboarding import (
    db,
    deciding,
    driver,
    lifecycle,
    outbox,
    recording,
    sqlite_driver,
    tracing,
    ways,
)
from onboarding.access import Actor
from onboarding.chart import REVOKES
from onboarding.consequences import CONSEQUENCES
from onboarding.db import transaction
from onboarding.deciding import Wish
from onboarding.errors import NotFound
from onboarding.models import Onboarding
from onboarding.outbox import Promise
from onboarding.ways_statement import TOLD, moving_by_chart

# What has to be done besides takes more than one statement.
_FOLLOWED: Final = REVOKES | {*CONSEQUENCES}


def start(actor: Actor, *, locale: str, rule_set: str, contact_email: str | None = None) -> UUID:
    """Open an onboarding; its ID. See `lifecycle.start`."""
    about: dict[str, Any] = {"locale": locale, "rule_set": rule_set, "contact_email": contact_email}
    new = lifecycle.new(**about)
    began: UUID = new["id"]
    with tracing.transition(began, "start", None, new["state"], actor.kind):
        if _is_sqlite():
            with sqlite_driver.alone() as execute:
                recording.begin_on_sqlite(execute, new, actor)
        else:
            recording.begin_with(driver.alone, new, actor)
    return began


def fire(
    onboarding_id: UUID,
    event: str,
    actor: Actor,
    *,
    expected: int | None = None,
    choices: Mapping[str, str | None] | None = None,
    details: Mapping[str, Any] | None = None,
) -> int:
    """Move an onboarding by one event, or refuse and write nothing; the number of the transition.

    Arguments and errors are those of `lifecycle.fire`, and OutcomeUnknown.
    """
    wish = Wish(event, actor, expected, choices, details)
    wish.check()
    if event not in _FOLLOWED:
        move = _moved_on_sqlite if _is_sqlite() else _moved
        moved = move(onboarding_id, wish)
        if moved is not None:
            return moved
    with transaction() as session:
        return lifecycle.fire(
            session,
            onboarding_id,
            event,
            actor,
            expected=expected,
            choices=choices,
            details=details,
        ).sequence


def _is_sqlite() -> bool:
    return db.engine().dialect.name == "sqlite"


class _Standing(NamedTuple):
    """What the chart asks of an onboarding, and what time it is; last, the ID that it was asked for by."""

    state: str
    sequence: int
    rule_set: str
    connection_type: str | None
    credential_mode: str | None
    contact_email: str | None
    contact_verified_at: datetime | None
    entered_at: datetime
    now: datetime
    id: UUID


def _moved_on_sqlite(onboarding_id: UUID, wish: Wish) -> int:
    """The number of the transition. Raises NotFound, MovedOn or EventNotAllowed."""
    with sqlite_driver.alone() as execute:
        found = execute(_STANDING, {"wanted": onboarding_id})
        if not found:
            raise NotFound
        standing = _Standing._make((*found[0], onboarding_id))
        step = deciding.step(standing, standing.now, wish)
        with tracing.transition(
            onboarding_id, wish.event, step.source, step.target, wish.actor.kind
        ):
            recording.move_on_sqlite(execute, [step.traced()])
    outbox.publish([promise.announcement for promise in step.promises])
    return step.sequence


def _moved(onboarding_id: UUID, wish: Wish) -> int | None:
    """The number of the transition; None: the statement has not moved it."""
    chosen = deciding.chosen_by(wish)
    kind = (chosen["connection_type"], chosen["credential_mode"]) if chosen else None
    calls = ways.of(wish.event, kind).calls
    with tracing.transition(onboarding_id, wish.event, None, None, wish.actor.kind):
        promises = [Promise(call.task, call.about, onboarding_id) for call in calls]
        given = _given(onboarding_id, wish, chosen) | chosen
        for number, promise in enumerate(promises):
            given |= _promised(number, promise)
        moved = driver.alone(moving_by_chart(wish.event, kind), given)
        if not moved:
            return None
        sequence, source, target, has_contact = moved[0]
        tracing.tell({"onboarding.from": source, "onboarding.to": target})
    made = zip(calls, promises, strict=True)
    outbox.publish(
        [it.announcement for call, it in made if call.follows(target, has_contact=has_contact)]
    )
    return int(sequence)


def _given(onboarding_id: UUID, wish: Wish, chosen: Mapping[str, str | None]) -> dict[str, Any]:
    return {
        "onboarding_id": onboarding_id,
        "expected": wish.expected,
        "event": wish.event,
        "actor_kind": wish.actor.kind,
        "actor_id": wish.actor.id,
        "details": json.dumps(deciding.kept(wish, chosen)),
    }


def _promised(number: int, promise: Promise) -> dict[str, Any]:
    return {f"{name}_{number}": getattr(promise, name) for name in TOLD}


_STANDING: Final = select(
    *(Onboarding.__table__.c[name] for name in _Standing._fields[:-2]), db.now()
).where(Onboarding.id == bindparam("wanted"))
