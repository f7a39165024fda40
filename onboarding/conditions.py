"""Why an onboarding is where it is: what its path asks for, what of it is met, and since when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from onboarding.models import Onboarding, Transition
from onboarding.words import N_


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must be so before it is done, and since when it is; None: it is not."""

    code: str
    text: str
    met_at: datetime | None


def conditions(onboarding: Onboarding, history: Sequence[Transition]) -> list[Condition]:
    """What this onboarding's path asks for, in order. The first that is not met is what it waits for."""
    happened = _standing(history)
    if onboarding.contact_verified_at:
        happened["verified"] = onboarding.contact_verified_at
    return [Condition(each, TEXTS[each], happened.get(each)) for each in path(onboarding)]


def path(onboarding: Onboarding) -> Iterator[str]:
    """The codes of what it asks for, in order: events, and `verified` for a proof of who is asking."""
    yield "choose_type"
    if onboarding.connection_type in {None, "legacy_soap"}:
        return
    if onboarding.connection_type == "aggregator":
        yield "approve_aggregator"
    if onboarding.credential_mode != "delegated":
        yield from ("verified", "issue_id", "secret_generated", "reveal_secret")
        yield "acknowledge_secret"
    if onboarding.connection_type != "credentials_only":
        yield from ("link_seller", "confirm", "verification_passed")


def _standing(history: Iterable[Transition]) -> dict[str, datetime]:
    """Of all that has happened, what still counts: event → when."""
    counts: dict[str, datetime] = {}
    for step in history:
        for undone in _UNDOES.get(step.event, ()):
            counts.pop(undone, None)
        if step.event in {"start_over", "choose_type"}:
            counts.clear()
        counts[step.event] = step.at
    return counts


_SECRET: Final = ("secret_generated", "reveal_secret", "acknowledge_secret")
_UNDOES: Final[Mapping[str, Sequence[str]]] = {
    "refuse_aggregator": ("approve_aggregator",),
    "recheck_aggregator": ("approve_aggregator",),
    "reissue_secret": _SECRET,
    "lapse_secret": _SECRET,
    "unlink_seller": ("link_seller", "confirm"),
    "verification_failed": ("confirm",),
}
TEXTS: Final[Mapping[str, str]] = {
    "choose_type": N_("Connection type chosen"),
    "approve_aggregator": N_("Aggregator registered and on the REST API"),
    "verified": N_("E-mail address proved, or signed in to the seller account"),
    "issue_id": N_("Client ID issued"),
    "secret_generated": N_("Client secret made"),
    "reveal_secret": N_("Client secret shown"),
    "acknowledge_secret": N_("Client secret saved"),
    "link_seller": N_("Seller account linked"),
    "confirm": N_("Confirmed by the seller"),
    "verification_passed": N_("Connection verified"),
}
