"""What can be done to an onboarding where it stands: the console's actions, as commands to copy."""

from typing import Final

from sqlalchemy.orm import Session

from onboarding import standing
from onboarding.actions import ACTIONS, Order, advice
from onboarding.chart import MAY_FIRE
from onboarding.commands.terminal import operator
from onboarding.models import Onboarding

_WHY: Final = '--reason "…"'


def possible(session: Session, onboarding: Onboarding) -> tuple[str, ...]:
    """The actions that whoever sits here may take, and that make sense now.

    What would move what is stuck comes first, as at the console.
    """
    stands, who = standing.of(session, onboarding), operator()
    first = advice.first(stands, Order(who))
    found = [
        name
        for name, action in ACTIONS.items()
        if who.may(action.permission) and action.why_not(stands, Order(who)) is None
    ]
    return tuple(sorted(found, key=lambda name: name != first))


def command(reference: str, action: str) -> str:
    """The command that does it."""
    if action == "note":
        return f'onboarding note {reference} "…"'
    if action == "retry":
        return f"onboarding retry {reference} {_WHY}"
    if action in MAY_FIRE:
        return f"onboarding fire {reference} {action} {_WHY}"
    chosen = " --choice …" if ACTIONS[action].options else ""
    return f"onboarding act {reference} {action}{chosen} {_WHY}"
