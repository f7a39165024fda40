"""A connection that works, by the API: another name for it, its link ended, its credentials revoked."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field
from sqlalchemy.orm import Session

from onboarding import connections, further_sellers
from onboarding.access import calling_system
from onboarding.db import transaction
from onboarding.errors import NotFound
from onboarding.models import Onboarding
from onboarding.names import CONNECTION_AT_MOST
from onboarding.web.api_access import Writer, own
from onboarding.web.api_clients import ClientView, SellerLink, client_view, links_view
from onboarding.web.api_etags import tag
from onboarding.web.api_route import NoBody, StrictRoute, in_body
from onboarding.web.api_view import view
from onboarding.web.schemas import OnboardingView, Taken

router = APIRouter(prefix="/onboardings", tags=["Clients"], route_class=StrictRoute)

_LINE = r"^[^\x00-\x1f\x7f-\x9f\xad]+$"


class Renamed(Taken):
    """Another name for a connection, which its owner alone is shown."""

    connection_name: Annotated[
        str,
        Field(min_length=1, max_length=CONNECTION_AT_MOST, json_schema_extra={"pattern": _LINE}),
    ]


@router.patch("/{onboarding_id}")
def rename(onboarding_id: str, body: Renamed, key: Writer, response: Response) -> OnboardingView:
    """Give a connection that is done another name. Sending it twice changes nothing more."""
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        who = calling_system(key)
        with in_body():
            onboarding = connections.rename(session, onboarding.id, who, body.connection_name)
        shown = view(session, onboarding)
        response.headers["ETag"] = tag(onboarding, shown)
    return shown


@router.delete("/{onboarding_id}/client")
def revoke(onboarding_id: str, key: Writer, nothing: NoBody) -> ClientView:
    """Revoke the client ID of an onboarding that is done, at once and for good: its secret and its link end.

    `tokens_end_at` is when its last access token is over. Revoking it twice is revoking it once.
    """
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        connections.revoke(session, onboarding.id, calling_system(key))
        return client_view(session, onboarding)


@router.delete("/{onboarding_id}/links/{link_id}")
def unlink(
    onboarding_id: str,
    link_id: Annotated[str, Path(description="The `id` of a link.")],
    key: Writer,
    nothing: NoBody,
) -> SellerLink:
    """End a link with a seller account, at once and for good; a client ID and all other links stay as they are.

    Ending it twice is ending it once.
    """
    with transaction() as session:
        onboarding, who = own(session, key, onboarding_id), calling_system(key)
        link = _link(session, onboarding, link_id)
        if link.further:
            further_sellers.end(session, link.id, who)
        elif link.ended_at is None:
            connections.unlink(session, onboarding.id, who)
        return _link(session, onboarding, link_id)


def _link(session: Session, onboarding: Onboarding, link_id: str) -> SellerLink:
    for each in links_view(session, onboarding):
        if str(each.id) == link_id:
            return each
    raise NotFound
