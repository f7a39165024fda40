"""Sellers besides the first, by the API: links for them to let a client act, and taking those back."""

from datetime import datetime
from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from onboarding import invitations
from onboarding.db import reading, transaction
from onboarding.ids import read_uuid
from onboarding.kept_answers import Answer
from onboarding.models import Onboarding, SellerInvitation
from onboarding.web.api_access import Reader, Writer, own
from onboarding.web.api_once import OnceWithoutBody, once
from onboarding.web.api_route import NoBody, StrictRoute

router = APIRouter(prefix="/onboardings", tags=["Clients"], route_class=StrictRoute)


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class SellerInvitationView(_Shown):
    """A link for one more seller, who signs in there and decides. It opens nothing by itself."""

    id: UUID
    url: str
    created_at: datetime
    expires_at: datetime


class SellerInvitationList(_Shown):
    """The links that a seller may still use, the oldest first."""

    items: list[SellerInvitationView]


class _Kept(_Shown):
    id: UUID
    locale: str
    created_at: datetime
    expires_at: datetime


@router.post(
    "/{onboarding_id}/seller-invitations", status_code=201, response_model=SellerInvitationView
)
def invite_seller(
    onboarding_id: str, key: Writer, request: Request, asked: OnceWithoutBody
) -> Response:
    """A link for a seller, who may let the client of an onboarding that is done act for them, too.

    Send it to them: they sign in to their seller account and decide. Good for one seller, for a week.
    """
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        do = partial(_invite, session, onboarding)
        return once(session, key, asked, do, partial(_told, request))


@router.get("/{onboarding_id}/seller-invitations")
def seller_invitations(onboarding_id: str, key: Reader, request: Request) -> SellerInvitationList:
    """The links that no seller has used yet, and that are not over."""
    with reading() as session:
        onboarding = own(session, key, onboarding_id)
        found = invitations.open_ones(session, onboarding.id)
        items = [_view(request, _kept(each, onboarding)) for each in found]
    return SellerInvitationList(items=items)


@router.delete("/{onboarding_id}/seller-invitations/{invitation_id}", status_code=204)
def withdraw_invitation(
    onboarding_id: str, invitation_id: str, key: Writer, nothing: NoBody
) -> None:
    """Take a link back before a seller has used it. Twice is once."""
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        invitations.withdraw(session, onboarding.id, read_uuid(invitation_id))


def _invite(session: Session, onboarding: Onboarding) -> Answer:
    """What is kept of a link has no token: it is derived anew, with the keyring."""
    made = invitations.invite(session, onboarding.id)
    return Answer(201, _kept(made, onboarding).model_dump_json(), {})


def _told(request: Request, body: str) -> str:
    return _view(request, _Kept.model_validate_json(body)).model_dump_json()


def _kept(invitation: SellerInvitation, onboarding: Onboarding) -> _Kept:
    return _Kept(
        id=invitation.id,
        locale=onboarding.locale,
        created_at=invitation.created_at,
        expires_at=invitations.ends_at(invitation),
    )


def _view(request: Request, kept: _Kept) -> SellerInvitationView:
    state = request.app.state
    url = invitations.url(state.ring, state.settings.base_url, kept.locale, kept.id)
    return SellerInvitationView(
        id=kept.id, url=url, created_at=kept.created_at, expires_at=kept.expires_at
    )
