"""One onboarding as a story: who, which events, when. Told backwards from how long it has stood where it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from onboarding.access import Actor
from onboarding.chart import NEXT_MOVE
from onboarding.population.chance import Chance
from onboarding.population.people import (
    Person,
    draw_choices,
    draw_person,
    who_fires,
    why_refused,
)
from onboarding.population.roads import Kind, draw_kind, draw_road, leads_to
from onboarding.population.scenes import OUTAGE_LASTS, Scene

# What becomes of it: anything; it is overdue; it is in the outage; its latest letter is deferred.
Fate = Literal["any", "overdue", "outage", "deferred"]

_OVERDUE: Final = 0.25
_THROUGH_A_SYSTEM: Final = 0.35
_LEAVES_AN_ADDRESS: Final = 0.5
# People do most things at once, and some days later.
_AT_ONCE: Final = 0.8
_BY_PLATFORM: Final = frozenset(
    {
        "approve_aggregator",
        "refuse_aggregator",
        "secret_generated",
        "verification_passed",
        "verification_failed",
    }
)

_MOMENT, _MINUTE = timedelta(milliseconds=50), timedelta(minutes=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Whatever has no part in the outage moved last before it: its letters got through.
_BEFORE_THE_OUTAGE: Final = 1.5 * OUTAGE_LASTS
# To ask for a code, to find the letter and to enter it.
CODE_SENT, CODE_USED = timedelta(seconds=10), timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Part:
    """What one onboarding stands for in the picture."""

    state: str
    fate: Fate = "any"


@dataclass(frozen=True, slots=True)
class Step:
    """One transition, with all that history keeps of it."""

    event: str
    source: str | None
    target: str
    actor: Actor
    at: datetime
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """An onboarding from its start until now."""

    part: Part
    kind: Kind
    person: Person
    choices: dict[str, Any]
    steps: tuple[Step, ...]
    # Since when we have an address, and since when it is proved.
    written_to_since: datetime | None
    verified_at: datetime | None
    # When the code that proved it was sent; None: it took none.
    code_sent_at: datetime | None


def tell(chance: Chance, scene: Scene, part: Part) -> Story:
    """A story that ends in the state of its part."""
    kind = draw_kind(chance, part.state)
    road = draw_road(chance, kind, part.state)
    person = draw_person(chance, scene, through_system=chance.happens(_THROUGH_A_SYSTEM))
    choices = draw_choices(chance, scene, kind, road)
    steps = _steps(chance, scene, part, kind, person, choices, road)
    return Story(part, kind, person, choices, steps, *_contact(chance, part, person, steps))


def _steps(
    chance: Chance,
    scene: Scene,
    part: Part,
    kind: Kind,
    person: Person,
    choices: dict[str, Any],
    road: list[str],
) -> tuple[Step, ...]:
    sources = ["started"]
    for event in road:
        sources.append(leads_to(kind, sources[-1], event))
    stays = [_stay(chance, s, e, part) for s, e in zip(sources, road, strict=False)]
    at = scene.now - _rest(chance, part) - sum(stays, timedelta())
    told = [Step("start", None, "started", who_fires(person, "start"), at, {})]
    for event, stay, source, target in zip(road, stays, sources, sources[1:], strict=False):
        at += stay
        actor = who_fires(person, event)
        details = _details(scene, person, choices, event, actor)
        told.append(Step(event, source, target, actor, at, details))
    return tuple(told)


def _details(
    scene: Scene, person: Person, choices: dict[str, Any], event: str, actor: Actor
) -> dict[str, Any]:
    details: dict[str, Any] = {"reason": actor.reason} if actor.reason else {}
    match event:
        case "choose_type":
            details |= choices
        case "refuse_aggregator":
            details["cause"] = why_refused(scene, choices)
        case "link_seller":
            details["seller_id"] = person.seller_id
        case "verification_failed":
            details["cause"] = "link_missing"
    return details


def _stay(chance: Chance, state: str, event: str, part: Part) -> timedelta:
    """How long it stands in a state before this event moves it on."""
    move = NEXT_MOVE[state]
    if event == move.then and move.then_after:
        return move.then_after + chance.between(_MOMENT, _MINUTE)
    if event in _BY_PLATFORM:
        return chance.mostly_short(_MOMENT, 60 * _MOMENT)
    if part.fate == "outage":
        # Letters of earlier moves went out before it began.
        return chance.between(_BEFORE_THE_OUTAGE, 5 * _HOUR)
    if chance.happens(_AT_ONCE) or not move.then_after:
        return chance.mostly_short(2 * CODE_USED, _HOUR)
    return chance.mostly_short(_HOUR, 0.8 * move.then_after)


def _rest(chance: Chance, part: Part) -> timedelta:
    """How long it has stood where it stands now. What the platform has not done by then is overdue."""
    move = NEXT_MOVE.get(part.state)
    if part.fate == "outage":
        return chance.between(_MINUTE, OUTAGE_LASTS - 2 * _MINUTE)
    if part.fate == "deferred":
        return chance.between(3 * _HOUR, 18 * _HOUR)
    if move is None:
        return chance.between(_BEFORE_THE_OUTAGE, 180 * _DAY)
    if not move.then_after:
        return chance.mostly_short(_BEFORE_THE_OUTAGE, 2 * _DAY)
    late = max(1.05 * move.overdue_after, _BEFORE_THE_OUTAGE)
    if part.fate == "overdue" or late == _BEFORE_THE_OUTAGE or chance.happens(_OVERDUE):
        return chance.between(late, 0.97 * move.then_after)
    return chance.mostly_short(_BEFORE_THE_OUTAGE, 0.95 * move.overdue_after)


def _contact(
    chance: Chance, part: Part, person: Person, steps: tuple[Step, ...]
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """Since when we have an address, since when it is proved, and when a code for it was sent.

    A calling system vouches for its contact. In a browser, a code proves it before a client ID is
    issued; on the way without one, signing in is enough.
    """
    began = steps[0].at
    if person.actor.kind == "api":
        return began, began, None
    given = part.fate in ("outage", "deferred") or chance.happens(_LEAVES_AN_ADDRESS)
    before = dict(zip((step.event for step in steps[1:]), steps, strict=False))
    events = [step.event for step in steps]
    if "issue_id" in events:
        asked = steps[events.index("issue_id") - 1].at
        return (began if given else asked + CODE_USED), asked + CODE_USED, asked + CODE_SENT
    linked = steps[events.index("link_seller")].at if "link_seller" in before else None
    return (began if given else None), linked, None
