"""What an operator may end of a connection that works: its credentials, or its link with the seller account."""

from sqlalchemy.orm import Session

from onboarding import connections
from onboarding.actions.rules import Action, Order, Told
from onboarding.afterwards import AFTERWARDS, DONE
from onboarding.standing import Standing
from onboarding.words import N_


def actions() -> dict[str, Action]:
    """`revoke_credentials` and `end_link`."""
    return {
        "revoke_credentials": Action(
            "revoke_credentials", "decide", _no_credentials, _revoke, letter=_letter_of_revoking
        ),
        "end_link": Action("end_link", "decide", _no_link, _end_link, letter=_letter_of_unlinking),
    }


def _no_credentials(standing: Standing, order: Order) -> str | None:
    if standing.onboarding.state not in DONE:
        return N_("It is not done yet: cancel it, or start over")
    return None if standing.has_client else N_("It has no credentials that work")


def _revoke(session: Session, standing: Standing, order: Order) -> Told:
    connections.revoke(session, standing.onboarding.id, order.who.because(order.reason))
    return {}


def _no_link(standing: Standing, order: Order) -> str | None:
    if standing.onboarding.state not in DONE:
        return N_("It is not done yet: cancel it, or start over")
    return None if standing.has_link else N_("No seller account is linked")


def _end_link(session: Session, standing: Standing, order: Order) -> Told:
    connections.unlink(session, standing.onboarding.id, order.who.because(order.reason))
    return {}


def _letter_of_revoking(standing: Standing) -> str | None:
    return _letter("revoke_credentials", standing)


def _letter_of_unlinking(standing: Standing) -> str | None:
    return _letter("end_link", standing)


def _letter(event: str, standing: Standing) -> str | None:
    return AFTERWARDS[event].notice if standing.onboarding.contact_email else None
