"""What somebody typed into the form of a question: read, cleaned, and judged in sentences."""

import re
import unicodedata
from collections.abc import Container, Mapping
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import Depends
from starlette.requests import Request

from onboarding import names, registry
from onboarding.routing import Field, Question
from onboarding.web import fields, pages
from onboarding.web.fields import trimmed
from onboarding.words import N_

# No form of ours has as many fields.
_MOST_FIELDS: Final = 50
_MOST_DIGITS: Final = 9
_OTHER_AGGREGATOR: Final = "other"
_EMAILS: Final = frozenset({"email", "developer_email"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_MISSING: Final[Mapping[str, str]] = {
    "connection_type": N_("Select how you will connect"),
    "values": N_("Select how many values your tool asks you for"),
    "seller_id_elsewhere": N_("Select whether any screen asks for a Seller ID"),
    "provider": N_("Select who provides the tool"),
    "aggregator": N_("Select your aggregator"),
    "aggregator_name": N_("Enter the name of your aggregator"),
    "asks_for": N_("Select what it asks you for"),
    "direct": N_("Select whether your plugin connects directly to us"),
    "developer": N_("Select who develops the software"),
    "organisation": N_("Enter the name of your organisation"),
    "email": N_("Enter your e-mail address"),
    "role": N_("Select what you are"),
}
_TOO_LONG: Final[Mapping[str, str]] = {
    "aggregator_name": N_("The name of your aggregator must be %(longest)s characters or fewer"),
    "connection_name": N_("The name of the connection must be %(longest)s characters or fewer"),
    "organisation": N_("The name of your organisation must be %(longest)s characters or fewer"),
}
_UNREADABLE: Final[Mapping[str, str]] = {
    "aggregator_name": N_("The name of your aggregator holds a character that we cannot read"),
    "connection_name": N_("The name of the connection holds a character that we cannot read"),
    "organisation": N_("The name of your organisation holds a character that we cannot read"),
}
_NOT_AN_ADDRESS: Final = N_("Enter an e-mail address in the right form, like name@example.com")


async def typed_in(request: Request) -> dict[str, str]:
    """The fields of a form, cleaned; of a repeated field the last one counts.

    What is no plain form, such as one that carries files, has no fields.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    text = (await request.body()).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: _clean(name, value) for name, value in pairs}


# Async because a body is; what depends on it stays a plain function in a thread of its own.
Typed = Annotated[dict[str, str], Depends(typed_in)]


def sequence_of(typed: Mapping[str, str]) -> int | None:
    """The transition that a form's page had seen last, if it says so."""
    digits = typed.get("sequence", "")
    plain = digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS
    return int(digits) if plain else None


def given(question: Question, typed: Mapping[str, str]) -> dict[str, str]:
    """The question's own fields as they were typed; empty where there was nothing.

    Whoever types a name has looked through the list, though it may still ask to choose.
    """
    values = {field.name: typed.get(field.name, "") for field in question.fields}
    if values.get("aggregator") == "" and values.get("aggregator_name"):
        values["aggregator"] = _OTHER_AGGREGATOR
    return values


def faults(
    request: Request, question: Question, values: Mapping[str, str], listed: Container[str]
) -> dict[str, str]:
    """What is wrong, by field, in the reader's language; `listed` are the aggregators to choose from."""
    _ = pages.translator_of(request)
    found = {
        field: _fault(field, values[field.name], listed) for field in question.fields_for(values)
    }
    return {field.name: _(fault, longest=field.longest) for field, fault in found.items() if fault}


def _clean(field: str, value: str) -> str:
    """Without what cannot be seen, outer spaces and doubled ones. Control characters stay: they are refused."""
    composed = unicodedata.normalize("NFC", value)
    seen = names.kept(names.shown(composed)).strip() if field in _TOO_LONG else trimmed(composed)
    return seen if _CONTROL.search(seen) else " ".join(seen.split())


def _fault(field: Field, value: str, listed: Container[str]) -> str:
    if not value:
        return "" if field.optional else _MISSING[field.name]
    if field.name in _EMAILS:
        return "" if fields.email(value) else _NOT_AN_ADDRESS
    if field.name == "aggregator":
        return "" if value == _OTHER_AGGREGATOR or value in listed else _MISSING[field.name]
    if field.options:
        return "" if field.accepts(value) else _MISSING[field.name]
    return _fault_of_name(field, value)


def _fault_of_name(field: Field, value: str) -> str:
    if len(value) > field.longest:
        return _TOO_LONG[field.name]
    if not field.accepts(value) or names.fault(value, field.longest):
        return _UNREADABLE[field.name]
    # The registry compares letters and digits: a name without any would be found by nobody.
    nameless = field.name == "aggregator_name" and not registry.fold(value)
    return _MISSING[field.name] if nameless else ""
