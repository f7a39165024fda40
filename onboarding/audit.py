"""What operators did, and tried to do: rows that are only added, each sealed together with the one before.

Whoever can write to the database but has no keyring cannot change, take out, add or move a row
unnoticed. Whoever puts an older copy of the whole table back can: compare the last number with one
that was noted elsewhere, as `onboarding audit verify` prints it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from onboarding import db, holding, logs, sealing
from onboarding.errors import PreviewUsed
from onboarding.models import AuditEntry, AuditHead
from onboarding.sealing import Keyring

_ENTRY: Final = "audit-entry-v1"
_HEAD: Final = "audit-head-v1"
_BATCH: Final = 1000
# Where details say what a row is about that is about no onboarding.
_SUBJECTS: Final = ("aggregator", "key", "source", "webhook", "inbound", "operator")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody did or tried to do, and why; the trail adds when, and its seal."""

    actor: str
    role: str | None
    action: str
    reason: str
    outcome: str = "done"
    onboarding_id: UUID | None = None
    details: Mapping[str, Any] | None = None
    preview_id: UUID | None = None


def append(session: Session, ring: Keyring, attempt: Attempt) -> AuditEntry:
    """Add a row to the trail, in the transaction of what it tells. Raises PreviewUsed."""
    holding.one_by_one(session, AuditEntry.__tablename__)
    head = session.get(AuditHead, 1, populate_existing=True)
    entry = AuditEntry(
        number=head.number + 1 if head else 1,
        at=db.clock(session),
        actor=attempt.actor,
        role=attempt.role,
        action=attempt.action,
        onboarding_id=attempt.onboarding_id,
        reason=attempt.reason,
        outcome=attempt.outcome,
        details=dict(attempt.details or {}) | _asked(),
        preview_id=attempt.preview_id,
    )
    before = head.seal if head else b""
    entry.pepper_id, entry.seal = sealing.keyed_hash(ring, _ENTRY, _text(entry, before))
    _insert_once(session, entry)
    _move_head(session, ring, head, entry)
    return entry


def latest(
    session: Session,
    limit: int,
    *,
    before: int | None = None,
    onboarding_id: UUID | None = None,
    q: str = "",
) -> Sequence[AuditEntry]:
    """The trail, newest first; `before` is the last number of the page before, `q` a part of why."""
    query = select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.number < before)
    if onboarding_id is not None:
        query = query.where(AuditEntry.onboarding_id == onboarding_id)
    if q:
        query = query.where(AuditEntry.reason.icontains(q, autoescape=True))
    return session.scalars(query).all()


def subject(entry: AuditEntry) -> str:
    """What a row is about that is about no onboarding, by its ID or name; empty where it has none."""
    return next((str(entry.details[each]) for each in _SUBJECTS if each in entry.details), "")


def head(session: Session) -> int:
    """The number of the last row; 0 where there is none."""
    found = session.get(AuditHead, 1)
    return found.number if found else 0


def verify(session: Session, ring: Keyring) -> Iterator[str]:
    """Every place where the trail is not as it was written, a sentence each."""
    number, seal = 0, b""
    for entry in _in_order(session):
        if entry.number != number + 1:
            yield f"{_rows(number + 1, entry.number - 1)} missing."
        elif not _holds(ring, entry.pepper_id, _ENTRY, _text(entry, seal), entry.seal):
            yield f"Row {entry.number} is not as it was written."
        number, seal = entry.number, entry.seal
    last = session.get(AuditHead, 1)
    if last is None:
        yield from ["What says where the trail ends is missing."] if number else []
    elif not _holds(ring, last.pepper_id, _HEAD, _end(last.number, last.seal), last.mark):
        yield "What says where the trail ends is not as it was written."
    elif last.number > number:
        yield f"{_rows(number + 1, last.number)} missing."
    elif (last.number, last.seal) != (number, seal):
        yield f"{_rows(last.number + 1, number)} added by somebody else."


def _asked() -> dict[str, str]:
    """The request that this came by, as the log and the answer name it."""
    request_id = logs.request_id()
    return {"request_id": request_id} if request_id else {}


def _insert_once(session: Session, entry: AuditEntry) -> None:
    try:
        with session.begin_nested():
            session.add(entry)
    except IntegrityError as error:
        raise PreviewUsed from error


def _move_head(session: Session, ring: Keyring, head: AuditHead | None, entry: AuditEntry) -> None:
    if head is None:
        head = AuditHead(id=1)
        session.add(head)
    head.number, head.seal = entry.number, entry.seal
    head.pepper_id, head.mark = sealing.keyed_hash(ring, _HEAD, _end(entry.number, entry.seal))
    # The next one in this transaction reads it.
    session.flush()


def _in_order(session: Session) -> Iterator[AuditEntry]:
    """A batch at a time: the trail may be long."""
    number = 0
    while batch := session.scalars(
        select(AuditEntry)
        .where(AuditEntry.number > number)
        .order_by(AuditEntry.number)
        .limit(_BATCH)
    ).all():
        yield from batch
        number = batch[-1].number
        session.expunge_all()


def _holds(ring: Keyring, pepper_id: str, context: str, value: str, expected: bytes) -> bool:
    """False as well for a key that this keyring does not know: nobody of ours has used it."""
    if pepper_id not in ring.keys["pepper"]:
        return False
    return sealing.matches(ring, pepper_id, context, value, expected)


def _text(entry: AuditEntry, before: bytes) -> str:
    """All that a row says, and the seal of the one before it, in one way to write it."""
    said = [
        entry.number,
        entry.at.isoformat(),
        entry.actor,
        entry.role,
        entry.action,
        str(entry.onboarding_id),
        entry.reason,
        entry.outcome,
        entry.details,
        str(entry.preview_id),
        before.hex(),
    ]
    return json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _end(number: int, seal: bytes) -> str:
    return f"{number} {seal.hex()}"


def _rows(first: int, last: int) -> str:
    return f"Row {first} is" if first == last else f"Rows {first} to {last} are"
