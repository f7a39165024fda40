"""A new client secret by the API, while the old one goes on: ask for it, and end the old one early."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field
from sqlalchemy.orm import Session

from onboarding import replacing
from onboarding.access import calling_system
from onboarding.db import transaction
from onboarding.errors import NotFound
from onboarding.kept_answers import Answer
from onboarding.models import ApiKey, Onboarding
from onboarding.replacing import LONGEST_OVERLAP
from onboarding.web.api_access import Writer, own
from onboarding.web.api_clients import ClientView, client_view
from onboarding.web.api_once import Once, once
from onboarding.web.api_route import NoBody, StrictRoute
from onboarding.web.schemas import Taken

router = APIRouter(prefix="/onboardings", tags=["Clients"], route_class=StrictRoute)

_MOST_DIGITS = 9


class NewSecret(Taken):
    """A new secret; for how many days the old one works too, once the new one has arrived."""

    overlap_days: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP)]


@router.post("/{onboarding_id}/client/secrets", status_code=202, response_model=ClientView)
def replace(onboarding_id: str, body: NewSecret, key: Writer, asked: Once) -> Response:
    """Have a new secret made for an onboarding that is done; then take it with `secret-reveal`.

    The old one works until the new one is used first, and `overlap_days` more.
    """
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        return once(session, key, asked, partial(_replace, session, onboarding, body, key))


@router.delete("/{onboarding_id}/client/secrets/{version}", status_code=204)
def end_old(
    onboarding_id: str,
    version: Annotated[str, Path(description="Of a secret that was replaced.")],
    key: Writer,
    nothing: NoBody,
) -> None:
    """End a secret that was replaced before its time. Ending it twice is ending it once."""
    with transaction() as session:
        onboarding = own(session, key, onboarding_id)
        replacing.end_old(session, onboarding.id, _number(version))


def _replace(session: Session, onboarding: Onboarding, body: NewSecret, key: ApiKey) -> Answer:
    replacing.ask(session, onboarding.id, calling_system(key), body.overlap_days)
    return Answer(202, client_view(session, onboarding).model_dump_json(), {})


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise NotFound
    return int(text)
