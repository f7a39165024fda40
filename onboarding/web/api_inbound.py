"""What the marketplace's own systems tell us: signed, carried out once, and seen by those who operate."""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from onboarding import inbound, sources
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, Refusal, Unauthorised
from onboarding.inbound import Told
from onboarding.models import InboundEvent
from onboarding.retrying import retried
from onboarding.signing import HEADERS
from onboarding.web.api_access import Overseer
from onboarding.web.api_route import EVENT_MEDIA_TYPES, StrictRoute, check_json
from onboarding.web.inbound_schemas import (
    Inbound,
    InboundAnswer,
    InboundBody,
    InboundEventList,
    InboundEventView,
)
from onboarding.web.quotas import network
from onboarding.web.refusals import EventContradicted

router = APIRouter(prefix="/inbound-events", tags=["Inbound"], route_class=StrictRoute)

Signed = Annotated[str | None, Header(max_length=2000)]
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": InboundBody.model_json_schema()}},
    }
}


# Async, because only so the body can be asked for; it was read whole before and is there.
async def sent(request: Request) -> bytes:
    return await request.body()


@retried
def signed(request: Request, body: Annotated[bytes, Depends(sent)]) -> InboundBody:
    """What a source says, once it is certain that it does: before that, nothing else is looked at.

    Raises Unauthorised, QuotaExceeded, NotJson, WrongMediaType, or RequestValidationError.
    """
    name = _claimed_source(request, body)
    try:
        with reading() as session:
            sources.authenticate(session, request.app.state.ring, name, _headers(request), body)
    except Unauthorised:
        request.app.state.quotas.of_forgeries.take(request, network(request))
        raise
    request.app.state.quotas.of_keys.take(request, f"source:{name}")
    return _read(body)


@router.post(
    "",
    responses={202: {"model": InboundAnswer, "description": "It is kept, and waits."}},
    openapi_extra=_BODY,
)
def receive(
    said: Annotated[InboundBody, Depends(signed)],
    body: Annotated[bytes, Depends(sent)],
    request: Request,
    response: Response,
    webhook_id: Signed = None,
    webhook_timestamp: Signed = None,
    webhook_signature: Signed = None,
) -> InboundAnswer:
    """Take an event of a registered source, signed as Standard Webhooks say; it needs no API key.

    200: it has taken effect, a later one had come before, or it had been told already. 202: it is
    kept, and waits for what it is about, or for a version that knows its type.
    """
    if said.id != webhook_id:
        raise Invalid({"id": "The same as webhook-id."}, pointers={"id": "/id"})
    told = Told(said.source, said.id, said.type, said.subject, said.time, body.decode())
    with transaction() as session:
        try:
            event, before = inbound.receive(session, request.app.state.ring, told)
        except inbound.Contradicted:
            raise EventContradicted from None
        shown = InboundAnswer(**_view(event).model_dump(), duplicate=before)
    response.status_code = 202 if shown.status in inbound.WAITING else 200
    return shown


@router.get("")
def listed(key: Overseer, asked: Annotated[Inbound, Query()]) -> InboundEventList:
    """What was told, and what became of it, newest first. Seller IDs are masked."""
    with reading() as session:
        found = inbound.listed(
            session, limit=asked.limit + 1, status=asked.status, after=asked.after
        )
        items = [_masked(each) for each in found[: asked.limit]]
    more = len(found) > asked.limit
    return InboundEventList(items=items, next=_next(asked, items[-1]) if more else None)


@router.get("/{event_id}")
def one(event_id: str, key: Overseer) -> InboundEventView:
    """One of them. A Seller ID is masked."""
    with reading() as session:
        return _masked(inbound.one(session, event_id))


def _claimed_source(request: Request, body: bytes) -> str:
    """Whom it says it is from; what cannot be read is from nobody."""
    try:
        check_json(request.headers.get("content-type", ""), body, EVENT_MEDIA_TYPES)
        said = json.loads(body)
    except Refusal:
        return ""
    name = said.get("source") if isinstance(said, dict) else None
    return name if isinstance(name, str) and "\0" not in name else ""


def _headers(request: Request) -> dict[str, str]:
    """One value each: of two, nobody knows which was meant."""
    given = {name: request.headers.getlist(name) for name in HEADERS}
    return {name: values[0] for name, values in given.items() if len(values) == 1}


def _read(body: bytes) -> InboundBody:
    try:
        return InboundBody.model_validate_json(body)
    except ValidationError as error:
        wrong = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(wrong) from None


def _view(event: InboundEvent) -> InboundEventView:
    return InboundEventView.model_validate(
        {name: getattr(event, name) for name in InboundEventView.model_fields}
    )


def _masked(event: InboundEvent) -> InboundEventView:
    return _view(event).model_copy(update={"subject": inbound.subject(event)})


def _next(asked: Inbound, last: InboundEventView) -> str:
    status = f"&status={asked.status}" if asked.status else ""
    return f"/v1/inbound-events?limit={asked.limit}{status}&after={last.id}"
