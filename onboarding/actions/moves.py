"""Every event of the chart that an operator may fire, as an action."""

from functools import lru_cache, partial
from typing import Any, Final

from sqlalchemy.orm import Session

from onboarding import deciding, events
from onboarding.actions import letters
from onboarding.actions.rules import Action, Order, Told
from onboarding.chart import MAY_FIRE, NOTICES, Facts
from onboarding.errors import EventNotAllowed, StateUnknown
from onboarding.standing import Standing
from onboarding.words import N_

# It takes nothing back, and decides nothing for anybody.
_SAFE: Final = frozenset({"recheck_aggregator"})


def actions() -> dict[str, Action]:
    """One for each event that an operator may fire."""
    return {
        event: Action(
            event,
            "act" if event in _SAFE else "decide",
            partial(_why_not, event),
            partial(_fire, event),
            letter=partial(_letter, event),
        )
        for event, actors in MAY_FIRE.items()
        if "operator" in actors
    }


def _why_not(event: str, standing: Standing, order: Order) -> str | None:
    if _target(event, deciding.key(deciding.facts_of(standing.onboarding))) is None:
        return N_("It is not possible where this stands now")
    return None


def _fire(event: str, session: Session, standing: Standing, order: Order) -> Told:
    events.handle(session, standing.onboarding.id, event, order.who.because(order.reason), {})
    return {}


def _letter(event: str, standing: Standing) -> str | None:
    target = _target(event, deciding.key(deciding.facts_of(standing.onboarding)))
    if target is None or not standing.onboarding.contact_email:
        return None
    return NOTICES.get((event, target)) or letters.of_work(target)


@lru_cache(maxsize=4096)
def _target(event: str, facts: tuple[Any, ...]) -> str | None:
    """Where the event leads from there; None: nowhere. Thousands stand alike, so it is kept."""
    try:
        return deciding.decide(Facts(*facts), event, "operator")
    except (EventNotAllowed, StateUnknown):
        return None
