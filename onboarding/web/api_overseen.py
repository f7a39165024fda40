"""What the console's other pages show, for systems: the machine, reports, runs, everybody's endpoints, the trail."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Security
from sqlalchemy.orm import Session

from onboarding import audit, masking, queries, reception, reports, runs, stuck
from onboarding.db import reading, snapshot
from onboarding.errors import NotFound
from onboarding.models import ApiKey, AuditEntry, Run
from onboarding.reception import Reception
from onboarding.stuck import InState
from onboarding.web import api_webhooks
from onboarding.web.api_access import Overseer, caller
from onboarding.web.api_route import StrictRoute
from onboarding.web.overseen_schemas import (
    EndpointList,
    EndpointView,
    EntryList,
    EntryView,
    FunnelList,
    FunnelView,
    MachineView,
    Report,
    RunItems,
    RunItemView,
    RunList,
    RunView,
    RunWithItems,
    StandingView,
    StayList,
    StayView,
    Trail,
)
from onboarding.web.webhook_schemas import Deliveries, DeliveryList

router = APIRouter(prefix="/operations", tags=["Operations"], route_class=StrictRoute)

# Whoever reads the trail sees who did what; no other key does.
Auditor = Annotated[ApiKey, Security(caller, scopes=["audit:read"])]

_RUNS = 50
_DIGITS = 9


@router.get("/machine")
def machine(key: Overseer) -> MachineView:
    """Every state: how many stand there, how many are late, and since when they are there."""
    with snapshot() as session:
        found = stuck.in_each_state(session)
    return MachineView(items=[_standing(each) for each in found])


@router.get("/funnel")
def funnel(key: Overseer, asked: Annotated[Report, Query()]) -> FunnelList:
    """How far those got who were started lately."""
    with snapshot() as session:
        found = reports.funnel(session, asked.by, asked.days)
    return FunnelList(items=[FunnelView(**each._asdict()) for each in found])


@router.get("/times")
def times(key: Overseer, asked: Annotated[Report, Query()]) -> StayList:
    """How long each state took those who were started lately and have left it."""
    with snapshot() as session:
        found = reports.times(session, asked.by, asked.days)
    return StayList(items=[StayView(**each._asdict()) for each in found])


@router.get("/runs")
def every_run(key: Overseer) -> RunList:
    """The latest fifty runs, newest first."""
    with reading() as session:
        return RunList(items=[_run(session, each) for each in runs.latest(session, _RUNS)])


@router.get("/runs/{number}")
def one_run(number: str, key: Overseer, asked: Annotated[RunItems, Query()]) -> RunWithItems:
    """A run, and what came of each."""
    with reading() as session:
        run = _by_number(session, number)
        found = runs.items(
            session, run.id, asked.limit + 1, outcome=asked.outcome, after=asked.after
        )
        shown = found[: asked.limit]
        named = queries.references(session, [each.onboarding_id for each in shown])
        page = [
            RunItemView(
                position=each.position,
                reference=named.get(each.onboarding_id, ""),
                outcome=each.outcome,
                why=each.why,
            )
            for each in shown
        ]
        whole = _run(session, run).model_dump()
    more = len(found) > asked.limit
    return RunWithItems(**whole, page=page, next=_next_items(run, asked, page) if more else None)


@router.get("/webhooks")
def endpoints(key: Overseer) -> EndpointList:
    """Every system's endpoints, and how they take what is sent there."""
    with reading() as session:
        return EndpointList(items=[_endpoint(each) for each in reception.every(session)])


@router.get("/webhooks/{webhook_id}")
def endpoint(webhook_id: str, key: Overseer) -> EndpointView:
    """One of them."""
    with reading() as session:
        return _endpoint(reception.one(session, webhook_id))


@router.get("/webhooks/{webhook_id}/deliveries")
def delivered(webhook_id: str, key: Overseer, page: Annotated[Deliveries, Query()]) -> DeliveryList:
    """What was sent there, and what came of it, newest first."""
    with reading() as session:
        webhook = reception.one(session, webhook_id).webhook
        return api_webhooks.page_of(session, webhook, page, f"/v1/operations/webhooks/{webhook.id}")


@router.get("/audit")
def trail(key: Auditor, asked: Annotated[Trail, Query()]) -> EntryList:
    """What operators did, and tried to do, newest first."""
    with reading() as session:
        found = audit.latest(session, asked.limit + 1, before=asked.before, q=asked.q or "")
        items = [_entry(each) for each in found[: asked.limit]]
    more = len(found) > asked.limit
    return EntryList(items=items, next=_next_entries(asked, items[-1]) if more else None)


def _standing(each: InState) -> StandingView:
    return StandingView(
        state=each.state,
        standing=each.number,
        overdue=each.late,
        half_since=each.ages.half_since if each.ages else None,
        most_since=each.ages.most_since if each.ages else None,
    )


def _run(session: Session, run: Run) -> RunView:
    return RunView(
        number=run.number,
        action=run.action,
        choice=run.choice,
        view=run.query,
        status=run.status,
        why=run.why,
        reason=run.reason,
        actor=run.actor,
        agreed_by=run.agreed_by,
        created_at=run.created_at,
        ended_at=run.ended_at,
        items=dict(runs.tally(session, run.id)),
    )


def _by_number(session: Session, number: str) -> Run:
    if not number.isdecimal() or len(number) > _DIGITS:
        raise NotFound
    return runs.by_number(session, int(number))


def _next_items(run: Run, asked: RunItems, page: list[RunItemView]) -> str:
    outcome = {"outcome": asked.outcome} if asked.outcome else {}
    after = {"limit": asked.limit, **outcome, "after": page[-1].position}
    return f"/v1/operations/runs/{run.number}?{urlencode(after)}"


def _endpoint(found: Reception) -> EndpointView:
    webhook = found.webhook
    return EndpointView(
        id=webhook.id,
        system=found.owner,
        address=found.address,
        types=webhook.event_types,
        status=found.status,
        because=webhook.disabled_because,
        since=webhook.disabled_at,
        waiting=found.waiting,
        failed=found.failed,
        last=api_webhooks.delivery(found.last) if found.last else None,
    )


def _entry(entry: AuditEntry) -> EntryView:
    shown = {name: getattr(entry, name) for name in EntryView.model_fields}
    return EntryView(**shown | {"details": masking.details(entry.details)})


def _next_entries(asked: Trail, last: EntryView) -> str:
    q = {"q": asked.q} if asked.q else {}
    return f"/v1/operations/audit?{urlencode({'limit': asked.limit, **q, 'before': last.number})}"
