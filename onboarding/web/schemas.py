"""What the API reads and writes, field by field: nothing else is taken in, and nothing else is shown."""

import re
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from onboarding import names
from onboarding.chart import STATES
from onboarding.names import CONNECTION_AT_MOST
from onboarding.words import N_, ONE_OF, Said

# As browsers check an e-mail field (HTML, "valid e-mail address").
_LABEL: Final = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
EMAIL: Final = rf"^[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*$"

# All 6 prove that the secret has arrived, so no more than these are told to who may not have it.
ENDING: Final = (
    "Its last 4 characters, to tell versions apart: the end of the 6 that an answer with the secret"
    " names and `acknowledge_secret` takes, which only who has the secret knows."
)

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _name(value: str, at_most: int) -> str:
    """A text that shows on one line as it was typed: no control and no direction characters."""
    kept = names.kept(value)
    if fault := names.fault(kept, at_most):
        raise ValueError(fault)
    return kept


def _is_name(at_most: int) -> AfterValidator:
    return AfterValidator(partial(_name, at_most=at_most))


def _state(value: str) -> str:
    if value not in STATES:
        raise ValueError(Said(ONE_OF, expected=", ".join(STATES)))
    return value


def _in_utc(value: datetime) -> datetime:
    """The first and the last instants that can be written are none in UTC, for some time zones."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(N_("Send an instant of the years 1 to 9999 in UTC.")) from None


def _is_written(value: object) -> object:
    """A number would be taken for so many seconds since 1970, also one in quotes."""
    if not isinstance(value, str) or not _DAY.match(value):
        raise PydanticCustomError("datetime_parsing", "Not written as RFC 3339 has it")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_is_written), AfterValidator(_in_utc)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
ConnectionName = Annotated[
    str, StringConstraints(max_length=CONNECTION_AT_MOST), _is_name(CONNECTION_AT_MOST)
]
AggregatorName = Annotated[str, StringConstraints(max_length=120), _is_name(120)]
State = Annotated[str, AfterValidator(_state), Field(json_schema_extra={"enum": [*STATES]})]


class Taken(BaseModel):
    """What is read: no conversions, and no field that is not named."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Contact(Taken):
    """Who is told. With the scope contacts:vouch, the address counts as verified."""

    email: Email


class NewOnboarding(Taken):
    """An onboarding to be started."""

    locale: Literal["en", "fr"]
    contact: Contact | None = None
    connection_name: ConnectionName | None = None


class NewEvent(Taken):
    """An event to be fired; what `data` takes depends on the event."""

    event: Annotated[str, StringConstraints(max_length=32)]
    data: dict[str, Any] = {}


class AggregatorEntry(Taken):
    """What the marketplace knows of an aggregator."""

    name: AggregatorName
    status: Literal["registered", "suspended", "unregistered"]
    uses_rest: bool
    asks_for: Literal["delegated", "full"]


class _Shown(BaseModel):
    """What is written."""

    model_config = ConfigDict(frozen=True)


class AggregatorNamed(_Shown):
    """An onboarding's aggregator; one that we do not know has only the name that was typed."""

    id: str | None
    name: str


class NextMove(_Shown):
    """Whose turn it is, since when too long, and what time does if nobody moves."""

    whom: str
    overdue_after_seconds: int
    overdue: bool
    then: str | None
    then_at: datetime | None


class SecretState(_Shown):
    """Which client secret there is: its version and last 4 characters, never the secret."""

    version: int
    ending: str = Field(description=ENDING)
    revealed_at: datetime | None
    acknowledged_at: datetime | None


class SellerAccount(_Shown):
    """The seller account that is linked."""

    seller_id: str
    shop_name: str


class DueItem(_Shown):
    """One thing that has to happen: whose turn it is, since when, and until when that is fine."""

    code: str
    waiting_on: str
    since: datetime | None
    due_at: datetime | None
    help_url: str


class AlternativeView(_Shown):
    """An event that leads elsewhere: where to, and what kinds of actors may fire it."""

    event: str
    leads_to: list[str]
    who: list[str]


class RequirementsView(_Shown):
    """What is due. `past_due` repeats what is late of the items that are due or pending with us."""

    currently_due: list[DueItem]
    past_due: list[DueItem]
    eventually_due: list[DueItem]
    pending_verification: list[DueItem]
    deadline: datetime | None
    blocked_reason: str | None
    blocked_help_url: str | None
    alternatives: list[AlternativeView]


class AllowedEvent(_Shown):
    """An event that the caller may fire now: the fields of its data, and where to send it."""

    event: str
    takes: list[str]
    needs: list[str]
    href: str


class AllowedEventList(_Shown):
    """Every event that the caller may fire now."""

    items: list[AllowedEvent]


class OnboardingView(_Shown):
    """Where an onboarding stands."""

    id: UUID
    reference: str
    state: str
    sequence: int
    connection_type: str | None
    credential_mode: str | None
    aggregator: AggregatorNamed | None
    connection_name: str | None
    locale: str
    rule_set: str
    created_at: datetime
    entered_at: datetime
    next_move: NextMove | None
    allowed_events: list[str]
    requirements: RequirementsView
    client_id: str | None
    secret: SecretState | None
    seller: SellerAccount | None
    links: dict[str, str]


class OnboardingList(_Shown):
    """A page of onboardings, newest first; `next` is the address of the next page."""

    items: list[OnboardingView]
    next: str | None


class TransitionView(_Shown):
    """One step: what happened, from where to where, when, and what kind of actor did it."""

    sequence: int
    event: str
    type: str
    source: str | None
    target: str
    actor: str
    at: datetime
    rule_set: str
    details: dict[str, Any]


class History(_Shown):
    """Every step of an onboarding, from the first."""

    items: list[TransitionView]


class RevealedSecret(_Shown):
    """A client secret, for the only time."""

    client_id: str
    client_secret: str = Field(
        description="Where a public key was sent, a compact JWE of it (RFC 7516, A256GCM) for that key."
    )
    version: int
    ending: str = Field(
        description="Its last 6 characters, as `acknowledge_secret` takes them; empty of a JWE, as only"
        " who can read it knows them."
    )


class ContinueLink(_Shown):
    """Where a seller's browser goes on. It works once, until it expires."""

    url: str
    expires_at: datetime


class AggregatorView(AggregatorEntry):
    """An aggregator of the registry."""

    id: str
    # As it is kept, whatever a name may be today.
    name: str
    changed_at: datetime


class AggregatorList(_Shown):
    """The whole registry, by name."""

    items: list[AggregatorView]
