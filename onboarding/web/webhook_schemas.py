"""What the API reads and writes of endpoints and of what is sent to them."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from onboarding.endpoints import LONGEST
from onboarding.web.event_schemas import EventType
from onboarding.web.schemas import Instant
from onboarding.webhooks import DESCRIPTION_AT_MOST
from onboarding.words import N_

Url = Annotated[str, StringConstraints(max_length=LONGEST)]
Description = Annotated[str, StringConstraints(max_length=DESCRIPTION_AT_MOST)]


class _Taken(BaseModel):
    """What is read: no field that is not named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Shown(BaseModel):
    """What is written."""

    model_config = ConfigDict(frozen=True)


class NewWebhook(_Taken):
    """An endpoint to be told of events; no types: of all."""

    url: Url
    types: list[EventType] = []
    description: Description = ""
    signature: Literal["ed25519", "hmac"] = "ed25519"


class WebhookChanges(_Taken):
    """What is to change; what is not named stays as it is."""

    url: Url | None = None
    types: list[EventType] | None = None
    description: Description | None = None
    enabled: Annotated[bool | None, Field(strict=True)] = None


class WebhookView(_Shown):
    """An endpoint, and how it stands."""

    id: UUID
    url: str
    types: list[str]
    description: str
    signature: str
    public_keys: list[str] = Field(
        description="`whpk_…`, to verify with; two of them for a day after a rotation."
    )
    created_at: datetime
    enabled: bool
    disabled_at: datetime | None
    disabled_because: str | None
    failures: int = Field(description="How often it has failed since it last took something.")
    rests_until: datetime | None
    links: dict[str, str]


class WebhookWithSecret(WebhookView):
    """The same with what it is signed by, where that is a secret, `whsec_…`: for the only time."""

    secret: str | None


class WebhookList(_Shown):
    """All of a system's."""

    items: list[WebhookView]


class Deliveries(_Taken):
    """Which deliveries. Query parameters are text, so these are converted."""

    after: UUID | None = Field(None, description="The last ID of the page before.")
    failed: Literal["yes"] | None = Field(None, description="Only those that failed for good.")
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class DeliveryView(_Shown):
    """One event for one endpoint, and what came of it."""

    id: UUID
    event_id: str = Field(description="The event's ID, sent as `webhook-id`.")
    type: str
    onboarding_id: UUID | None
    sequence: int | None
    created_at: datetime
    attempts: int
    next_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None
    status: int | None
    cause: str | None


class DeliveryList(_Shown):
    """A page of deliveries, newest first; `next` is the address of the next page."""

    items: list[DeliveryView]
    next: str | None


# What `Redelivery` checks, as the document says it.
_SAYS_WHICH: Final[JsonDict] = {
    "anyOf": [
        {"required": ["failed"], "properties": {"failed": {"const": True}}},
        {"required": ["since"], "properties": {"since": {"type": "string"}}},
    ]
}


class Redelivery(_Taken):
    """What is to be sent again: all that failed for good, or what was noted down in a time."""

    model_config = ConfigDict(json_schema_extra=_SAYS_WHICH)

    failed: Literal[True] | None = None
    since: Instant | None = None
    until: Instant | None = None

    @field_validator("until")
    @classmethod
    def _follows(cls, until: datetime | None, said: ValidationInfo) -> datetime | None:
        """Whoever has mixed the two up would be told that there was nothing."""
        since = said.data.get("since")
        if since and until and until < since:
            raise ValueError(N_("Send an instant that does not come before since."))
        return until

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not (self.failed or self.since):
            raise ValueError(N_("Say failed, or since."))
        return self


class Redelivered(_Shown):
    """How many are sent again."""

    count: int
