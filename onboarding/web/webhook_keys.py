"""The public keys that sign what an endpoint is sent, as a JWK set (RFC 7517, RFC 8037)."""

import base64
import hashlib
import json
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from onboarding import webhooks
from onboarding.db import reading
from onboarding.models import Webhook
from onboarding.signing import BOTH_FOR, Key
from onboarding.web.api_route import StrictRoute, refuse_repeated

router = APIRouter(tags=["Webhooks"], route_class=StrictRoute)

PATH: Final = "/.well-known/webhook-keys"
MEDIA_TYPE: Final = "application/jwk-set+json"
# Seconds for which a receiver may keep them: after a rotation both sign for a day.
KEPT_FOR: Final = 300


class Whose(BaseModel):
    """Which endpoint; whoever receives there knows its ID."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhook: UUID = Field(description="An endpoint's ID.")


# Not under /v1, and for receivers: `docs/api.md` describes it.
@router.get(PATH, include_in_schema=False, dependencies=[Depends(refuse_repeated)])
def listed(asked: Annotated[Whose, Query()], request: Request) -> JSONResponse:
    """The keys that sign now, the newest first; none for an endpoint that is not there, or signs by HMAC.

    Public: whoever knows them can verify, and sign nothing.
    """
    with reading() as session:
        webhook = session.get(Webhook, asked.webhook)
        found: list[Key] = []
        if webhook is not None and webhook.signature == "ed25519":
            found = webhooks.keys(session, request.app.state.ring, webhook)
        shown = [_jwk(key, webhook, newest=key is found[0]) for key in found]
    headers = {"Cache-Control": f"public, max-age={KEPT_FOR}"}
    return JSONResponse({"keys": shown}, headers=headers, media_type=MEDIA_TYPE)


def address(webhook: Webhook) -> str:
    """Where the keys of an endpoint are."""
    return f"{PATH}?webhook={webhook.id}"


def _jwk(key: Key, webhook: Webhook | None, *, newest: bool) -> dict[str, Any]:
    """One that another has followed says when it ends."""
    raw = base64.b64decode(key.shown.removeprefix("whpk_"))
    said = {"crv": "Ed25519", "kty": "OKP", "x": _text(raw)}
    made: dict[str, Any] = said | {"kid": _thumbprint(said), "alg": "EdDSA", "use": "sig"}
    if not newest and webhook is not None and webhook.rotated_at is not None:
        made["exp"] = int((webhook.rotated_at + BOTH_FOR).timestamp())
    return made


def _thumbprint(said: dict[str, str]) -> str:
    """RFC 7638: a name that follows from the key, and tells nothing else."""
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return _text(hashlib.sha256(text.encode()).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
