"""What the marketplace's own systems tell us: signed, carried out once, and seen by those who operate."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from onboarding import inbound
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.inbound import Told
from onboarding.models import InboundEvent
from onboarding.web import signed
from onboarding.web.api_access import Overseer
from onboarding.web.api_route import StrictRoute, in_body, read
from onboarding.web.inbound_schemas import (
    Inbound,
    InboundAnswer,
    InboundBody,
    InboundEventList,
    InboundEventView,
)
from onboarding.web.refusals import EventContradicted
from onboarding.web.signed import Signed
from onboarding.words import N_

router = APIRouter(prefix="/inbound-events", tags=["Inbound"], route_class=StrictRoute)

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": InboundBody.model_json_schema()}},
    }
}


def said_in(body: Annotated[bytes, Depends(signed.verified)]) -> InboundBody:
    return read(InboundBody, body)


@router.post(
    "",
    responses={202: {"model": InboundAnswer, "description": "It is kept, and waits."}},
    openapi_extra=_BODY,
)
def receive(
    said: Annotated[InboundBody, Depends(said_in)],
    body: Annotated[bytes, Depends(signed.sent)],
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
        raise Invalid({"id": N_("The same as webhook-id.")}, pointers={"id": "#/id"})
    told = Told(said.source, said.id, said.type, said.subject, said.time, body.decode())
    with transaction() as session, in_body():
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


def _view(event: InboundEvent) -> InboundEventView:
    return InboundEventView.model_validate(
        {name: getattr(event, name) for name in InboundEventView.model_fields}
    )


def _masked(event: InboundEvent) -> InboundEventView:
    return _view(event).model_copy(update={"subject": inbound.subject(event)})


def _next(asked: Inbound, last: InboundEventView) -> str:
    status = f"&status={asked.status}" if asked.status else ""
    return f"/v1/inbound-events?limit={asked.limit}{status}&after={last.id}"
