"""What is stuck, for systems: every onboarding, whoever started it, and the causes of what fails.

Its addresses are its own, so that what a key sees under /v1/onboardings does not depend on what else
it may do. Personal data is masked, as at the console.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from onboarding import attempts, filters, finding, marks, masking, queries, stuck, unmasking
from onboarding.causes import CAUSES
from onboarding.db import reading
from onboarding.errors import Invalid
from onboarding.filters import Filter
from onboarding.finding import Place
from onboarding.marks import Marked
from onboarding.models import FailedAttempt, Onboarding
from onboarding.stuck import Cause
from onboarding.unmasking import Person
from onboarding.web import api_view, runbooks
from onboarding.web.api_access import Overseer
from onboarding.web.api_route import StrictRoute
from onboarding.web.api_schemas import (
    CauseList,
    Causes,
    CauseView,
    FailedAttemptView,
    OverseenHistory,
    OverseenList,
    OverseenOnboarding,
    OverseenWithPeople,
    View,
)
from onboarding.web.schemas import OnboardingView, SellerAccount, TransitionView
from onboarding.words import N_

router = APIRouter(tags=["Operations"], route_class=StrictRoute)

PATH = "/v1/operations/onboardings"


@router.get("/operations/onboardings")
def listed(key: Overseer, view: Annotated[View, Query()]) -> OverseenList:
    """Every onboarding of a view, newest first; overdue ones longest first."""
    wanted, after = _wanted(view), _place(view)
    with reading() as session:
        found = finding.page(session, wanted, view.limit + 1, after=after)
        shown = found[: view.limit]
        ids = [each.id for each in shown]
        causes, owners = finding.causes_of(session, ids), finding.owners_of(session, ids)
        items = [
            _overseen(each, causes.get(each.id, []), owners.get(each.id))
            for each in api_view.views(session, shown)
        ]
    more = len(found) > view.limit
    return OverseenList(items=items, next=_next(wanted, view, shown[-1]) if more else None)


@router.get("/operations/onboardings/{reference}")
def show(reference: str, key: Overseer) -> OverseenWithPeople:
    """Where an onboarding stands, by its reference or its ID."""
    with reading() as session:
        found = queries.by_reference(session, reference)
        causes = finding.causes_of(session, [found.id]).get(found.id, [])
        owner = finding.owners_of(session, [found.id]).get(found.id)
        overseen = _overseen(api_view.view(session, found), causes, owner)
        return _with_people(overseen, found, unmasking.person(session, found).masked())


@router.get("/operations/onboardings/{reference}/history")
def history(reference: str, key: Overseer) -> OverseenHistory:
    """Every step of it, from the first, and what failed on the way."""
    with reading() as session:
        found = queries.by_reference(session, reference)
        steps = queries.history(session, found.id)
        return OverseenHistory(
            items=[_masked(api_view.step(each)) for each in steps],
            failed_attempts=[_attempt(each) for each in attempts.of(session, found.id)],
        )


@router.get("/causes")
def causes(key: Overseer, asked: Annotated[Causes, Query()]) -> CauseList:
    """Why onboardings do not go on: each cause once; those first that nobody has marked."""
    with reading() as session:
        found = [each for each in stuck.causes(session) if _is(each, asked)]
        return CauseList(items=[_cause(each) for each in marks.marked(session, found)])


def _wanted(view: View) -> Filter:
    """The one language of filters says what is wrong, too."""
    said = view.model_dump(exclude={"after", "limit"}, exclude_none=True)
    return filters.read(said)


def _place(view: View) -> Place | None:
    if view.after is None:
        return None
    place = finding.read_place(view.after)
    if place is None:
        raise Invalid({"after": N_("As the page before said it.")})
    return place


def _next(wanted: Filter, view: View, last: Any) -> str:
    after = f"limit={view.limit}&after={finding.place_of(wanted, last).text()}"
    return f"{PATH}?{wanted.query()}{'&' if wanted.query() else ''}{after}"


def _overseen(shown: OnboardingView, causes: list[str], owner: Any) -> OverseenOnboarding:
    """Who only looks may fire nothing, and is shown nobody."""
    itself = f"{PATH}/{shown.reference}"
    said = shown.model_dump() | {
        "connection_name": masking.text(shown.connection_name) or None,
        "seller": _somebody(shown.seller),
        "allowed_events": [],
        "links": {"self": itself, "history": f"{itself}/history"},
    }
    return OverseenOnboarding(**said, causes=causes, owner=owner)


def _with_people(
    overseen: OverseenOnboarding, found: Onboarding, person: Person
) -> OverseenWithPeople:
    return OverseenWithPeople(
        **overseen.model_dump(),
        organisation=person.organisation or None,
        role=found.answers.get("role"),
        developer_email=person.developer_email or None,
    )


def _somebody(seller: SellerAccount | None) -> SellerAccount | None:
    if seller is None:
        return None
    return SellerAccount(
        seller_id=masking.text(seller.seller_id), shop_name=masking.text(seller.shop_name)
    )


def _masked(step: TransitionView) -> TransitionView:
    return step.model_copy(update={"details": masking.details(step.details)})


def _attempt(failed: FailedAttempt) -> FailedAttemptView:
    known = CAUSES.get(failed.cause)
    return FailedAttemptView(
        task=failed.task,
        attempt=failed.attempt,
        max_attempts=failed.max_attempts,
        at=failed.at,
        cause=failed.cause,
        means=known.means if known else None,
        runbook=runbooks.of_cause(failed.cause) if known else None,
    )


def _is(cause: Cause, asked: Causes) -> bool:
    wanted = asked.task, asked.cause, asked.state, asked.event
    found = cause.task, cause.code, cause.state, cause.event
    return all(value in (None, "", own) for value, own in zip(wanted, found, strict=True))


def _cause(standing: Marked) -> CauseView:
    cause, known = standing.cause, CAUSES.get(standing.cause.code)
    return CauseView(
        key=cause.key,
        state=cause.state,
        event=cause.event,
        task=cause.task,
        cause=cause.code,
        failed=cause.failed,
        retrying=cause.resting,
        first_at=cause.first_at,
        last_at=cause.last_at,
        status=standing.status,
        owner=standing.owner_id,
        release=standing.release,
        until=standing.until,
        means=known.means if known else None,
        acts=known.acts if known else None,
        runbook=runbooks.of_cause(cause.code) if known else None,
    )
