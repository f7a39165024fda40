"""What operators say about causes: who looks after one, and whether it is known, fixed or to be ignored.

A cause is told by its task and its code, wherever the onboardings stand. What was marked as fixed
and is seen again counts as open.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onboarding import audit, db
from onboarding.audit import Attempt
from onboarding.errors import Invalid
from onboarding.models import AuditEntry, CauseMark, Message, Operator
from onboarding.models.operating import CAUSE_STATUSES
from onboarding.operators import Who
from onboarding.sealing import Keyring
from onboarding.stuck import Cause

ACTION: Final = "cause.mark"
# Where somebody has to look: nobody has said a word, or what they said does not hold any more.
OPEN: Final = frozenset({"open", "came_back"})
_RELEASE: Final = re.compile(r"[0-9A-Za-z][\w.+-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Marked:
    """A cause, and how it stands: one of the statuses, or `came_back`; with who looks after it."""

    cause: Cause
    status: str
    owner: str | None = None
    release: str | None = None
    until: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wants to say about a cause, as it was typed."""

    status: str
    release: str = ""
    until: str = ""
    owner_id: UUID | None = None


def marked(session: Session, causes: Sequence[Cause]) -> list[Marked]:
    """How each stands; the open ones first, else in their order."""
    marks = {(mark.task, mark.code): mark for mark in session.scalars(select(CauseMark))}
    if not marks:
        return [Marked(cause, "open") for cause in causes]
    names = {row.id: row.name for row in session.execute(select(Operator.id, Operator.name))}
    seen, now = _last_seen(session), db.clock(session)
    found = []
    for cause in causes:
        key = (cause.task, cause.code)
        mark = marks.get(key)
        if mark is None:
            found.append(Marked(cause, "open"))
            continue
        status = _status(mark, seen.get(key), now)
        owner = names.get(mark.owner_id) if mark.owner_id else None
        found.append(Marked(cause, status, owner, mark.release, mark.until))
    return sorted(found, key=lambda standing: not standing.is_open)


def of(session: Session, task: str, code: str) -> CauseMark | None:
    """What was said about a cause last."""
    return session.get(CauseMark, (task, code))


def mark(
    session: Session, ring: Keyring, who: Who, cause: tuple[str, str], said: Said, reason: str
) -> None:
    """Say how a cause stands; the trail keeps why. Raises RoleNeeded, Invalid."""
    who.require("act")
    now = db.clock(session)
    values = _checked(said, now)
    db.one_by_one(session, CauseMark.__tablename__)
    task, code = cause
    kept = session.get(CauseMark, cause, populate_existing=True)
    before = kept.status if kept else "open"
    if kept is None:
        kept = CauseMark(task=task, code=code)
        session.add(kept)
    for name, value in values.items():
        setattr(kept, name, value)
    kept.marked_at = now
    told = {"task": task, "code": code, "from": before, "to": said.status}
    for name in ("release", "until", "owner_id"):
        if values[name]:
            told[name] = str(values[name])
    audit.append(session, ring, Attempt(who.id, who.role, ACTION, reason, details=told))


def refused(
    session: Session, ring: Keyring, who: Who, cause: tuple[str, str], reason: str, why: str
) -> None:
    """Write down that somebody tried, in a transaction of its own."""
    told = {"task": cause[0], "code": cause[1], "why": why}
    said = " ".join(reason.split())[:500]
    audit.append(session, ring, Attempt(who.id, who.role, ACTION, said, "refused", details=told))


def history(session: Session, task: str, code: str, limit: int) -> Sequence[AuditEntry]:
    """What was said about a cause, newest first."""
    return session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.action == ACTION,
            AuditEntry.details["task"].as_string() == task,
            AuditEntry.details["code"].as_string() == code,
        )
        .order_by(AuditEntry.number.desc())
        .limit(limit)
    ).all()


def _last_seen(session: Session) -> dict[tuple[str, str | None], datetime]:
    """When each failed last, as far as is known: one that rests tells when it was promised."""
    seen = func.max(func.coalesce(Message.failed_at, Message.created_at))
    kind = Message.task, Message.cause
    rows = session.execute(select(*kind, seen).where(Message.cause.is_not(None)).group_by(*kind))
    return {(task, code): at for task, code, at in rows}


def _status(mark: CauseMark, seen: datetime | None, now: datetime) -> str:
    if mark.status == "ignored" and mark.until and mark.until <= now:
        return "open"
    if mark.status == "fixed" and seen and seen > mark.marked_at:
        return "came_back"
    return mark.status


def _checked(said: Said, now: datetime) -> dict[str, object]:
    """What the table keeps of it. Raises Invalid."""
    if said.status not in CAUSE_STATUSES:
        raise Invalid({"status": f"One of {', '.join(CAUSE_STATUSES)}."})
    values: dict[str, object] = dict.fromkeys(("release", "until"))
    if said.status == "fixed":
        if not _RELEASE.fullmatch(said.release):
            raise Invalid({"release": "Say in which release, such as 1.4.2."})
        values["release"] = said.release
    if said.status == "ignored":
        values["until"] = _day(said.until, now)
    return {"status": said.status, "owner_id": said.owner_id, **values}


def _day(text: str, now: datetime) -> datetime:
    """The beginning of a day to come, of UTC."""
    try:
        until = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        until = now
    if until <= now:
        raise Invalid({"until": "Say until when: a day to come, as 2026-11-27."})
    return until
