"""Roads to every state: events that the chart allows one after the other, with some detours.

Nobody writes down here where an event leads: the chart is asked.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from onboarding import deciding
from onboarding.chart import NEXT_MOVE, Facts
from onboarding.population.chance import Chance

# A connection type and its credential mode.
Kind = tuple[str, str | None]
Events = tuple[str, ...]

_CREDENTIALS: Final = ("issue_id", "secret_generated", "reveal_secret", "acknowledge_secret")
_LINK: Final = ("link_seller", "confirm", "verification_passed")
_DIRECT: Final = ("choose_type", *_CREDENTIALS, *_LINK)
# From the start to the end that each kind is made for.
WAYS: Final[Mapping[Kind, Events]] = {
    ("aggregator", "delegated"): ("choose_type", "approve_aggregator", *_LINK),
    ("aggregator", "full"): ("choose_type", "approve_aggregator", *_CREDENTIALS, *_LINK),
    ("plugin", None): _DIRECT,
    ("own_development", None): _DIRECT,
    ("credentials_only", None): ("choose_type", *_CREDENTIALS),
    ("legacy_soap", None): ("choose_type",),
}
_KINDS: Final[Mapping[Kind, float]] = dict(zip(WAYS, (30, 14, 22, 20, 8, 6), strict=True))
# States beside the ways: where one turns off, and by which event.
_ASIDE: Final = {
    "awaiting_aggregator": ("checking_aggregator", "refuse_aggregator"),
    "secret_lapsed": ("secret_ready", "lapse_secret"),
}
_ENDED: Final = {"cancelled": "cancel", "expired": "expire"}
# What may happen on the way, and leads back to the state where it began.
_DETOURS: Final[Mapping[str, tuple[Events, ...]]] = {
    "checking_aggregator": (("refuse_aggregator", "recheck_aggregator"),),
    "secret_ready": (("lapse_secret", "reissue_secret", "secret_generated"),),
    "secret_revealed": (("reissue_secret", "secret_generated", "reveal_secret"),),
    "seller_linked": (("unlink_seller", "link_seller"), ("confirm", "verification_failed")),
}
_MAKES_A_DETOUR: Final = 0.06
_STARTS_OVER: Final = 0.02


def draw_kind(chance: Chance, state: str) -> Kind:
    """One of the kinds that come by a state, the usual ones more often."""
    return chance.by_weight(_kinds_of(state))


def draw_road(chance: Chance, kind: Kind, state: str) -> list[str]:
    """The events that lead from the start to a state, one way or the other."""
    here = "started"
    driven: list[str] = []
    for event in _straight(chance, kind, state):
        driven += _detour(chance, here, driven)
        driven.append(event)
        here = leads_to(kind, here, event)
    return [*driven, *_detour(chance, here, driven)]


@cache
def leads_to(kind: Kind, state: str, event: str) -> str:
    """Where the chart says that an event leads, once the contact is verified."""
    facts = Facts(state, *kind, contact_verified=True)
    return deciding.decide(facts, event)


@cache
def _stops(kind: Kind) -> dict[str, Events]:
    """Every state that a kind comes by, and the events until there."""
    here, found = "started", {"started": Events()}
    for number, event in enumerate(WAYS[kind], 1):
        here = leads_to(kind, here, event)
        found[here] = WAYS[kind][:number]
    aside = {s: (*found[at], event) for s, (at, event) in _ASIDE.items() if at in found}
    return found | aside


@cache
def _kinds_of(state: str) -> dict[Kind, float]:
    """Any kind may be cancelled or expire."""
    return {k: weight for k, weight in _KINDS.items() if state in {*_stops(k), *_ENDED}}


def _straight(chance: Chance, kind: Kind, state: str) -> Events:
    if state not in _ENDED:
        return _stops(kind)[state]
    waits = [s for s in _stops(kind) if s in NEXT_MOVE and NEXT_MOVE[s].then == "expire"]
    return (*_stops(kind)[chance.one_of(waits)], _ENDED[state])


def _detour(chance: Chance, state: str, driven: list[str]) -> Events:
    """Usually none. Whoever starts over goes the same way again."""
    if state in _DETOURS and chance.happens(_MAKES_A_DETOUR):
        return chance.one_of(_DETOURS[state])
    move = NEXT_MOVE.get(state)
    if driven and move and move.then and chance.happens(_STARTS_OVER):
        return ("start_over", *driven)
    return ()
