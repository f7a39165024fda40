"""`causes`: why something fails, and what operators say about it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import actions, db, marks, stuck
from onboarding.causes import CAUSES
from onboarding.commands import printing
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound
from onboarding.marks import Marked, Said
from onboarding.models import AuditEntry, Operator
from onboarding.sealing import Keyring
from onboarding.stuck import CauseName

_HEAD: Final = ("Cause", "Where", "Failed", "Tried again", "Since", "Status", "Owner")
_HISTORY: Final = 20


def ls(*, as_json: bool) -> None:
    """Every cause in each place where it is met, the open ones first."""
    with reading() as session:
        found = marks.marked(session, stuck.causes(session))
        _print(session, found, as_json=as_json)


def show(name: CauseName, *, as_json: bool) -> None:
    """One of them, and what was said about it. Raises NotFound."""
    with reading() as session:
        _require(session, name)
        found = [cause for cause in stuck.causes(session) if cause.is_of(name)]
        if not as_json and name.code in CAUSES:
            known = CAUSES[name.code]
            printing.text(f"{known.means} Who must act: {known.acts}.\n")
        _print(session, marks.marked(session, found), as_json=as_json)
        for entry in marks.history(session, name, _HISTORY):
            _print_said(entry, as_json=as_json)


def mark(
    ring: Keyring,
    name: CauseName,
    said: Said,
    owner: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Say how a cause stands. Raises Invalid, NotFound."""
    with transaction() as session:
        _require(session, name)
        who, owner_id = operator(), _owner(session, name, owner)
        kept = replace(said, owner_id=owner_id)
        marks.mark(session, ring, who, name, kept, actions.checked(reason))
    if as_json:
        printing.line(_name(name) | {"status": said.status, "owner_id": owner_id})
    else:
        printing.text(f"{name.task} {name.code}: {said.status}")


def note(ring: Keyring, name: CauseName, text: str, *, as_json: bool) -> None:
    """Write something down about a cause. Raises Invalid, NotFound."""
    with transaction() as session:
        _require(session, name)
        said, lines = actions.checked(text), actions.in_lines(text)
        marks.note(session, ring, operator(), name, said, lines)
    if as_json:
        printing.line(_name(name) | {"noted": True})
    else:
        printing.say("The note is kept.")


def _require(session: Session, name: CauseName) -> None:
    if not marks.is_known(session, name):
        raise NotFound("cause")


def _print(session: Session, found: Sequence[Marked], *, as_json: bool) -> None:
    now = db.clock(session)
    rows = [
        (
            f"{each.cause.code}\n{each.cause.task}",
            _where(each),
            str(each.cause.failed),
            str(each.cause.resting),
            printing.age(now - each.cause.first_at),
            _status(each),
            each.owner or "",
        )
        for each in found
    ]
    lines = [_facts(each) for each in found]
    printing.listed(lines, _HEAD, rows, empty="Nothing fails.", as_json=as_json)


def _where(standing: Marked) -> str:
    cause = standing.cause
    return f"{cause.state or '-'}\nafter {cause.event}" if cause.event else cause.state or "-"


def _owner(session: Session, name: CauseName, owner: str | None) -> UUID | None:
    """The operator of this ID; whoever looks after it already, where nothing is said."""
    if owner is None:
        kept = marks.of(session, name)
        return kept.owner_id if kept else None
    if owner == "nobody":
        return None
    try:
        found = session.get(Operator, UUID(owner.removeprefix("operator:")))
    except ValueError:
        found = None
    if found is None:
        raise Invalid({"owner": "No operator has this ID."})
    return found.id


def _status(standing: Marked) -> str:
    more = standing.release or (standing.until and printing.moment(standing.until)[:10])
    return f"{standing.status} ({more})" if more else standing.status


def _facts(standing: Marked) -> dict[str, object]:
    cause, known = standing.cause, CAUSES.get(standing.cause.code)
    return {
        "key": cause.key,
        "state": cause.state,
        "event": cause.event,
        "task": cause.task,
        "code": cause.code,
        "failed": cause.failed,
        "resting": cause.resting,
        "first_at": cause.first_at,
        "last_at": cause.last_at,
        "status": standing.status,
        "owner": standing.owner,
        "release": standing.release,
        "until": standing.until,
        "means": known.means if known else None,
        "acts": known.acts if known else None,
    }


def _name(name: CauseName) -> dict[str, object]:
    place = {"state": name.state or None, "event": name.event or None}
    return {"task": name.task, "code": name.code, **place}


def _print_said(entry: AuditEntry, *, as_json: bool) -> None:
    what = entry.details.get("to", "note" if entry.action == marks.NOTE else entry.action)
    words = entry.details.get("text", entry.reason)
    if as_json:
        printing.line({"at": entry.at, "by": entry.actor, "what": what, "words": words})
    else:
        printing.text(f"{printing.moment(entry.at)}  {entry.actor}  {what}: {words}")
