"""Taking back what one has just done: for ten minutes, what can be taken back honestly, and nothing else.

A letter that was sent, a task that was tried again and a state that was left stay as they are; so does
a note, whose words the trail keeps. What somebody has changed meanwhile is left alone.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding import actions, audit, db, deadlines, lifecycle, marks, views
from onboarding.actions import hands
from onboarding.audit import Attempt
from onboarding.errors import NotEligible, NotFound
from onboarding.models import Assignment, AuditEntry, Onboarding, Operator
from onboarding.operators import Who
from onboarding.sealing import Keyring
from onboarding.words import N_

LASTS: Final = timedelta(minutes=10)
ACTION: Final = "undo"

_CHANGED: Final = N_("Somebody has changed it since; nothing was undone")
_OWNERSHIP: Final = frozenset({"take_on", "assign", "let_go"})


def offered(session: Session, who: Who, number: int) -> bool:
    """Whether this one may take back a row of the trail now."""
    entry = session.get(AuditEntry, number)
    return entry is not None and _may(session, who, entry)


def undo(session: Session, ring: Keyring, who: Who, number: int) -> AuditEntry:
    """Take back what a row of the trail tells; returns the row that tells of this.

    Raises NotFound for what is not theirs, too old or cannot be undone; NotEligible where it was changed.
    """
    entry = session.get(AuditEntry, number)
    if entry is None or not _may(session, who, entry):
        raise NotFound
    told = {"undoes": entry.number, "action": entry.action} | _REVERSED[entry.action](
        session, who, entry
    )
    return audit.append(session, ring, _attempt(who, entry, "done", told))


def refused(session: Session, ring: Keyring, who: Who, number: int, why: str) -> None:
    """Write down that somebody tried, in a transaction of its own."""
    if entry := session.get(AuditEntry, number):
        told = {"undoes": number, "action": entry.action, "why": why}
        audit.append(session, ring, _attempt(who, entry, "refused", told))


def _may(session: Session, who: Who, entry: AuditEntry) -> bool:
    """Their own, of the last minutes, alone and not as one of a run, and still within their role."""
    alone = entry.outcome == "done" and "run" not in entry.details
    fresh = entry.at > db.clock(session) - LASTS
    may = entry.action in REVERSIBLE and who.may(_permission(entry.action))
    return may and alone and fresh and entry.actor == who.id


def _permission(action: str) -> str:
    return actions.of(action).permission if action in actions.ACTIONS else "act"


def _attempt(who: Who, entry: AuditEntry, outcome: str, told: Mapping[str, Any]) -> Attempt:
    return Attempt(
        who.id, who.role, ACTION, entry.reason, outcome, entry.onboarding_id, details=told
    )


def _hand_back(session: Session, who: Who, entry: AuditEntry) -> dict[str, Any]:
    """Whose it was before; raises NotEligible where it is another's by now, or they are gone."""
    onboarding = _untouched(session, entry, _OWNERSHIP)
    after = {"take_on": who.operator_id, "let_go": None}
    made = after.get(entry.action) if entry.action in after else UUID(entry.details["to"])
    taken = Assignment.onboarding_id == onboarding.id
    if session.scalar(select(Assignment.operator_id).where(taken)) != made:
        raise NotEligible(_CHANGED)
    before = entry.details.get("before")
    if before and session.get(Operator, UUID(before)) is None:
        raise NotEligible(_CHANGED)
    hands.give(session, onboarding.id, UUID(before) if before else None)
    return {"to": before}


def _take_time_back(session: Session, _who: Who, entry: AuditEntry) -> dict[str, Any]:
    """Raises NotEligible also where it would be over at once."""
    onboarding, now = _untouched(session, entry, {"extend"}), db.clock(session)
    if onboarding.entered_at > entry.at:
        raise NotEligible(_CHANGED)
    days = int(entry.details["days"])
    before = onboarding.extra_days - days
    ends_at = deadlines.end(onboarding.state, onboarding.entered_at, before)
    if ends_at is None or ends_at <= now:
        raise NotEligible(N_("Without that time it would be over at once; nothing was undone"))
    deadlines.extend(onboarding, -days, now)
    return {"days": -days, "until": ends_at.isoformat()}


def _untouched(session: Session, entry: AuditEntry, kind: frozenset[str] | set[str]) -> Onboarding:
    """The onboarding, locked, where nobody has done anything of this kind since."""
    assert entry.onboarding_id is not None
    onboarding = lifecycle.lock(session, entry.onboarding_id)
    later = session.scalars(
        select(AuditEntry).where(
            AuditEntry.onboarding_id == onboarding.id,
            AuditEntry.number > entry.number,
            AuditEntry.outcome == "done",
        )
    )
    if any({each.action, each.details.get("action")} & kind for each in later):
        raise NotEligible(_CHANGED)
    return onboarding


def _mark_as_before(session: Session, _who: Who, entry: AuditEntry) -> dict[str, Any]:
    told = entry.details
    if not marks.put_back(session, marks.name_in(told), told["at"], told["before"]):
        raise NotEligible(_CHANGED)
    name = {part: told[part] for part in ("task", "code", "state", "event") if part in told}
    return name | {"to": told["from"]}


def _bring_back(session: Session, _who: Who, entry: AuditEntry) -> dict[str, Any]:
    if not views.bring_back(session, UUID(entry.details["view"])):
        raise NotEligible(_CHANGED)
    return {"view": entry.details["view"]}


_REVERSED: Final[Mapping[str, Callable[[Session, Who, AuditEntry], dict[str, Any]]]] = {
    **dict.fromkeys(_OWNERSHIP, _hand_back),
    "extend": _take_time_back,
    marks.ACTION: _mark_as_before,
    views.DELETE: _bring_back,
}
REVERSIBLE: Final = frozenset(_REVERSED)
