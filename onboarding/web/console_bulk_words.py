"""How the console names runs, what came of their items, and what can be done about them."""

from collections.abc import Mapping
from typing import Final

from onboarding.words import N_

STATUSES: Final[Mapping[str, str]] = {
    "proposed": N_("Waits until a second person agrees"),
    "running": N_("Is carried out"),
    "paused": N_("Rests"),
    "declined": N_("Was declined"),
    "aborted": N_("Was ended"),
    "done": N_("Is done"),
}
WHY: Final[Mapping[str, str]] = {
    "first": N_("The first ones are carried out. Look what came of them, then go on."),
    "failures": N_("Too many have failed. Find out why before you go on."),
    "by_hand": N_("Somebody has paused it."),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "waiting": N_("to be done"),
    "carried_out": N_("under way"),
    "done": N_("done"),
    "failed": N_("failed for good"),
    "refused": N_("left alone"),
    "not_eligible": N_("nothing to do"),
}
STEPS: Final[Mapping[str, str]] = {
    "agree": N_("Agree, and begin"),
    "decline": N_("Decline"),
    "pause": N_("Pause"),
    "resume": N_("Go on"),
    "abort": N_("End it here"),
}
