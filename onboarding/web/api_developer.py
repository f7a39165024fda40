"""The developer who is to receive the client secret, by the API: look, name one, take it back."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from onboarding import developers, handover
from onboarding.access import calling_system
from onboarding.db import reading, transaction
from onboarding.models import Onboarding
from onboarding.web.api_access import Reader, Revealer, Writer, own
from onboarding.web.api_route import NoBody, StrictRoute, in_body
from onboarding.web.schemas import Email, Taken

router = APIRouter(prefix="/onboardings", tags=["Onboardings"], route_class=StrictRoute)


class NewDeveloper(Taken):
    """Who is to receive the client secret in the seller's place."""

    email: Email


class DeveloperView(BaseModel):
    """The developer who is named; nulls where nobody is. The address is shortened: `d…@example.com`."""

    model_config = ConfigDict(frozen=True)

    email: str | None
    named_at: datetime | None
    # When the address was last proved by a code.
    proved_at: datetime | None
    # When the seller signed in and chose the account to link, before the secret had arrived.
    account_chosen_at: datetime | None


@router.get("/{onboarding_id}/developer")
def show_developer(onboarding_id: str, key: Reader) -> DeveloperView:
    """The developer who is named to receive the client secret."""
    with reading() as session:
        return _view(session, own(session, key, onboarding_id))


@router.put("/{onboarding_id}/developer")
def name_developer(onboarding_id: str, body: NewDeveloper, key: Revealer) -> DeveloperView:
    """Name a developer: only they are then shown the secret. Naming them again changes nothing.

    It hands the secret over, so it takes the scope that taking it does. A developer who was named before
    has no access any more, and what they were shown is replaced.
    """
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        with in_body():
            handover.name(session, onboarding.id, calling_system(key), body.email)
        return _view(session, onboarding)


@router.delete("/{onboarding_id}/developer", status_code=204)
def withdraw_developer(onboarding_id: str, key: Writer, nothing: NoBody) -> None:
    """Take it back from the developer; what they were shown is replaced. Twice is once."""
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        handover.withdraw(session, onboarding.id, calling_system(key))


def _view(session: Session, onboarding: Onboarding) -> DeveloperView:
    named = developers.named(session, onboarding)
    return DeveloperView(
        email=developers.in_short(named.email) if named else None,
        named_at=named.named_at if named else None,
        proved_at=named.proved_at if named else None,
        account_chosen_at=named.chosen_at if named else None,
    )
