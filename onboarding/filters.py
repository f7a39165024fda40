"""Which onboardings: one filter for the console, the command line and everything else that lists them.

Written as in an address, `waiting_on=platform&overdue=yes`, so that a view can be sent to somebody.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Final
from urllib.parse import parse_qsl, urlencode

from onboarding import masking, sealing
from onboarding.chart import CONNECTION_TYPES, NEXT_MOVE, STATES
from onboarding.errors import Invalid
from onboarding.words import N_, ONE_OF, Said

# Whose turn it may be: the chart's table, and a developer who stands in for the seller where one is named.
DEVELOPER: Final = "developer"
WHOM: Final = (*dict.fromkeys(move.whom for move in NEXT_MOVE.values()), DEVELOPER)
_LONGEST: Final = 120
# A number of hours or days.
AGO: Final = re.compile(r"([1-9][0-9]{0,3})([hd])")

_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
_BETWEEN: Final = "."
# So many peppers that nobody has had more.
_HASHES: Final = re.compile(r"[0-9a-f]{32}(\.[0-9a-f]{32}){0,19}")


@dataclass(frozen=True, slots=True)
class Filter:
    """What each onboarding of a view has in common; None: it does not matter."""

    state: str | None = None
    type: str | None = None
    # Whose turn it is; the seller's are also those that a named developer moves.
    waiting_on: str | None = None
    overdue: str | None = None
    # An incident with this code.
    cause: str | None = None
    # Any incident.
    failing: str | None = None
    # An operator's ID.
    owner: str | None = None
    aggregator: str | None = None
    # The number of a run that it was part of.
    run: str | None = None
    # Begun since: some hours or days ago, as 12h or 7d, or a day, as 2026-11-27.
    since: str | None = None
    # What an e-mail address is found by, as `by_hash` writes it: it tells nobody the address.
    email: str | None = None
    # A reference, an ID, a client ID or its last four characters, a Seller ID, an e-mail address, an
    # aggregator's ID or name, or a part of what failed.
    q: str | None = None

    def given(self) -> dict[str, str]:
        """What matters, by name."""
        return {name: value for name, value in asdict(self).items() if value}

    def query(self) -> str:
        """As in an address."""
        return urlencode(self.given())

    def options(self) -> str:
        """As on a command line."""
        words = (
            f"--{name.replace('_', '-')}" + ("" if value == YES else f" {shlex.quote(value)}")
            for name, value in self.given().items()
        )
        return " ".join(words)

    def by_hash(self) -> "Filter":
        """As it may stand in an address. Raises Unavailable without a keyring at hand."""
        if not self.q or not _ADDRESS.fullmatch(self.q):
            return self
        return replace(self, q=None, email=_BETWEEN.join(sealing.address_hashes(self.q)))

    def hashes(self) -> list[str]:
        """Under each pepper that there was."""
        return self.email.split(_BETWEEN) if self.email else []

    def masked(self) -> "Filter":
        """As it may be kept: what was searched for may be somebody's address or number."""
        return replace(self, q=masking.text(self.q)) if self.q else self


# What a filter can ask for.
NAMES: Final = tuple(field.name for field in fields(Filter))
YES: Final = "yes"
_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "state": STATES,
    "type": CONNECTION_TYPES,
    "waiting_on": WHOM,
    "overdue": (YES,),
    "failing": (YES,),
}


def read(given: Mapping[str, str]) -> Filter:
    """A filter from what an address or a form says; empty fields do not matter.

    Raises Invalid, for a field that there is not as well: who mistypes one would get all there are.
    """
    wrong: dict[str, str] = {}
    values: dict[str, str] = {}
    if unknown := given.keys() - NAMES:
        wrong["view"] = f"{', '.join(sorted(unknown))}: a view has only {', '.join(NAMES)}."
    for name in NAMES:
        value = given.get(name, "").strip()
        if not value:
            continue
        if fault := _fault(name, value):
            wrong[name] = fault
        values[name] = value
    if wrong:
        raise Invalid(wrong)
    return Filter(**values)


def parse(text: str) -> Filter:
    """The same from a text as `query` writes it. Raises Invalid."""
    try:
        return read(dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))))
    except ValueError:
        raise Invalid({"view": "As in a view's address: failing=yes&type=plugin."}) from None


def _fault(name: str, value: str) -> str | None:
    """What is wrong with the value of a field; None: nothing."""
    if name == "email":
        return None if _HASHES.fullmatch(value) else N_("As a search for the address leads to it.")
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        return Said(ONE_OF, expected=", ".join(choices))
    if not _is_short(value):
        return N_("A short line of text.")
    if name == "since" and not _is_since(value):
        return "Hours or days, as 12h or 7d, or a day, as 2026-11-27."
    return None


def _is_since(text: str) -> bool:
    if AGO.fullmatch(text):
        return True
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST and text.isprintable()
