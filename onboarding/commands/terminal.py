"""Who sits at a terminal, and what they typed. Without a role of its own, whoever has one may do everything."""

import getpass
import os
import sys

from onboarding.actions import ACTIONS
from onboarding.admissions import Change
from onboarding.errors import Invalid
from onboarding.operators import Who
from onboarding.settings import settings


def known(action: str) -> str:
    """The name of an action, as it was typed. Raises Invalid for one that there is not."""
    if action not in ACTIONS:
        raise Invalid({"action": f"One of {', '.join(sorted(ACTIONS))}."})
    return action


def operator() -> Who:
    """Whoever sits at this terminal, by the name that the system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has a number only.
        name = str(os.getuid())
    return Who(f"cli:{name}", name, settings().terminal_role or None)


def change(action: str, reason: str) -> Change:
    """What whoever sits here changes of what others may do, as the trail has it."""
    who = operator()
    return Change(who.id, who.role, action, reason)


def agrees(question: str) -> bool:
    """Ask, where there is somebody to ask."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
