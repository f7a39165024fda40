"""What a page says about a one-time code that was typed in, the seller's or a developer's."""

from typing import Any, Final

from sqlalchemy.orm import Session
from starlette.requests import Request

from onboarding import db, proofs
from onboarding.errors import TooMany
from onboarding.models import ContactCode, DeveloperCode
from onboarding.web import pages

DIGITS: Final = 6
# Follows the address of the page, after somebody asked for a code while one was on its way.
TOO_SOON: Final = "?too-soon"


def is_code(typed: str) -> bool:
    """Whether it has as many digits as a code; whatever stands between them is left out."""
    return len([each for each in typed if each.isascii() and each.isdigit()]) == DIGITS


def stands(session: Session, request: Request, code: ContactCode | DeveloperCode) -> dict[str, Any]:
    """What a page says of a code that was sent: since when, until when, and whether it is over."""
    until = code.created_at + proofs.CODE_LASTS
    asked_too_soon = TOO_SOON[1:] in request.query_params and proofs.is_under_way(session, code)
    return {
        "sent": code.created_at,
        "until": until,
        "over": code.attempts >= proofs.CODE_ATTEMPTS or until < db.clock(session),
        "too_soon": int(proofs.UNDER_WAY.total_seconds()) if asked_too_soon else 0,
    }


def status(verdict: str | None) -> int:
    """Of the page that says it."""
    if verdict is None:
        return 200
    return TooMany.status if verdict == "too_many" else 422


def said(request: Request, verdict: str) -> str:
    """What is wrong."""
    _ = pages.translator_of(request)
    return {
        "malformed": _("Enter the 6 digits of the code in our e-mail"),
        "wrong": _("This is not the code in our latest e-mail. Check the 6 digits"),
        "expired": _("This code is too old. Send a new one"),
        "too_many": _("That was wrong too often, so this code is over. Send a new one"),
    }[verdict]
