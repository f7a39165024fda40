"""What the API tells those who operate beside onboardings: the machine, reports, runs, endpoints, the trail."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from onboarding.reports import DAYS, DAYS_AT_MOST
from onboarding.web.api_schemas import Name
from onboarding.web.webhook_schemas import DeliveryView

Outcome = Literal["waiting", "not_eligible", "refused", "carried_out", "done", "failed"]
Split = Literal["type", "aggregator", "language", "week"]
Limit = Annotated[int, Field(ge=1, le=100)]
Number = Annotated[int | None, Field(ge=1, lt=10**18)]


class _Asked(BaseModel):
    """Query parameters are text, so these are converted."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class StandingView(_Told):
    """Those who stand in a state: how many, how many are late, since when the middle one and most are."""

    state: str
    standing: int
    overdue: int
    half_since: datetime | None = Field(description="Half of them are there since then or later.")
    most_since: datetime | None = Field(description="The same of 95 in a hundred.")


class MachineView(_Told):
    """Every state of the chart, of one instant."""

    items: list[StandingView]


class Report(_Asked):
    """Those who were started in the last days, told apart as one likes."""

    by: Split = "type"
    days: Annotated[int, Field(ge=1, le=DAYS_AT_MOST)] = DAYS


class FunnelView(_Told):
    """How many of a group have taken each step; null where their type does not have it."""

    group: str | None
    started: int
    type_chosen: int | None
    client_id_issued: int | None
    secret_revealed: int | None
    secret_acknowledged: int | None
    seller_linked: int | None
    confirmed: int | None
    has_credentials: int | None
    first_call_seen: int | None


class FunnelList(_Told):
    """Every group, the largest first."""

    items: list[FunnelView]


class StayView(_Told):
    """How long a group has been in a state before it moved on, in seconds."""

    group: str | None
    state: str
    stays: int
    p50: float
    p90: float
    p99: float


class StayList(_Told):
    """Every group in every state that waits for somebody."""

    items: list[StayView]


class RunView(_Told):
    """One action on a frozen set of onboardings, and how many of each outcome there are."""

    number: int
    action: str
    choice: str
    view: str
    status: str
    why: str | None
    reason: str
    actor: str
    agreed_by: str | None
    created_at: datetime
    ended_at: datetime | None
    items: dict[str, int]


class RunList(_Told):
    """Runs, newest first."""

    items: list[RunView]


class RunItems(_Asked):
    """A page of what came of each."""

    outcome: Outcome | None = None
    after: Annotated[int, Field(ge=0, lt=10**6)] = Field(
        0, description="The last position of the page before."
    )
    limit: Limit = 50


class RunItemView(_Told):
    """One onboarding of a run, and what came of it."""

    position: int
    reference: str
    outcome: str
    why: str | None


class RunWithItems(RunView):
    """A run with a page of its onboardings; `next` is the address of the next one."""

    page: list[RunItemView]
    next: str | None


class EndpointView(_Told):
    """An endpoint of a system, and how it takes what is sent there; its address without its query."""

    id: UUID
    system: str
    address: str
    types: list[str]
    status: Literal["well", "failing", "disabled", "off"]
    because: str | None
    since: datetime | None
    waiting: int
    failed: int
    last: DeliveryView | None


class EndpointList(_Told):
    """Every endpoint, those first that take nothing."""

    items: list[EndpointView]


class Trail(_Asked):
    """A page of the trail; `q` is a part of why."""

    before: Number = Field(None, description="The last number of the page before.")
    q: Name | None = None
    limit: Limit = 50


class EntryView(_Told):
    """What somebody did, or tried to do. Personal data is masked."""

    number: int
    at: datetime
    actor: str
    role: str | None
    action: str
    onboarding_id: UUID | None
    reason: str
    outcome: str
    details: dict[str, Any]


class EntryList(_Told):
    """A page of the trail, newest first; `next` is the address of the next page."""

    items: list[EntryView]
    next: str | None
