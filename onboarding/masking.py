"""Personal data as it may stand on a screen: enough to recognise it, too little to use it."""

from collections.abc import Mapping
from typing import Any, Final

# A longer text keeps this many characters at its beginning.
_SHOWN = 2
_DOTS = "***"
# What of a step's details leads to a person, so that it is masked.
_LEADS: Final = "seller_id"
# What of them surely leads to none: a name that was typed may, and so may an operator's reason.
_NAMELESS: Final = (
    "connection_type",
    "credential_mode",
    "aggregator_id",
    "client_id",
    "link_id",
    "version",
    "credential",
    "cause",
)


class Personal:
    """A value that leads to a person. Whoever prints, formats or logs it gets the mask.

    For one that must not be shown at all there is pydantic's SecretStr, which does the same.
    Only `clear` gives the value away; JSON has no word for it, so that none is written unmasked.
    """

    __slots__ = ("_mask", "clear")

    def __init__(self, clear: str) -> None:
        self.clear: Final = clear
        self._mask = email(clear) if "@" in clear else text(clear)

    def __repr__(self) -> str:
        return self._mask

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Personal) and self.clear == other.clear

    def __hash__(self) -> int:
        return hash(self.clear)


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
    return {name: text(value) if name == _LEADS else value for name, value in kept.items()}


def nameless(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Only what leads to nobody, for what is sent to others or outlives the person."""
    return {name: kept[name] for name in _NAMELESS if kept.get(name) is not None}
