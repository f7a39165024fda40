"""What the API reads and writes for those who operate, field by field."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from onboarding.web.schemas import History, OnboardingView, State

# Said in the description; `filters` is what refuses, and says why.
# Without a value, it is as if the name were not there.
FOUND_BY: Final[JsonDict] = {"pattern": r"^([0-9a-f]{32}([.][0-9a-f]{32}){0,19})?$"}
ON_ONE_LINE: Final[JsonDict] = {"pattern": r"^[^\x00-\x1f\x7f-\xa0\xad]*$"}
A_TIME: Final[JsonDict] = {
    "pattern": "^([1-9][0-9]{0,3}[hd]|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]))?$"
}
_PLACE: Final[JsonDict] = {
    "pattern": "^([0-9]{8}T[0-9]{6}[.][0-9]{6}~)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
}

WHOSE_TURN: Final = (
    "Whose turn it is; `seller` has those as well that a named `developer` stands in for."
)

Words = Annotated[str | None, Field(max_length=120, json_schema_extra=ON_ONE_LINE)]
# Where no filter stands behind it that refuses.
Name = Annotated[str, StringConstraints(max_length=120, pattern=str(ON_ONE_LINE["pattern"]))]


class View(BaseModel):
    """A view, in the same words as at the console and at a terminal. Query parameters are text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: State | None = None
    type: (
        Literal["aggregator", "plugin", "own_development", "legacy_soap", "credentials_only"] | None
    ) = None
    waiting_on: Literal["platform", "seller", "aggregator", "developer"] | None = Field(
        None, description=WHOSE_TURN
    )
    overdue: Literal["yes"] | None = Field(None, description="Only those that are late.")
    cause: Words = Field(None, description="Only those with an incident of this code.")
    failing: Literal["yes"] | None = Field(None, description="Only those with any incident.")
    owner: Words = Field(None, description="The ID of the operator who took it on.")
    aggregator: Words = Field(None, description="An aggregator's ID.")
    email: str | None = Field(
        None,
        description="What an e-mail address is found by, as the console's address has it.",
        json_schema_extra=FOUND_BY,
    )
    q: Words = Field(
        None,
        description="A reference, ID, client ID or its last four characters, Seller ID, address,"
        " aggregator, or part of an error.",
    )
    after: Annotated[str | None, Field(max_length=120)] = Field(
        None, description="Where the page before ended: `next` says it.", json_schema_extra=_PLACE
    )
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class OverseenOnboarding(OnboardingView):
    """Where an onboarding stands, personal data masked; why it fails, and who looks after it."""

    causes: list[str]
    owner: UUID | None


class OverseenWithPeople(OverseenOnboarding):
    """One of them, and what was answered about people, masked; null where it was not asked."""

    organisation: str | None = Field(description="Of whoever asks for credentials only.")
    role: str | None = Field(
        description="What they are: `developer`, `aggregator` or `integration_partner`."
    )
    developer_email: str | None = Field(description="Of the seller's development partner.")


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


class Causes(BaseModel):
    """Which causes: all of them, one, or one in the place where it is met."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Name | None = Field(None, description="The task that fails.")
    cause: Name | None = Field(None, description="The code of its error.")
    state: Name | None = Field(None, description="Where the onboardings stand.")
    event: Name | None = Field(None, description="The event that has asked for the task.")


class CauseView(BaseModel):
    """Why onboardings of a state do not go on: how many for good, how many are tried again.

    `key` is state, event, task and cause. `status` is what operators say about it: `open`,
    `acknowledged`, `fixed`, `ignored`, or `came_back`.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    state: str | None
    event: str | None = Field(description="The event that has asked for the task.")
    task: str
    cause: str
    failed: int
    retrying: int
    first_at: datetime
    last_at: datetime
    status: str
    owner: UUID | None
    release: str | None
    until: datetime | None
    means: str | None
    acts: str | None
    runbook: str | None


class CauseList(BaseModel):
    """Every cause, the most frequent first."""

    model_config = ConfigDict(frozen=True)

    items: list[CauseView]
