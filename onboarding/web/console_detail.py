"""One onboarding: why it is where it is, what would move it, and all that has happened to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from onboarding import (
    attempts,
    audit,
    care,
    conditions,
    credentials,
    db,
    developers,
    drawing_picture,
    further_sellers,
    invitations,
    masking,
    queries,
    reception,
    standing,
    tracing,
    unmasking,
)
from onboarding.actions import ACTIONS, Order, advice
from onboarding.chart import NEXT_MOVE
from onboarding.db import reading
from onboarding.models import Message, Onboarding, Transition
from onboarding.operators import Who, least_role
from onboarding.settings import settings
from onboarding.web import console_frame, console_undo, note_texts, pages
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_AUDITED = 50


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, in the order of time: what kind of thing, and the row that tells it."""

    at: datetime
    kind: str
    row: Any
    # Tells it from others of its kind, so that a link can lead to it.
    key: object

    @property
    def anchor(self) -> str:
        """Where it stands in the page."""
        return f"{self.kind}-{self.key}"


@dataclass(frozen=True, slots=True)
class Choice:
    """An action: its name, and why it cannot be taken; None: it can."""

    name: str
    why_not: str | None
    # The role that it needs, where this one's is not enough.
    needs: str | None
    # Whether it is the one that would move what is stuck.
    comes_first: bool


@router.get("/{locale}/console/onboardings/{reference}")
def detail(request: Request, locale: str, reference: str) -> Response:
    """All about one onboarding, personal data masked."""
    with reading() as session:
        who = console_frame.who(session, request)
        onboarding = queries.by_reference(session, reference)
        done = console_undo.done(session, request, who)
        found = about(session, who, onboarding)
    return console_frame.page(request, who, "detail.html", done=done, **found)


@router.get("/{locale}/console/onboardings/{reference}/chart.svg")
def chart(request: Request, locale: str, reference: str) -> Response:
    """The chart, with the state lit in which it stands."""
    with reading() as session:
        console_frame.who(session, request)
        state = queries.by_reference(session, reference).state
    headers, say = {"Cache-Control": "no-store"}, pages.translator_of(request)
    return Response(
        drawing_picture.svg(state, say=say), headers=headers, media_type="image/svg+xml"
    )


def about(session: Session, who: Who, onboarding: Onboarding) -> dict[str, Any]:
    """What the page of an onboarding shows."""
    history, now = queries.history(session, onboarding.id), db.clock(session)
    messages = queries.messages_of(session, onboarding.id)
    shown = unmasking.shown(session, who, onboarding.id)
    return {
        "onboarding": onboarding,
        "move": NEXT_MOVE.get(onboarding.state),
        "overdue": queries.is_overdue(onboarding, now),
        "now": now,
        "conditions": conditions.conditions(onboarding, history),
        "choices": choices(session, who, onboarding),
        "messages": messages,
        "traces": _traces(messages),
        "timeline": timeline(session, onboarding, history),
        "client": credentials.live_client(session, onboarding.id),
        "secrets": queries.secrets_of(session, onboarding.id),
        "shown": shown,
        "person": unmasking.person(session, onboarding).masked(but=shown),
        "developers": developers.all_of(session, onboarding.id),
        "sellers": further_sellers.all_of(session, onboarding.id),
        "sellers_asked": len(invitations.open_ones(session, onboarding.id)),
        "masked": masking.text,
        "mask": masking.email,
        "owner": care.owner(session, onboarding.id),
        "names": care.names(session),
        "note_html": note_texts.html,
    }


def choices(session: Session, who: Who, onboarding: Onboarding) -> Sequence[Choice]:
    """Every action, those first that can be taken now; before all, what would move what is stuck."""
    stands, order = standing.of(session, onboarding), Order(who)
    first = advice.first(stands, order)
    found = [
        Choice(
            name,
            action.why_not(stands, order),
            None if who.may(action.permission) else least_role(action.permission),
            name == first,
        )
        for name, action in ACTIONS.items()
    ]
    return sorted(found, key=lambda each: (not each.comes_first, bool(each.why_not or each.needs)))


def timeline(session: Session, onboarding: Onboarding, history: Sequence[Transition]) -> list[Line]:
    """Transitions, attempts that failed, e-mails, webhooks, notes and what operators did, newest first."""
    steps = [Line(step.at, "event", step, step.sequence) for step in history]
    return sorted([*steps, *_lines(session, onboarding)], key=lambda line: line.at, reverse=True)


def _lines(session: Session, onboarding: Onboarding) -> Iterator[Line]:
    for attempt in attempts.of(session, onboarding.id):
        yield Line(attempt.at, "attempt", attempt, f"{attempt.message_id}-{attempt.attempt}")
    for mail in queries.mails_of(session, onboarding.id):
        yield Line(mail.sent_at, "mail", mail, mail.id)
    for sent in reception.of_onboarding(session, onboarding.id):
        yield Line(sent[0].tried_at or sent[0].created_at, "delivery", sent, sent[0].id)
    for note in care.notes(session, onboarding.id):
        yield Line(note.at, "note", note, note.id)
    for entry in audit.latest(session, _AUDITED, onboarding_id=onboarding.id):
        yield Line(entry.at, "row", entry, entry.number)


def _traces(messages: Sequence[Message]) -> dict[UUID, str]:
    """Where to look at what has promised each, if somebody keeps traces; history keeps none."""
    template = settings().trace_url
    found = ((message.id, tracing.trace_id(message.traceparent)) for message in messages)
    return {
        each: template.replace("{trace_id}", trace) for each, trace in found if trace and template
    }
