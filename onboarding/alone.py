"""One event as a transaction of its own, for whoever has nothing else to write: as few round trips as can be.

An onboarding is read, the chart decides, and one statement writes what was decided if nobody was faster.
Otherwise it is read again: what comes out is what waiting for the row's lock would have brought.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from onboarding import db, deciding, driver, lifecycle, outbox, recording, tracing
from onboarding.access import Actor
from onboarding.chart import REVOKES
from onboarding.consequences import CONSEQUENCES
from onboarding.db import transaction
from onboarding.deciding import Wish
from onboarding.errors import NotFound
from onboarding.recording import Step

# How often somebody may be faster, until one waits for the row's lock.
TRIES: Final = 3


class Seen(NamedTuple):
    """As much of an onboarding as the chart and history ask for."""

    id: UUID
    state: str
    sequence: int
    rule_set: str
    connection_type: str | None
    credential_mode: str | None
    contact_email: str | None
    contact_verified_at: datetime | None
    entered_at: datetime


def start(actor: Actor, *, locale: str, rule_set: str, contact_email: str | None = None) -> UUID:
    """Open an onboarding; its ID. See `lifecycle.start`."""
    about: dict[str, Any] = {"locale": locale, "rule_set": rule_set, "contact_email": contact_email}
    if _is_sqlite():
        with transaction() as session:
            return lifecycle.start(session, actor, **about).id
    new = lifecycle.new(**about)
    began: UUID = new["id"]
    with tracing.transition(began, "start", None, new["state"], actor.kind):
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
    if not (_is_sqlite() or event in REVOKES or event in CONSEQUENCES):
        for _ in range(TRIES):
            step = deciding.step(*_look(onboarding_id), wish)
            if _written(step):
                return step.sequence
    with transaction() as session:
        moved = lifecycle.fire(
            session,
            onboarding_id,
            event,
            actor,
            expected=expected,
            choices=choices,
            details=details,
        )
    return moved.sequence


def _is_sqlite() -> bool:
    return db.engine().dialect.name == "sqlite"


def _look(onboarding_id: UUID) -> tuple[Seen, datetime]:
    found = driver.look(_LOOK, {"id": onboarding_id})
    if not found:
        raise NotFound
    *seen, now = found[0]
    return Seen(*seen), now


def _written(step: Step) -> bool:
    actor = step.actor.kind
    with tracing.transition(step.onboarding_id, step.event, step.source, step.target, actor):
        step = step.traced()
        moved = recording.move_with(driver.alone, [step])
    if moved:
        outbox.publish([promise.announcement for promise in step.promises])
    return bool(moved)


_LOOK: Final = f"""
    SELECT {", ".join(Seen._fields)}, statement_timestamp() FROM onboardings WHERE id = %(id)s
"""  # noqa: S608 - names of columns
