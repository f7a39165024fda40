"""A public key in place of a client secret, by the API: then there is no secret at all."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from onboarding import own_keys, public_keys, replacing
from onboarding.access import calling_system
from onboarding.db import transaction
from onboarding.errors import Invalid
from onboarding.public_keys import PublicKey, Use
from onboarding.web.api_access import Revealer, own
from onboarding.web.api_clients import ClientView, client_view
from onboarding.web.api_route import StrictRoute
from onboarding.web.schemas import Taken

router = APIRouter(prefix="/onboardings", tags=["Clients"], route_class=StrictRoute)

Jwk = Annotated[
    dict[str, Any],
    Field(
        description="A public key as a JWK (RFC 7517). A private one is refused, and nothing of it is kept.",
    ),
]


class NewKey(Taken):
    """The public key by which a client will be known: EC P-256, Ed25519, or RSA of 2048 to 4096 bits."""

    jwk: Jwk


@router.put("/{onboarding_id}/client/key")
def bring_key(onboarding_id: str, body: NewKey, key: Revealer) -> ClientView:
    """Bring a public key instead of taking the client secret, which is then destroyed unseen.

    The client proves itself by signed assertions (`private_key_jwt`); the first one acknowledges the key.
    Bringing the same key again changes nothing.
    """
    brought = read_key(body.jwk, "sign")
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        if replacing.versions(session, onboarding):
            own_keys.take_new(session, onboarding.id, brought)
        else:
            own_keys.take(session, onboarding.id, calling_system(key), brought)
        return client_view(session, onboarding)


def read_key(given: dict[str, Any], use: Use) -> PublicKey:
    """A key of a request's body. Raises Invalid, which says where it stands and repeats nothing of it."""
    try:
        return public_keys.read(given, use)
    except Invalid as wrong:
        raise Invalid(wrong.fields, wrong.codes, {"jwk": "#/jwk"}) from None
