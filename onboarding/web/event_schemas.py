"""What the API writes of events, and what may be asked of them."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from onboarding.event_bodies import TYPES
from onboarding.event_log import SHAPE
from onboarding.words import ONE_OF, Said


def _event_type(value: str) -> str:
    if value not in TYPES:
        raise ValueError(Said(ONE_OF, expected=", ".join(TYPES)))
    return value


EventType = Annotated[str, AfterValidator(_event_type), Field(json_schema_extra={"enum": [*TYPES]})]
# A text, so that it reads as it does in a webhook, to the letter.
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
PLACE: Final[JsonDict] = {"pattern": f"^(now|{SHAPE})$"}
_Cursor = Annotated[str | None, Field(max_length=70, json_schema_extra=PLACE)]


class Following(BaseModel):
    """Which events. Query parameters are text, so these are converted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: _Cursor = Field(None, description="Where to go on: `next` of the page before, or now.")
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    type: list[EventType] = Field([], description="Only these types; give it once for each.")
    onboarding: UUID | None = Field(None, description="Only those of this onboarding.")


class Streaming(BaseModel):
    """Which events a stream tells of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: _Cursor = Field(
        None, description="Where to go on, unless Last-Event-ID says it; else from now on."
    )
    type: list[EventType] = Field([], description="Only these types; give it once for each.")
    onboarding: UUID | None = Field(None, description="Only those of this onboarding.")


class EventData(BaseModel):
    """What has happened: from where to where, by which event and what kind of actor."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    onboarding_id: UUID
    reference: str
    sequence: int
    event: str
    source: Annotated[str | None, Field(alias="from")]
    target: Annotated[str, Field(alias="to")]
    actor: str
    rule_set: str
    details: dict[str, Any]


class EventBody(BaseModel):
    """An event as CloudEvents 1.0; `timestamp` is `time`, for Standard Webhooks."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: Instant
    timestamp: Instant
    datacontenttype: Literal["application/json"]
    data: EventData


class EventPage(BaseModel):
    """A page of the log; `next` is where to go on, also where there is nothing yet."""

    model_config = ConfigDict(frozen=True)

    items: list[EventBody]
    next: str
    more: bool = Field(description="Whether the log goes on there already.")
