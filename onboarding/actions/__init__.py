"""What an operator may do to an onboarding: each action with who may, when it makes sense, and what it does.

The console and the terminal share this: look first, then carry out what was looked at, with a
reason, and one row in the trail whatever comes of it.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import audit, db, deciding, lifecycle, previews, standing
from onboarding.actions import endings, hands, letters, moves
from onboarding.actions.rules import Action, Option, Order
from onboarding.audit import Attempt
from onboarding.chart import MAY_FIRE
from onboarding.errors import Invalid, MovedOn, NotEligible, NotFound, Refusal
from onboarding.models import Onboarding
from onboarding.operators import Who
from onboarding.previews import Preview
from onboarding.sealing import Keyring

# Characters of a reason: the number of a ticket is one.
REASON: Final = (3, 500)
ACTIONS: Final[Mapping[str, Action]] = (
    hands.actions() | letters.actions() | moves.actions() | endings.actions()
)

__all__ = ["ACTIONS", "REASON", "Action", "Option", "Order"]


def of(name: str) -> Action:
    """The action of this name. Raises NotFound."""
    if name not in ACTIONS:
        raise NotFound("action")
    return ACTIONS[name]


def preview(session: Session, onboarding: Onboarding, name: str, who: Who) -> Preview:
    """Look at an action. Raises RoleNeeded, NotEligible, or EventNotAllowed."""
    action = of(name)
    who.require(action.permission)
    if name in MAY_FIRE:
        # It says what would be possible instead.
        deciding.decide(deciding.facts_of(onboarding), name, "operator")
    if why_not := action.why_not(standing.of(session, onboarding), Order(who)):
        raise NotEligible(why_not)
    seen = ((onboarding.id, onboarding.sequence),)
    return previews.make(name, who.id, db.clock(session), seen)


def carry_out(
    session: Session, ring: Keyring, who: Who, chosen: Preview, reason: str, choice: str = ""
) -> Onboarding:
    """Do what was looked at, once, and write it into the trail. Raises any Refusal.

    What has moved on since it was looked at is left alone.
    """
    action = of(chosen.action)
    who.require(action.permission)
    why, lines = checked(reason), in_lines(reason)
    order = Order(who, why, choose(session, action, choice), lines)
    (seen,) = chosen.items
    return carry_out_one(session, ring, action, order, seen, preview_id=chosen.id)


def carry_out_one(
    session: Session,
    ring: Keyring,
    action: Action,
    order: Order,
    seen: tuple[UUID, int],
    *,
    preview_id: UUID | None = None,
    run: int | None = None,
) -> Onboarding:
    """Do it to one onboarding that stands as it was seen: its ID, and its latest transition.

    Raises MovedOn, NotEligible or any other Refusal. `run` is the number of the run that it is part of.
    """
    onboarding_id, sequence = seen
    onboarding = lifecycle.lock(session, onboarding_id)
    if onboarding.sequence != sequence:
        raise MovedOn(onboarding.state, onboarding.sequence)
    stands = standing.of(session, onboarding)
    if why_not := action.why_not(stands, order):
        raise NotEligible(why_not)
    before = onboarding.state
    told = action.carry_out(session, stands, order)
    moved = {"from": before, "to": onboarding.state} if onboarding.state != before else {}
    part = {"run": run} if run else {}
    who, details = order.who, moved | told | part
    audit.append(
        session,
        ring,
        Attempt(
            who.id, who.role, action.name, order.reason, "done", onboarding_id, details, preview_id
        ),
    )
    return onboarding


def refused(
    session: Session,
    ring: Keyring,
    who: Who,
    action: str,
    onboarding_id: UUID,
    reason: str,
    error: Refusal,
) -> None:
    """Write down that somebody tried, in a transaction of its own: the other one is undone."""
    tried = Attempt(
        who.id,
        who.role,
        action,
        cut(reason),
        "refused",
        onboarding_id,
        {"why": error.code},
    )
    audit.append(session, ring, tried)


def checked(reason: str) -> str:
    """A reason as the trail keeps it. Raises Invalid."""
    shortest, longest = REASON
    kept = " ".join(reason.split())
    if not kept.isprintable() or not shortest <= len(kept) <= longest:
        raise Invalid({"reason": f"Say why, in {shortest} to {longest} characters."})
    return kept


def in_lines(reason: str) -> str:
    """The same in the lines in which it was written, for what is read as a text. Raises Invalid."""
    lines = [line.expandtabs(4).rstrip() for line in reason.strip().splitlines()]
    kept = "\n".join(lines)
    if len(kept) > REASON[1]:
        raise Invalid({"reason": f"Say why, in {REASON[0]} to {REASON[1]} characters."})
    return "".join(each if each.isprintable() or each == "\n" else " " for each in kept)


def cut(reason: str) -> str:
    """Whatever was said by somebody who was refused, as far as it can be kept."""
    said = "".join(each for each in " ".join(reason.split()) if each.isprintable())
    return said[: REASON[1]]


def options(session: Session, action: Action) -> list[Option]:
    """What there is to choose; empty where there is nothing."""
    return [*action.options(session)] if action.options else []


def choose(session: Session, action: Action, choice: str) -> str:
    """The choice, if it is one. Raises Invalid."""
    if not action.options:
        return ""
    known = action.options(session)
    if choice not in {option.value for option in known}:
        raise Invalid({"choice": _one_of(known)})
    return choice


def _one_of(known: Sequence[Option]) -> str:
    """For a terminal, which shows no list to choose from."""
    if not known:
        return "There is none to choose from yet."
    called = (f"{each.value} ({each.name})" if each.name else each.value for each in known)
    return f"One of {', '.join(called)}."
