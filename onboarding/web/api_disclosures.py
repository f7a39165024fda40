"""Where a partner says which secrets of ours it has found: dead at once if they are any, and answered alike."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from onboarding import leaks
from onboarding.db import transaction
from onboarding.settings import settings
from onboarding.web import signed
from onboarding.web.api_route import StrictRoute, read
from onboarding.web.signed import Signed

router = APIRouter(prefix="/disclosures", tags=["Inbound"], route_class=StrictRoute)


class Candidate(BaseModel):
    """What may be a secret of ours; members that are not named here may be there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    token: Annotated[SecretStr, Field(min_length=1, max_length=200)] = Field(
        description="A client secret or an API key, as it was found."
    )
    url: str | None = Field(
        None,
        max_length=1000,
        pattern=r"^https?://[!-~]+$",
        description="Where; its owner is told.",
    )


class DisclosureBody(BaseModel):
    """What a partner has found."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: str = Field(description="As the source was registered.", max_length=100)
    candidates: list[Candidate] = Field(min_length=1, max_length=leaks.AT_ONCE)


class DisclosureAnswer(BaseModel):
    """The same whatever is true of them."""

    model_config = ConfigDict(frozen=True)

    received: int = Field(description="How many candidates.")


def _schema() -> dict[str, Any]:
    """Whole in itself: what a body refers to stands nowhere else in the document."""
    body = DisclosureBody.model_json_schema()
    body["properties"]["candidates"]["items"] = body.pop("$defs")[Candidate.__name__]
    return body


_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _schema()}}}
}


def said_in(body: Annotated[bytes, Depends(signed.verified)]) -> DisclosureBody:
    return read(DisclosureBody, body)


@router.post("", status_code=202, openapi_extra=_BODY)
def disclose(
    said: Annotated[DisclosureBody, Depends(said_in)],
    request: Request,
    webhook_id: Signed = None,
    webhook_timestamp: Signed = None,
    webhook_signature: Signed = None,
) -> DisclosureAnswer:
    """Say which secrets were found, signed as Standard Webhooks say; it needs no API key.

    One that is ours works no more when this is answered, and its owner is written to. Whether one is,
    the answer does not tell.
    """
    found = [leaks.Found(each.token, each.url) for each in said.candidates]
    with transaction() as session:
        leaks.take(session, request.app.state.ring, settings(), said.source, found)
    return DisclosureAnswer(received=len(said.candidates))
