"""Requests that a registered source has signed, as Standard Webhooks say: no API key opens these."""

import json
from typing import Annotated

from fastapi import Depends, Header, Request

from onboarding import sources
from onboarding.db import reading
from onboarding.errors import Refusal, Unauthorised
from onboarding.retrying import retried
from onboarding.signing import HEADERS
from onboarding.web.api_route import EVENT_MEDIA_TYPES, check_json
from onboarding.web.quotas import network
from onboarding.web.refusals import NotSigned

Signed = Annotated[str | None, Header(max_length=2000)]


# Async, because only so the body can be asked for; it was read whole before and is there.
async def sent(request: Request) -> bytes:
    return await request.body()


@retried
def verified(request: Request, body: Annotated[bytes, Depends(sent)]) -> bytes:
    """The body, once it is certain that its source has signed it: before that, nothing else is looked at.

    Raises NotSigned, QuotaExceeded, NotJson or WrongMediaType.
    """
    name = _claimed_source(request, body)
    try:
        with reading() as session:
            sources.authenticate(session, request.app.state.ring, name, _headers(request), body)
    except Unauthorised:
        request.app.state.quotas.of_forgeries.take(request, network(request))
        raise NotSigned from None
    request.app.state.quotas.of_keys.take(request, f"source:{name}")
    return body


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
