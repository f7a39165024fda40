"""What is wrong with a field, in our words: the reader of bodies and queries has its own, and changes them.

Its names of what is wrong are the codes that callers look at, so each that can occur stands here.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from onboarding.web.schemas import EMAIL
from onboarding.words import N_, ONE_OF, Said

_TEXT: Final = N_("Send a text.")
_NUMBER: Final = N_("Send a whole number.")
_BOOLEAN: Final = N_("Send true or false.")
_OBJECT: Final = N_("Send a JSON object, as in {…}.")
_UUID: Final = N_("Send a UUID, such as 01a21e7d-a92b-7485-a14e-8d14551722a3.")
_INSTANT: Final = N_("Send an instant with its time zone (RFC 3339), such as 2026-11-27T12:00:00Z.")
_ADDRESS: Final = N_("Send an e-mail address, such as name@example.com.")
_FORM: Final = N_("Send it in the form that /docs describes.")
# Whatever a later version of the reader may find besides.
OTHERWISE: Final = N_("This cannot be used: /docs says what can.")

SENTENCES: Final[Mapping[str, str]] = {
    "missing": N_("This is needed: send it."),
    "extra_forbidden": N_("Nothing of this name is taken: leave it out, or check its spelling."),
    "literal_error": ONE_OF,
    "string_type": _TEXT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_parsing_size": _NUMBER,
    "bool_type": _BOOLEAN,
    "list_type": N_("Send a list, as in […]."),
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "string_too_short": N_("Send at least %(min_length)s characters."),
    "string_too_long": N_("Send at most %(max_length)s characters."),
    "too_short": N_("Send at least %(min_length)s of them."),
    "too_long": N_("Send at most %(max_length)s of them."),
    "greater_than_equal": N_("Send %(ge)s or more."),
    "less_than": N_("Send less than %(lt)s."),
    "less_than_equal": N_("Send %(le)s or less."),
    "string_pattern_mismatch": _FORM,
    "uuid_parsing": _UUID,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "timezone_aware": _INSTANT,
}
_FORMS: Final = {EMAIL: _ADDRESS}
# What is meant by one of our own validators.
_OURS: Final = "value_error"
_EXPECTED: Final = re.compile(r"'([^']*)'|\b(?!or\b)(\w+)")


def sentence(wrong: Mapping[str, Any]) -> str:
    """What to do about an error as the reader describes it; what was sent is not repeated."""
    context = wrong.get("ctx", {})
    if wrong["type"] == _OURS:
        return _ended(context["error"].args[0])
    message = SENTENCES.get(wrong["type"], OTHERWISE)
    message = _FORMS.get(context.get("pattern"), message)
    if "expected" in context:
        context = {"expected": _listed(context["expected"])}
    return Said(message, **context)


def _ended(text: str) -> str:
    return text if isinstance(text, Said) else f"{text.rstrip('.')}."


def _listed(expected: str) -> str:
    """`en, fr` for "'en' or 'fr'": as they are sent."""
    return ", ".join(text or other.lower() for text, other in _EXPECTED.findall(expected))
