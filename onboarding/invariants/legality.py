"""I6: every step of history is one that the chart allows, by somebody who may."""

from typing import Any, Final

from sqlalchemy import and_, case, func, literal, or_, select, tuple_
from sqlalchemy.orm import aliased

from onboarding.afterwards import AFTERWARDS, DONE
from onboarding.chart import CONNECTION_TYPES, MAY_FIRE, Chart
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.models import Onboarding, Transition

_FORGED = "No version of this program writes that: find out who writes to the database. `onboarding show REF`"

LEGAL_MOVES: Final = frozenset(
    (str(move.source.id), str(event.id), str(move.target.id))
    for state in Chart.states
    for move in state.transitions
    for event in move.events
) | frozenset((state, event, state) for state in DONE for event in AFTERWARDS)
LEGAL_ACTORS: Final = frozenset(
    {("start", "seller"), ("start", "api")}
    | {(event, kind) for event, kinds in MAY_FIRE.items() for kind in kinds}
    | {(event, kind) for event, each in AFTERWARDS.items() for kind in each.who}
)

# Who gets a client ID of their own; "delegated" is an aggregator that asks for the Seller ID alone.
_OWN: Final = frozenset({"plugin", "own_development", "aggregator"})
_WITH_SECRET: Final = _OWN | {"credentials_only"}
_LINKING: Final = _OWN | {"delegated"}
FITTING: Final[dict[str, frozenset[str]]] = {
    "started": frozenset({""}),
    "checking_aggregator": frozenset({"aggregator", "delegated"}),
    "awaiting_aggregator": frozenset({"aggregator", "delegated"}),
    "type_chosen": _WITH_SECRET,
    "issuing_secret": _WITH_SECRET,
    "secret_ready": _WITH_SECRET,
    "secret_lapsed": _WITH_SECRET,
    "secret_revealed": _WITH_SECRET,
    "awaiting_seller": _LINKING,
    "seller_linked": _LINKING,
    "verifying": _LINKING,
    "confirmed": _LINKING,
    "credentials_issued": frozenset({"credentials_only"}),
    "redirected_to_soap": frozenset({"legacy_soap"}),
    "cancelled": frozenset({"", "delegated", *CONNECTION_TYPES}),
    "expired": frozenset({"", "delegated", *CONNECTION_TYPES}),
}


@rule("I6", Onboarding.id, what="transition {} is no move of the chart: {} in {} to {}", do=_FORGED)
def moves_are_legal(within: Within) -> Rows:
    """Every move of history is one of the chart, or follows its end; the first one is the start."""
    move = Transition.event, Transition.source, Transition.target
    begins = and_(Transition.event == "start", Transition.target == "started")
    legal = tuple_(Transition.source, Transition.event, Transition.target).in_(sorted(LEGAL_MOVES))
    return select(Transition.onboarding_id, Transition.sequence, *move).where(
        within(Transition.onboarding_id),
        or_(
            and_(Transition.sequence == 1, ~begins),
            and_(Transition.sequence > 1, ~func.coalesce(legal, literal(value=False))),
        ),
    )


@rule("I6", Onboarding.id, what="transition {}: a {} may not fire {}", do=_FORGED)
def actors_may(within: Within) -> Rows:
    """Every move was fired by somebody who may."""
    pair = tuple_(Transition.event, Transition.actor_kind)
    known = Transition.event.in_(sorted({event for event, _ in LEGAL_ACTORS}))
    return select(
        Transition.onboarding_id, Transition.sequence, Transition.actor_kind, Transition.event
    ).where(within(Transition.onboarding_id), known, pair.not_in(sorted(LEGAL_ACTORS)))


@rule("I6", Onboarding.id, what="transition {} led to {}, against the choice of {}", do=_FORGED)
def guards_were_kept(within: Within) -> Rows:
    """A choice, an approval and an acknowledgement lead where the connection type says."""
    chosen = _last_choice("connection_type"), _last_choice("credential_mode")
    kind = func.coalesce(Transition.details["connection_type"].as_string(), chosen[0])
    leads_to = case(
        (
            Transition.event == "choose_type",
            case(
                (kind == "legacy_soap", "redirected_to_soap"),
                (kind == "aggregator", "checking_aggregator"),
                (kind.is_not(None), "type_chosen"),
            ),
        ),
        (
            Transition.event == "approve_aggregator",
            case(
                (chosen[1] == "delegated", "awaiting_seller"), (chosen[1] == "full", "type_chosen")
            ),
        ),
        (
            Transition.event == "acknowledge_secret",
            case((kind == "credentials_only", "credentials_issued"), else_="awaiting_seller"),
        ),
    )
    guarded = Transition.event.in_(("choose_type", "approve_aggregator", "acknowledge_secret"))
    return select(Transition.onboarding_id, Transition.sequence, Transition.target, kind).where(
        within(Transition.onboarding_id), guarded, Transition.target != leads_to
    )


@rule(
    "I6",
    Onboarding.id,
    what="the state {} is none that the connection type {} leads to",
    do=_FORGED,
)
def state_fits_the_type(within: Within) -> Rows:
    """An onboarding is in a state that its connection type leads to."""
    delegated = Onboarding.credential_mode.is_not_distinct_from("delegated")
    kind = case((delegated, "delegated"), else_=func.coalesce(Onboarding.connection_type, ""))
    pairs = sorted((state, fitting) for state in FITTING for fitting in FITTING[state])
    return select(Onboarding.id, Onboarding.state, kind).where(
        within(Onboarding.id), tuple_(Onboarding.state, kind).not_in(pairs)
    )


def _last_choice(name: str) -> Any:
    """What was chosen before a transition; NULL where history does not say."""
    choice = aliased(Transition)
    return (
        select(choice.details[name].as_string())
        .where(
            choice.onboarding_id == Transition.onboarding_id,
            choice.sequence < Transition.sequence,
            choice.event == "choose_type",
        )
        .order_by(choice.sequence.desc())
        .limit(1)
        .correlate(Transition)
        .scalar_subquery()
    )
