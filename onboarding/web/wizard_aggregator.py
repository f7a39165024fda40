"""The pages while a connection waits for its aggregator: being checked, or refused for now and why."""

from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from onboarding import addresses, deadlines, lifecycle, queries
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.errors import TooMany
from onboarding.models import Onboarding
from onboarding.web import browser, fields, wizard_frame
from onboarding.web.fields import Sequence, Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

# Each refusal is an e-mail, and the registry wakes whoever waits by itself.
RECHECKS_AN_HOUR: Final = 5


def show_checking(session: Session, request: Request, onboarding: Onboarding) -> Response:
    """A check is under way."""
    return wizard_frame.waiting(session, request, onboarding, "check_aggregator")


def show_awaiting(
    session: Session, request: Request, onboarding: Onboarding, status: int = 200, **wrong: Any
) -> Response:
    """Why the aggregator cannot be connected yet, and three ways forward. `wrong`: errors, typed."""
    last = queries.last_step(session, onboarding.id)
    return wizard_frame.framed(
        request,
        onboarding,
        "awaiting_aggregator.html",
        status,
        cause=last.details.get("cause"),
        ends_at=deadlines.ends_at(onboarding),
        address_is_proved=addresses.is_proved(session, onboarding),
        **wrong,
    )


@router.post("/{locale}/onboardings/{onboarding_id}/recheck")
def recheck(
    request: Request, locale: str, onboarding_id: str, sequence: Sequence = None
) -> Response:
    """Look in the registry again now."""
    try:
        return wizard_frame.move(request, onboarding_id, "recheck_aggregator", sequence, _recheck)
    except TooMany as error:
        return wizard_frame.too_many(request, onboarding_id, error)


@router.post("/{locale}/onboardings/{onboarding_id}/notify")
def notify(request: Request, locale: str, onboarding_id: str, email: Text = "") -> Response:
    """Keep an address to tell once the aggregator can be connected."""
    address = fields.email(email)
    if address is None:
        return _ask_again(request, onboarding_id, email)
    try:
        with transaction() as session:
            _visitor, onboarding = wizard_frame.acting(session, request, onboarding_id)
            _keep_address(session, lifecycle.lock(session, onboarding.id), address)
    except TooMany as error:
        return wizard_frame.too_many(request, onboarding_id, error)
    return wizard_frame.to_home(request, onboarding_id)


def _recheck(session: Session, onboarding: Onboarding, who: Actor, expected: int | None) -> None:
    """Fired before it is counted, so that a second click hears of the first and not of a limit."""
    lifecycle.fire(session, onboarding.id, "recheck_aggregator", who, expected=expected)
    if queries.fired_this_hour(session, onboarding.id, "recheck_aggregator") > RECHECKS_AN_HOUR:
        raise TooMany(3600)
    addresses.count_letter(session, onboarding, onboarding.contact_email)


def _keep_address(session: Session, onboarding: Onboarding, address: str) -> None:
    """An address that was proved stays: letters about the client secret go there."""
    parked = onboarding.state == "awaiting_aggregator"
    if parked and not addresses.is_proved(session, onboarding):
        onboarding.contact_email = address
        addresses.count_letter(session, onboarding, address)


def _ask_again(request: Request, onboarding_id: str, typed: str) -> Response:
    with reading() as session:
        _visitor, onboarding = browser.owned(session, request, onboarding_id)
        if onboarding.state != "awaiting_aggregator":
            return wizard_frame.to_home(request, onboarding_id)
        wrong = {"errors": {"email": fields.no_email(request, typed)}, "typed": {"email": typed}}
        return show_awaiting(session, request, onboarding, 422, **wrong)
