"""What an onboarding has led to: its client with each version of the secret, and its seller links."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding import connections, public_keys
from onboarding.db import reading
from onboarding.models import Client, FurtherLink, Link, Onboarding, Secret, SuspendedSeller
from onboarding.presented import Linked
from onboarding.settings import settings
from onboarding.web.api_access import Reader, own
from onboarding.web.api_route import StrictRoute
from onboarding.web.schemas import ENDING

router = APIRouter(prefix="/onboardings", tags=["Clients"], route_class=StrictRoute)


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class KeyView(_Shown):
    """A public key that a client is known by: its name (RFC 7638), and the algorithm it signs with."""

    thumbprint: str
    alg: str
    jwk: dict[str, str]


class SecretVersion(_Shown):
    """One version of a client secret, by its last 4 characters. Never the secret, nor more of it."""

    version: int
    ending: str = Field(description=ENDING)
    created_at: datetime
    revealed_at: datetime | None
    acknowledged_at: datetime | None
    # Noted once a minute at most.
    last_used_at: datetime | None
    # Of one that was replaced: until when it works.
    ends_at: datetime | None
    # When it was found elsewhere; it opens nothing since then.
    disclosed_at: datetime | None
    # Where the marketplace sets an age: when it is too old, and works no more.
    expires_at: datetime | None
    ended_at: datetime | None
    ended_because: str | None
    # Where a public key was brought instead: there is no secret then, and the 4 characters are the
    # key's; `revealed_at` is when it was brought, `acknowledged_at` when it has signed first.
    public_key: KeyView | None


class ClientView(_Shown):
    """A client, and every version of its secret, the first one first; nothing before it is issued."""

    client_id: str | None
    created_at: datetime | None
    revoked_at: datetime | None
    # Of one that was revoked: when the last access token is over that it may have. It is refused here
    # before; an API that verifies tokens by itself takes it until then.
    tokens_end_at: datetime | None
    # When the marketplace has disabled it: it works no more.
    disabled_at: datetime | None
    # When an access token was first issued to it.
    first_call_at: datetime | None
    # Since when a new secret is being made, while the one before goes on.
    secret_asked_at: datetime | None
    secrets: list[SecretVersion]


_NO_CLIENT: Final = ClientView(
    client_id=None,
    created_at=None,
    revoked_at=None,
    tokens_end_at=None,
    disabled_at=None,
    first_call_at=None,
    secret_asked_at=None,
    secrets=[],
)


class SellerLink(_Shown):
    """A seller account that the client, or the aggregator, may act for; or might, until it ended."""

    id: UUID
    seller_id: str
    shop_name: str
    client_id: str | None
    aggregator_id: str | None
    # Whether it is of a seller besides the one that the onboarding was for.
    further: bool
    created_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None
    # Since when the marketplace has suspended the seller account: nobody may act for it now.
    suspended_since: datetime | None


class SellerLinkList(_Shown):
    """Every link that there was, newest first."""

    items: list[SellerLink]


@router.get("/{onboarding_id}/client")
def client(onboarding_id: str, key: Reader) -> ClientView:
    """The client that was issued last, revoked or not; all of it is empty before one is."""
    with reading() as session:
        return client_view(session, own(session, key, onboarding_id))


@router.get("/{onboarding_id}/links")
def links(onboarding_id: str, key: Reader) -> SellerLinkList:
    """The seller accounts that were linked, those that have ended included."""
    with reading() as session:
        onboarding = own(session, key, onboarding_id)
        return SellerLinkList(items=links_view(session, onboarding))


def client_view(session: Session, onboarding: Onboarding) -> ClientView:
    """An onboarding's client as its calling system sees it."""
    found = _latest_client(session, onboarding)
    if found is None:
        return _NO_CLIENT
    return ClientView(
        client_id=found.id,
        created_at=found.created_at,
        revoked_at=found.revoked_at,
        tokens_end_at=connections.tokens_end_at(found, settings().token_lasts),
        disabled_at=found.disabled_at,
        first_call_at=found.first_used_at,
        secret_asked_at=found.secret_asked_at,
        secrets=[_version(each) for each in _secrets(session, found)],
    )


def links_view(session: Session, onboarding: Onboarding) -> list[SellerLink]:
    """Its links as its calling system sees them, the newest first."""
    found = [*_links_of(session, onboarding, Link), *_links_of(session, onboarding, FurtherLink)]
    return sorted(found, key=lambda link: link.id, reverse=True)


def _links_of(
    session: Session, onboarding: Onboarding, table: type[Link] | type[FurtherLink]
) -> Iterator[SellerLink]:
    rows = session.execute(
        select(table, SuspendedSeller.since)
        .outerjoin(SuspendedSeller, SuspendedSeller.seller_id == table.seller_id)
        .where(table.onboarding_id == onboarding.id)
    )
    for link, since in rows:
        assert isinstance(link, Link | FurtherLink)
        yield _link(link, since)


def _latest_client(session: Session, onboarding: Onboarding) -> Client | None:
    return session.scalars(
        select(Client)
        .where(Client.onboarding_id == onboarding.id)
        .order_by(Client.revoked_at.is_not(None), Client.created_at.desc())
        .limit(1)
    ).one_or_none()


def _secrets(session: Session, client: Client) -> Sequence[Secret]:
    return session.scalars(
        select(Secret).where(Secret.client_id == client.id).order_by(Secret.version)
    ).all()


def _version(secret: Secret) -> SecretVersion:
    return SecretVersion(
        version=secret.version,
        ending=secret.ending[-4:],
        created_at=secret.created_at,
        revealed_at=secret.revealed_at,
        acknowledged_at=secret.acknowledged_at,
        last_used_at=secret.last_used_at,
        ends_at=secret.ends_at,
        disclosed_at=secret.disclosed_at,
        expires_at=secret.expires_at,
        ended_at=secret.ended_at,
        ended_because=secret.ended_because,
        public_key=_key(secret.jwk),
    )


def _key(jwk: str | None) -> KeyView | None:
    if jwk is None:
        return None
    key = public_keys.stored(jwk)
    return KeyView(thumbprint=key.thumbprint, alg=key.algorithm, jwk=key.as_jwk())


def _link(link: Linked, suspended_since: datetime | None) -> SellerLink:
    return SellerLink(
        id=link.id,
        seller_id=link.seller_id,
        shop_name=link.shop_name,
        client_id=link.client_id,
        aggregator_id=link.aggregator_id if isinstance(link, Link) else None,
        further=isinstance(link, FurtherLink),
        created_at=link.created_at,
        confirmed_at=link.confirmed_at,
        ended_at=link.ended_at,
        suspended_since=suspended_since,
    )
