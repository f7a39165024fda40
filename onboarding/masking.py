"""Personal data as it may stand on a screen: enough to recognise it, too little to use it."""

from collections.abc import Mapping
from typing import Any

# A longer text keeps this many characters at its beginning.
_SHOWN = 2
_DOTS = "***"


def email(address: str | None) -> str:
    """`al***@sh***.example` for an address; nothing for none."""
    if not address:
        return ""
    name, _, host = address.rpartition("@")
    domain, _, top = host.rpartition(".")
    return f"{text(name)}@{text(domain)}.{top}"


def text(value: str | None) -> str:
    """The beginning of a name or a number; nothing for none."""
    return f"{value[:_SHOWN]}{_DOTS}" if value else ""


def details(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What history keeps of a step: one thing of it leads to a person."""
    return {name: text(value) if name == "seller_id" else value for name, value in kept.items()}
