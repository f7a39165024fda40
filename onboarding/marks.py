"""What operators say about causes: who looks after one, and whether it is known, fixed or to be ignored.

It is said about a cause wherever it is met, or only in a place: a state, after an event. What is said
about a place counts there, whatever is said about the whole. What was marked as fixed and is seen
again counts as open.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from onboarding import audit, db, holding, stuck
from onboarding.afterwards import AFTERWARDS
from onboarding.audit import Attempt
from onboarding.causes import CAUSES
from onboarding.chart import MAY_FIRE, STATES
from onboarding.errors import Invalid
from onboarding.models import AuditEntry, CauseMark, Message, Operator
from onboarding.models.operating import CAUSE_STATUSES
from onboarding.operators import Who
from onboarding.sealing import Keyring
from onboarding.stuck import MET, PLACE, Cause, CauseName

ACTION: Final = "cause.mark"
NOTE: Final = "cause.note"
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
    owner_id: UUID | None = None

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
    marks = {_name(mark): mark for mark in session.scalars(select(CauseMark))}
    if not marks:
        return [Marked(cause, "open") for cause in causes]
    names = {row.id: row.name for row in session.execute(select(Operator.id, Operator.name))}
    seen, now = _last_seen(session), db.clock(session)
    found = []
    for cause in causes:
        mark = marks.get(cause.name) or marks.get(cause.name.everywhere)
        if mark is None:
            found.append(Marked(cause, "open"))
            continue
        status = _status(mark, seen.get(cause.name), now)
        owner = names.get(mark.owner_id) if mark.owner_id else None
        found.append(Marked(cause, status, owner, mark.release, mark.until, mark.owner_id))
    return _open_first(found)


def together(session: Session, causes: Sequence[Cause]) -> list[Marked]:
    """Each of them as one, wherever it is met: open where it is open in one place."""
    places: dict[CauseName, list[Marked]] = {}
    for standing in marked(session, causes):
        places.setdefault(standing.cause.name.everywhere, []).append(standing)
    whole = stuck.together(causes)
    return _open_first([replace(places[cause.name][0], cause=cause) for cause in whole])


def of(session: Session, name: CauseName) -> CauseMark | None:
    """What was said about a cause of this very name last."""
    return session.get(CauseMark, _key(name))


def mark(
    session: Session, ring: Keyring, who: Who, name: CauseName, said: Said, reason: str
) -> None:
    """Say how a cause stands; the trail keeps why. Raises RoleNeeded, Invalid."""
    who.require("act")
    now = db.clock(session)
    values = _checked(said, now)
    holding.one_by_one(session, CauseMark.__tablename__)
    kept = session.get(CauseMark, _key(name), populate_existing=True)
    before, was = (kept.status, _facts(kept)) if kept else ("open", None)
    if kept is None:
        kept = CauseMark(**_key(name))
        session.add(kept)
    for field, value in values.items():
        setattr(kept, field, value)
    kept.marked_at = now
    told: dict[str, Any] = _told(name) | {"from": before, "to": said.status}
    told |= {"before": was, "at": now.isoformat()}
    for field in ("release", "until", "owner_id"):
        if values[field]:
            told[field] = str(values[field])
    audit.append(session, ring, Attempt(who.id, who.role, ACTION, reason, details=told))


def note(session: Session, ring: Keyring, who: Who, name: CauseName, said: str, lines: str) -> None:
    """Write something down about a cause, on one line and as it was written. Raises RoleNeeded.

    It changes nothing else.
    """
    who.require("act")
    told = _told(name) | {"text": lines}
    audit.append(session, ring, Attempt(who.id, who.role, NOTE, said, details=told))


def put_back(
    session: Session, name: CauseName, marked_at: str, before: Mapping[str, Any] | None
) -> bool:
    """As it was before somebody marked it then; False where it was marked again since."""
    holding.one_by_one(session, CauseMark.__tablename__)
    kept = session.get(CauseMark, _key(name), populate_existing=True)
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
    session: Session,
    ring: Keyring,
    who: Who,
    action: str,
    name: CauseName,
    reason: str,
    why: str,
) -> None:
    """Write down that somebody tried, in a transaction of its own."""
    told = _told(name) | {"why": why}
    said = " ".join(reason.split())[:500]
    audit.append(session, ring, Attempt(who.id, who.role, action, said, "refused", details=told))


def name_in(told: Mapping[str, Any]) -> CauseName:
    """The cause that a row of the trail is about."""
    return CauseName(told["task"], told["code"], told.get("state", ""), told.get("event", ""))


def history(session: Session, name: CauseName, limit: int) -> Sequence[AuditEntry]:
    """What was said about a cause, and taken back, newest first; in one place, or in all of them."""
    about = [AuditEntry.details[field].as_string() == value for field, value in _told(name).items()]
    newest = select(AuditEntry).where(*about).order_by(AuditEntry.number.desc()).limit(limit)
    said = session.scalars(newest.where(text("action LIKE 'cause.%'"))).all()
    if not said:
        return []
    # What undoes one comes after it.
    undone = newest.where(AuditEntry.action == "undo", AuditEntry.number > said[-1].number)
    both = [*said, *session.scalars(undone)]
    return sorted(both, key=lambda entry: entry.number, reverse=True)[:limit]


def is_known(session: Session, name: CauseName) -> bool:
    """A code of ours in a place of ours, one that fails now, or one that was marked once."""
    if any(cause.is_of(name) for cause in stuck.causes(session)):
        return True
    ours = (
        name.code in CAUSES
        and name.state in {"", *STATES}
        and name.event in {"", "start", *MAY_FIRE, *AFTERWARDS}
    )
    return ours or of(session, name) is not None


def _open_first(standings: list[Marked]) -> list[Marked]:
    return sorted(standings, key=lambda standing: not standing.is_open)


def _name(mark: CauseMark) -> CauseName:
    return CauseName(mark.task, mark.code, mark.state, mark.event)


def _key(name: CauseName) -> dict[str, str]:
    return {"task": name.task, "code": name.code, "state": name.state, "event": name.event}


def _told(name: CauseName) -> dict[str, Any]:
    """As the trail keeps it: a place only where there is one."""
    return {field: value for field, value in _key(name).items() if value}


def _facts(mark: CauseMark) -> dict[str, Any]:
    """All that is said, as the trail keeps it."""
    return {
        "status": mark.status,
        "release": mark.release,
        "until": mark.until.isoformat() if mark.until else None,
        "owner_id": str(mark.owner_id) if mark.owner_id else None,
        "marked_at": mark.marked_at.isoformat(),
    }


def _last_seen(session: Session) -> dict[CauseName, datetime]:
    """When each failed last, as far as is known: one that rests tells when it was promised."""
    at = func.max(func.coalesce(Message.failed_at, Message.created_at))
    kind = (Message.task, Message.cause, *PLACE)
    met = select(*kind, at).select_from(MET).where(Message.cause.is_not(None)).group_by(*kind)
    return {
        CauseName(task, code or "", state or "", event or ""): seen
        for task, code, state, event, seen in session.execute(met)
    }


def _status(mark: CauseMark, seen: datetime | None, now: datetime) -> str:
    if mark.status == "ignored" and mark.until and mark.until <= now:
        return "open"
    if mark.status == "fixed" and seen and seen > mark.marked_at:
        return "came_back"
    return mark.status


def _checked(said: Said, now: datetime) -> dict[str, object]:
    """What the table keeps of it. Raises Invalid."""
    if said.status not in CAUSE_STATUSES:
        raise Invalid({"status": "Choose one of these."})
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
