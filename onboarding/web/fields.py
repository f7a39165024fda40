"""The fields of a form, and what people type into them: they see neither the spaces that they paste nor what has no width."""

import unicodedata
from typing import Annotated

from fastapi import Form
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from onboarding.web.pages import translator_of
from onboarding.web.schemas import Email

# A field that may be missing, and the number of the transition that the form was made for.
Text = Annotated[str, Form()]
Sequence = Annotated[int | None, Form()]

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


def trimmed(text: str) -> str:
    """Without characters that have no width, and without spaces at both ends."""
    return "".join(each for each in text if unicodedata.category(each) != "Cf").strip()


def email(text: str) -> str | None:
    """An e-mail address, as the API takes them; None: it is not one, and `no_email` says why."""
    try:
        return _EMAIL.validate_python(trimmed(text))
    except ValidationError:
        return None


def no_email(request: Request, typed: str) -> str:
    """What is wrong with something that is no address."""
    _ = translator_of(request)
    if not trimmed(typed):
        return _("Enter your e-mail address")
    return _("Enter an e-mail address in the right form, like name@example.com")
