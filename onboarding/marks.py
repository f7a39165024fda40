"""What operators say about causes: who looks after one, and whether it is known, fixed or to be ignored.

A cause is told by its task and its code, wherever the onboardings stand. What was marked as fixed
and is seen again counts as open.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final
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
    before, was = (kept.status, _facts(kept)) if kept else ("open", None)
    if kept is None:
        kept = CauseMark(task=task, code=code)
        session.add(kept)
    for name, value in values.items():
        setattr(kept, name, value)
    kept.marked_at = now
    told: dict[str, Any] = {"task": task, "code": code, "from": before, "to": said.status}
    told |= {"before": was, "at": now.isoformat()}
    for name in ("release", "until", "owner_id"):
        if values[name]:
            told[name] = str(values[name])
    audit.append(session, ring, Attempt(who.id, who.role, ACTION, reason, details=told))


def put_back(
    session: Session, cause: tuple[str, str], marked_at: str, before: Mapping[str, Any] | None
) -> bool:
    """As it was before somebody marked it then; False where it was marked again since."""
    db.one_by_one(session, CauseMark.__tablename__)
    kept = session.get(CauseMark, cause, populate_existing=True)
    if kept is None or kept.marked_at != datetime.fromisoformat(marked_at):
        return False
    if before is None:
        session.delete(kept)
    else:
        owner = before["owner_id"]
        # Whoever has left looks after nothing.
        found = session.get(Operator, UUID(owner)) if owner else None
        kept.owner_id = found.id if found else None
        kept.status, kept.release = before["status"], before["release"]
        kept.until = datetime.fromisoformat(before["until"]) if before["until"] else None
        kept.marked_at = datetime.fromisoformat(before["marked_at"])
    return True


def refused(
    session: Session, ring: Keyring, who: Who, cause: tuple[str, str], reason: str, why: str
) -> None:
    """Write down that somebody tried, in a transaction of its own."""
    told = {"task": cause[0], "code": cause[1], "why": why}
    said = " ".join(reason.split())[:500]
    audit.append(session, ring, Attempt(who.id, who.role, ACTION, said, "refused", details=told))


def history(session: Session, task: str, code: str, limit: int) -> Sequence[AuditEntry]:
    """What was said about a cause, and taken back, newest first."""
    about = (
        AuditEntry.details["task"].as_string() == task,
        AuditEntry.details["code"].as_string() == code,
    )
    newest = select(AuditEntry).where(*about).order_by(AuditEntry.number.desc()).limit(limit)
    said = session.scalars(newest.where(AuditEntry.action == ACTION)).all()
    if not said:
        return []
    # What undoes one comes after it.
    undone = newest.where(AuditEntry.action == "undo", AuditEntry.number > said[-1].number)
    both = [*said, *session.scalars(undone)]
    return sorted(both, key=lambda entry: entry.number, reverse=True)[:limit]


def _facts(mark: CauseMark) -> dict[str, Any]:
    """All that is said, as the trail keeps it."""
    return {
        "status": mark.status,
        "release": mark.release,
        "until": mark.until.isoformat() if mark.until else None,
        "owner_id": str(mark.owner_id) if mark.owner_id else None,
        "marked_at": mark.marked_at.isoformat(),
    }


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
