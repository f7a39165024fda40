"""`causes`: why something fails, and what operators say about it."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import actions, causes, db, marks, stuck
from onboarding.commands import printing
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound
from onboarding.marks import Marked, Said
from onboarding.models import Operator
from onboarding.sealing import Keyring


def ls(*, as_json: bool) -> None:
    """Every cause by task and code, the open ones first."""
    with reading() as session:
        found = marks.marked(session, stuck.together(stuck.causes(session)))
        now = db.clock(session)
    rows = [
        (
            each.cause.task,
            each.cause.code,
            str(each.cause.failed),
            str(each.cause.resting),
            printing.age(now - each.cause.first_at),
            _status(each),
            each.owner or "",
        )
        for each in found
    ]
    head = ("Task", "Cause", "Failed", "Tried again", "Since", "Status", "Owner")
    printing.listed([_facts(s) for s in found], head, rows, empty="Nothing fails.", as_json=as_json)


def mark(
    ring: Keyring,
    cause: tuple[str, str],
    said: Said,
    owner: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Say how a cause stands. Raises Invalid, NotFound."""
    task, code = cause
    with transaction() as session:
        if not _is_known(session, task, code):
            raise NotFound
        who, owner_id = operator(), _owner(session, cause, owner)
        kept = replace(said, owner_id=owner_id)
        marks.mark(session, ring, who, cause, kept, actions.checked(reason))
    if as_json:
        told = {"task": task, "code": code, "status": said.status, "owner_id": owner_id}
        printing.line(told)
    else:
        printing.text(f"{task} {code}: {said.status}")


def _is_known(session: Session, task: str, code: str) -> bool:
    failing = any((c.task, c.code) == (task, code) for c in stuck.causes(session))
    return failing or code in causes.CAUSES


def _owner(session: Session, cause: tuple[str, str], owner: str | None) -> UUID | None:
    """The operator of this ID; whoever looks after it already, where nothing is said."""
    if owner is None:
        kept = marks.of(session, *cause)
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
    cause = standing.cause
    return {
        "task": cause.task,
        "code": cause.code,
        "failed": cause.failed,
        "resting": cause.resting,
        "first_at": cause.first_at,
        "status": standing.status,
        "owner": standing.owner,
        "release": standing.release,
        "until": standing.until,
    }
