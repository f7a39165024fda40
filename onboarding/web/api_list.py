"""A calling system's own onboardings, listed in the words that console and command line use."""

import base64
import hashlib
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement

from onboarding import filters, finding
from onboarding.db import reading
from onboarding.errors import Invalid
from onboarding.filters import Filter
from onboarding.finding import Place
from onboarding.models import ApiKey, Onboarding
from onboarding.web.api_access import Reader
from onboarding.web.api_route import StrictRoute
from onboarding.web.api_schemas import A_TIME, FOUND_BY, WHOSE_TURN, Words
from onboarding.web.api_view import views
from onboarding.web.schemas import OnboardingList, State
from onboarding.words import N_

router = APIRouter(prefix="/onboardings", tags=["Onboardings"], route_class=StrictRoute)


class Listing(BaseModel):
    """Which onboardings, and which page of them. Query parameters are text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State | None = None
    type: (
        Literal["aggregator", "plugin", "own_development", "legacy_soap", "credentials_only"] | None
    ) = None
    waiting_on: Literal["platform", "seller", "aggregator", "developer"] | None = Field(
        None, description=WHOSE_TURN
    )
    overdue: Literal["yes"] | None = Field(
        None, description="Only those that are late; the one that waits longest comes first."
    )
    failing: Literal["yes"] | None = Field(None, description="Only those with any incident.")
    cause: Words = Field(None, description="Only those with an incident of this code.")
    aggregator: Words = Field(None, description="An aggregator's ID.")
    since: Annotated[str | None, Field(max_length=120)] = Field(
        None, description="Begun since: 12h, 7d or 2026-11-27.", json_schema_extra=A_TIME
    )
    email: str | None = Field(
        None,
        description="What an e-mail address is found by, as the console's address has it.",
        json_schema_extra=FOUND_BY,
    )
    q: Words = Field(
        None,
        description="A reference, ID, client ID or its last four characters, Seller ID, address,"
        " aggregator or cause.",
    )
    cursor: Annotated[str | None, Field(max_length=200)] = Field(
        None, description="Where the page before ended: `next` holds it, and it means nothing else."
    )
    limit: Annotated[int, Field(ge=1, le=100)] = 50


@router.get("")
def listed(key: Reader, page: Annotated[Listing, Query()], response: Response) -> OnboardingList:
    """The onboardings that the caller has started, newest first. New ones do not move a page."""
    wanted = _wanted(page)
    after = _place(wanted, page.cursor)
    with reading() as session:
        found = finding.page(session, wanted, page.limit + 1, after=after, within=_of(key))
        shown = found[: page.limit]
        items = views(session, shown)
    following = _next(wanted, page.limit, shown[-1]) if len(found) > page.limit else None
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return OnboardingList(items=items, next=following)


def _of(key: ApiKey) -> ColumnElement[bool]:
    """What the system of this key has started."""
    return Onboarding.system_id == key.system_id


def _wanted(page: Listing) -> Filter:
    """The one language of filters says what is wrong, too."""
    said = page.model_dump(exclude={"cursor", "limit"}, exclude_none=True)
    return filters.read(said).by_hash()


def _next(wanted: Filter, limit: int, last: Onboarding) -> str:
    place = finding.place_of(wanted, last).text()
    cursor = base64.urlsafe_b64encode(f"{_mark(wanted)}.{place}".encode()).decode().rstrip("=")
    query = urlencode(wanted.given() | {"limit": limit, "cursor": cursor})
    return f"/v1/onboardings?{query}"


def _place(wanted: Filter, cursor: str | None) -> Place | None:
    """Raises Invalid for what no page of this filter has said."""
    if cursor is None:
        return None
    mark, _, text = _read(cursor).partition(".")
    place = finding.read_place(text) if mark == _mark(wanted) else None
    if place is None or (wanted.overdue and place.entered_at is None):
        raise Invalid({"cursor": N_("As the page before said it, with the same filter.")})
    return place


def _read(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except ValueError:
        return ""


def _mark(wanted: Filter) -> str:
    """A place in one list means nothing in another."""
    return hashlib.sha256(wanted.query().encode()).hexdigest()[:8]
