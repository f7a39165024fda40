"""`ls` and `incidents`: which onboardings there are, whose turn it is, and what has failed."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import db, developers, exports, filters, finding, masking, queries, views
from onboarding.chart import NEXT_MOVE
from onboarding.commands import printing
from onboarding.db import reading, snapshot
from onboarding.errors import Invalid
from onboarding.filters import YES, Filter
from onboarding.finding import Place
from onboarding.models import Message, Onboarding
from onboarding.settings import settings


def ls(
    given: Mapping[str, str],
    limit: int,
    after: str | None,
    *,
    view: str | None = None,
    as_json: bool,
) -> None:
    """The onboardings of a view, or of a page of it; what is given narrows one that has a name.

    Raises Invalid, NotFound.
    """
    place = _place(after) if after else None
    with reading() as session:
        wanted = _wanted(session, given, view)
        found = finding.page(session, wanted, limit + 1, after=place)
        now = db.clock(session)
        lines = [summary(onboarding, now) for onboarding in found[:limit]]
        rows = [_row(onboarding, now) for onboarding in found[:limit]]
    head = ("Reference", "State", "Type", "Next move", "For")
    printing.listed(lines, head, rows, empty=_nothing(wanted), as_json=as_json)
    if found:
        last = finding.place_of(wanted, found[:limit][-1])
        printing.goes_on(found, limit, f"--after {last.text()}")


def export(
    given: Mapping[str, str], form: str, limit: int | None, *, view: str | None, mark: bool
) -> None:
    """All of a view, as the console exports it. Raises Invalid, NotFound."""
    with snapshot() as session:
        wanted = _wanted(session, given, view)
        exports.write(session, wanted, form, sys.stdout.buffer, most=limit, mark=mark)


def incidents(limit: int, *, as_json: bool) -> None:
    """Messages that have failed for good, newest first."""
    with reading() as session:
        more = queries.incidents(session, limit + 1)
        found = more[:limit]
        named = queries.references(session, {m.onboarding_id for m in found if m.onboarding_id})
        now = db.clock(session)
        lines = [message_facts(message, named) for message in found]
        rows = [_incident_row(message, named, now) for message in found]
    head = ("Onboarding", "Task", "Cause", "For", "Error")
    empty = "No incidents: nothing has failed for good."
    printing.listed(lines, head, rows, empty=empty, as_json=as_json)
    printing.goes_on(more, limit)
    if rows:
        printing.say(f"\nWhat a cause means, and what to do: {settings().base_url}/help/runbooks")
        printing.say('Once it is gone: onboarding retry <onboarding> --reason "…"')


def summary(onboarding: Onboarding, now: datetime) -> dict[str, object]:
    """One onboarding as a line of JSON."""
    move = NEXT_MOVE.get(onboarding.state)
    return {
        "id": onboarding.id,
        "reference": onboarding.reference,
        "state": onboarding.state,
        "sequence": onboarding.sequence,
        "connection_type": onboarding.connection_type,
        "credential_mode": onboarding.credential_mode,
        "aggregator": onboarding.aggregator_name,
        "connection_name": masking.text(onboarding.connection_name) or None,
        "created_at": onboarding.created_at,
        "entered_at": onboarding.entered_at,
        "next_move": developers.whose_move(onboarding, move.whom) if move else None,
        "overdue_at": onboarding.entered_at + move.overdue_after if move else None,
        "overdue": queries.is_overdue(onboarding, now),
    }


def message_facts(message: Message, named: dict[UUID, str]) -> dict[str, object]:
    """One message as a line of JSON."""
    return {
        "id": message.id,
        "onboarding": named.get(message.onboarding_id) if message.onboarding_id else None,
        "task": message.task,
        "attempts": message.attempts,
        "created_at": message.created_at,
        "due_at": message.due_at,
        "failed_at": message.failed_at,
        "cause": message.cause,
        "last_error": message.last_error,
    }


def _place(text: str) -> Place:
    found = finding.read_place(text)
    if found is None:
        raise Invalid({"after": "No place of a list."})
    return found


def _wanted(session: Session, given: Mapping[str, str], view: str | None) -> Filter:
    """What is given; it narrows a view that has a name."""
    narrower = filters.read(given)
    return replace(views.named(session, view), **narrower.given()) if view else narrower


def _row(onboarding: Onboarding, now: datetime) -> tuple[str, ...]:
    move = NEXT_MOVE.get(onboarding.state)
    late = " late" if queries.is_overdue(onboarding, now) else ""
    return (
        onboarding.reference,
        onboarding.state,
        onboarding.connection_type or "–",
        developers.whose_move(onboarding, move.whom) if move else "–",
        printing.age(now - onboarding.entered_at) + late,
    )


def _incident_row(message: Message, named: dict[UUID, str], now: datetime) -> tuple[str, ...]:
    """A message of no onboarding is retried by its own ID."""
    assert message.failed_at is not None
    return (
        named.get(message.onboarding_id, "") if message.onboarding_id else str(message.id),
        message.task,
        message.cause or "",
        printing.age(now - message.failed_at),
        message.last_error or "",
    )


def _nothing(wanted: Filter) -> str:
    if wanted == Filter(overdue=YES):
        return "Nothing is overdue."
    if wanted != Filter():
        return "There is none of these. All of them: onboarding ls"
    return "No onboardings yet. Start one in a browser, or walk one: onboarding walk --type plugin"
