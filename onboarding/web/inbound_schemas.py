"""What the API reads and writes of events that the marketplace's own systems tell us."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from onboarding.web.schemas import Instant

_PLAIN = r"^[!-~](?:[ -~]*[!-~])?$"
Type = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]*$", max_length=120)]
Status = Literal["applied", "stale", "parked", "unknown", "dismissed"]
Plain = StringConstraints(pattern=_PLAIN, max_length=200)


class InboundBody(BaseModel):
    """An event as CloudEvents 1.0, structured JSON; members that are not named here may be there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    specversion: Literal["1.0"]
    id: Annotated[str, Plain] = Field(description="The same as `webhook-id`.")
    source: Annotated[str, Plain] = Field(description="As the source was registered.")
    type: Type = Field(description="Such as `aggregator.suspended`; unknown ones are kept.")
    subject: Annotated[str, Plain] = Field(
        description="What it is about: an aggregator's ID, a Seller ID, a client ID."
    )
    time: Instant = Field(description="When it happened. The later one is what counts.")
    data: dict[str, Any] = {}


class InboundEventView(BaseModel):
    """An event of a source, and what became of it."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    source: str
    event_id: str
    type: str
    subject: str
    time: datetime
    received_at: datetime
    status: Status
    settled_at: datetime | None
    effect: dict[str, Any] = Field(description="What it has changed, or what it waits for.")


class InboundAnswer(InboundEventView):
    """The same, to whoever tells it."""

    duplicate: bool = Field(description="It had been told before: nothing was done now.")


class InboundEventList(BaseModel):
    """A page of them; `next` is the address of the one that follows."""

    model_config = ConfigDict(frozen=True)

    items: list[InboundEventView]
    next: str | None


class Inbound(BaseModel):
    """Which of them. Query parameters are text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Status | None = None
    after: UUID | None = Field(None, description="The last of the page before: `next` says it.")
    limit: Annotated[int, Field(ge=1, le=100)] = 50
