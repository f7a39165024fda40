"""What the API reads and writes for those who operate, field by field."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from onboarding.web.schemas import History, OnboardingView, State

_Words = Annotated[str | None, Field(max_length=120)]


class View(BaseModel):
    """A view, in the same words as at the console and at a terminal. Query parameters are text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State | None = None
    type: (
        Literal["aggregator", "plugin", "own_development", "legacy_soap", "credentials_only"] | None
    ) = None
    waiting_on: Literal["platform", "seller", "aggregator"] | None = Field(
        None, description="Whose turn it is."
    )
    overdue: Literal["yes"] | None = Field(None, description="Only those that are late.")
    cause: _Words = Field(None, description="Only those with an incident of this code.")
    failing: Literal["yes"] | None = Field(None, description="Only those with any incident.")
    owner: _Words = Field(None, description="The ID of the operator who took it on.")
    aggregator: _Words = Field(None, description="An aggregator's ID.")
    email: str | None = Field(
        None, description="What an e-mail address is found by, as the console's address has it."
    )
    q: _Words = Field(
        None,
        description="A reference, ID, client ID, Seller ID, address, aggregator, or part of an error.",
    )
    after: _Words = Field(None, description="Where the page before ended: `next` says it.")
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class OverseenOnboarding(OnboardingView):
    """Where an onboarding stands, personal data masked; why it fails, and who looks after it."""

    causes: list[str]
    owner: UUID | None


class FailedAttemptView(BaseModel):
    """An attempt at a task that failed: attempt so many of so many, and why."""

    model_config = ConfigDict(frozen=True)

    task: str
    attempt: int
    max_attempts: int
    at: datetime
    cause: str
    means: str | None
    runbook: str | None


class OverseenHistory(History):
    """Every step, and every attempt that failed, also of tasks that have succeeded since."""

    failed_attempts: list[FailedAttemptView]


class OverseenList(BaseModel):
    """A page of a view; `next` is the address of the next page."""

    model_config = ConfigDict(frozen=True)

    items: list[OverseenOnboarding]
    next: str | None


class CauseView(BaseModel):
    """Why onboardings of a state do not go on: how many for good, how many are tried again."""

    model_config = ConfigDict(frozen=True)

    key: str
    state: str | None
    task: str
    cause: str
    failed: int
    retrying: int
    first_at: datetime
    last_at: datetime
    means: str | None
    acts: str | None
    runbook: str | None


class CauseList(BaseModel):
    """Every cause, the most frequent first."""

    model_config = ConfigDict(frozen=True)

    items: list[CauseView]
