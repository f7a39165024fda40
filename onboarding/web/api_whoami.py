"""Who calls, and for whom: the answer that the marketplace's API would give to a client's first call."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from onboarding import presented
from onboarding.call_refusals import TokenExpired, TokenInvalid, TokenMissing, TokenRevoked
from onboarding.db import reading
from onboarding.presented import Linked, TokenOver, Verified
from onboarding.tokens import Claims, NotOurs
from onboarding.web import oauth
from onboarding.web.api_route import StrictRoute

router = APIRouter(tags=["Clients"], route_class=StrictRoute)

SellerId = Annotated[
    str | None,
    Header(
        alias="SellerId", description="The seller for whom the client calls.", examples=["4711"]
    ),
]
_OVER: Final = {"expired": TokenExpired, "revoked": TokenRevoked}


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class Seller(_Shown):
    """A seller account, and since when the client may act for it, unless it is suspended."""

    seller_id: str
    shop_name: str
    linked_at: datetime
    confirmed_at: datetime | None
    status: Literal["active", "suspended"]


class Whoami(_Shown):
    """The client of the access token, and the seller account that it may act for, if there is one.

    Without a SellerId header it is the one that the client was issued for; where there is none, the first that
    has let it act.
    """

    client_id: str
    token_expires_at: datetime
    seller: Seller | None
    # Every seller for whom it may act now, one by one named in the SellerId header.
    seller_ids: list[str]


@router.get("/whoami")
def whoami(request: Request, seller_id: SellerId = None) -> Whoami:
    """The client that calls, with an access token as bearer, and the seller that SellerId names.

    401 for a token that is missing, expired, revoked or none of ours; 403 for a seller account that the
    client is not linked to, whether there is such a seller or not, or that is suspended; 404 for what is no Seller ID at all.
    """
    claims = _claims(request)
    with reading() as session:
        try:
            client = presented.by_token(session, claims)
        except TokenOver as over:
            raise _OVER[over.why] from None
        link = presented.acting_for(session, client.client_id, seller_id)
        return answer(session, claims, client, link)


def answer(session: Session, claims: Claims, client: Verified, link: Linked | None) -> Whoami:
    """What is told of a client, and of the link that was asked for."""
    return Whoami(
        client_id=client.client_id,
        token_expires_at=claims.expires_at,
        seller=seller_of(session, link),
        seller_ids=presented.acts_for(session, client.client_id),
    )


def seller_of(session: Session, link: Linked | None) -> Seller | None:
    """What is told of the seller account of a link."""
    if link is None:
        return None
    return Seller(
        seller_id=link.seller_id,
        shop_name=link.shop_name,
        linked_at=link.created_at,
        confirmed_at=link.confirmed_at,
        status="suspended" if presented.is_suspended(session, link) else "active",
    )


def _claims(request: Request) -> Claims:
    """Of the one token that the header presents. Raises TokenMissing or TokenInvalid."""
    sent = request.headers.getlist("authorization")
    scheme, _, token = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise TokenMissing
    try:
        return oauth.issuer_of(request).read(token)
    except NotOurs:
        raise TokenInvalid from None
