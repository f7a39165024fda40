"""What a page says about a one-time code that was typed in, the seller's or a developer's."""

from typing import Final

from starlette.requests import Request

from onboarding.errors import TooMany
from onboarding.web import pages

DIGITS: Final = 6


def is_code(typed: str) -> bool:
    """Whether it has as many digits as a code; whatever stands between them is left out."""
    return len([each for each in typed if each.isascii() and each.isdigit()]) == DIGITS


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
