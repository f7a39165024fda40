"""What an operator may do to an onboarding: each action with who may, when it makes sense, and what it does.

The console and the terminal share this: look first, then carry out what was looked at, with a
reason, and one row in the trail whatever comes of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from onboarding import audit, db, events, lifecycle, outbox, previews, queries
from onboarding.audit import Attempt
from onboarding.chart import MAY_FIRE, NOTICES
from onboarding.errors import Invalid, MovedOn, NotEligible, NotFound, Refusal
from onboarding.models import Assignment, Message, Note, Onboarding
from onboarding.operators import Who
from onboarding.previews import Preview
from onboarding.sealing import Keyring
from onboarding.words import N_

# Characters of a reason: the number of a ticket is one.
REASON: Final = (3, 500)

# What an action leaves in the trail.
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do: the permission that it needs, why it makes no sense now (or None), and doing it."""

    name: str
    permission: str
    why_not: Callable[[Session, Onboarding, Who], str | None]
    carry_out: Callable[[Session, Onboarding, Who, str], Told]


def of(name: str) -> Action:
    """The action of this name. Raises NotFound."""
    if name not in ACTIONS:
        raise NotFound
    return ACTIONS[name]


def preview(session: Session, onboarding: Onboarding, name: str, who: Who) -> Preview:
    """Look at an action. Raises RoleNeeded, NotEligible, or EventNotAllowed."""
    action = of(name)
    who.require(action.permission)
    if name in MAY_FIRE:
        # It says what would be possible instead.
        lifecycle.decide(lifecycle.facts_of(onboarding), name, "operator")
    if why_not := action.why_not(session, onboarding, who):
        raise NotEligible(why_not)
    seen = ((onboarding.id, onboarding.sequence),)
    return previews.make(name, who.id, db.clock(session), seen)


def carry_out(
    session: Session, ring: Keyring, who: Who, chosen: Preview, reason: str
) -> Onboarding:
    """Do what was looked at, once, and write it into the trail. Raises any Refusal.

    What has moved on since it was looked at is left alone.
    """
    action = of(chosen.action)
    who.require(action.permission)
    reason = checked(reason)
    ((onboarding_id, sequence),) = chosen.items
    onboarding = lifecycle.lock(session, onboarding_id)
    if onboarding.sequence != sequence:
        raise MovedOn(onboarding.state, onboarding.sequence)
    if why_not := action.why_not(session, onboarding, who):
        raise NotEligible(why_not)
    before = onboarding.state
    told = action.carry_out(session, onboarding, who, reason)
    moved = {"from": before, "to": onboarding.state} if onboarding.state != before else {}
    done = Attempt(
        who.id, who.role, action.name, reason, "done", onboarding_id, moved | told, chosen.id
    )
    audit.append(session, ring, done)
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
        # Whatever was said, as far as it can be kept.
        " ".join(reason.split())[: REASON[1]],
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


def _event_makes_no_sense(
    event: str, session: Session, onboarding: Onboarding, who: Who
) -> str | None:
    if event in lifecycle.allowed(lifecycle.facts_of(onboarding), "operator"):
        return None
    return N_("It is not possible where this stands now")


def _fire(
    event: str,
    session: Session,
    onboarding: Onboarding,
    who: Who,
    reason: str,
) -> Told:
    events.handle(session, onboarding.id, event, who.because(reason), {})
    return {}


def _nothing_failed(session: Session, onboarding: Onboarding, who: Who) -> str | None:
    return None if _failed(session, onboarding) else N_("Nothing has failed for good")


def _retry(session: Session, onboarding: Onboarding, who: Who, reason: str) -> Told:
    failed = _failed(session, onboarding)
    # Before they are retried: then they have no cause any more.
    told = {"tasks": sorted(f"{m.task}: {m.cause}" for m in failed)}
    for message in failed:
        outbox.retry(session, message.id)
    return told


def _failed(session: Session, onboarding: Onboarding) -> list[Message]:
    return [m for m in queries.messages_of(session, onboarding.id) if m.failed_at is not None]


def _no_letter(session: Session, onboarding: Onboarding, who: Who) -> str | None:
    if not onboarding.contact_email:
        return N_("There is no e-mail address")
    if _letter_of(session, onboarding) is None:
        return N_("There is no letter for where this stands now")
    waiting = queries.messages_of(session, onboarding.id)
    if any(m.task == "send_email" and m.failed_at is None for m in waiting):
        return N_("A letter is on its way already")
    return None


def _letter_of(session: Session, onboarding: Onboarding) -> str | None:
    """What was written when it came to where it stands."""
    latest = queries.history(session, onboarding.id)[-1]
    return NOTICES.get((latest.event, latest.target))


def _resend(session: Session, onboarding: Onboarding, who: Who, reason: str) -> Told:
    notice = _letter_of(session, onboarding)
    outbox.promise(
        session,
        "send_email",
        {"notice": notice},
        onboarding_id=onboarding.id,
        sequence=onboarding.sequence,
    )
    return {"notice": notice}


def _never(session: Session, onboarding: Onboarding, who: Who) -> str | None:
    return None


def _note(session: Session, onboarding: Onboarding, who: Who, reason: str) -> Told:
    """The reason is what was noted: it says why by itself."""
    session.add(Note(id=db.new_id(), onboarding_id=onboarding.id, author=who.id, text=reason))
    return {}


def _is_mine(session: Session, onboarding: Onboarding, who: Who) -> str | None:
    if who.operator_id is None:
        return N_("Sign in to the console to take it on")
    mine = session.get(Assignment, onboarding.id)
    return N_("It is yours already") if mine and mine.operator_id == who.operator_id else None


def _take_on(session: Session, onboarding: Onboarding, who: Who, reason: str) -> Told:
    before = session.get(Assignment, onboarding.id)
    told = {"before": str(before.operator_id)} if before else {}
    _let_go(session, onboarding, who, reason)
    session.execute(
        insert(Assignment).values(onboarding_id=onboarding.id, operator_id=who.operator_id)
    )
    return told


def _is_nobodys(session: Session, onboarding: Onboarding, who: Who) -> str | None:
    taken = select(Assignment).where(Assignment.onboarding_id == onboarding.id)
    return None if session.scalar(taken) else N_("Nobody has taken it on")


def _let_go(session: Session, onboarding: Onboarding, who: Who, reason: str) -> Told:
    session.execute(delete(Assignment).where(Assignment.onboarding_id == onboarding.id))
    return {}


def _of_the_chart() -> dict[str, Action]:
    """Every event of the chart that an operator may fire."""
    return {
        event: Action(
            event,
            "act" if event in _SAFE else "decide",
            partial(_event_makes_no_sense, event),
            partial(_fire, event),
        )
        for event, actors in MAY_FIRE.items()
        if "operator" in actors
    }


# It takes nothing back, and decides nothing for anybody.
_SAFE: Final = frozenset({"recheck_aggregator"})

ACTIONS: Final[Mapping[str, Action]] = {
    "retry": Action("retry", "act", _nothing_failed, _retry),
    "resend": Action("resend", "act", _no_letter, _resend),
    "take_on": Action("take_on", "act", _is_mine, _take_on),
    "let_go": Action("let_go", "act", _is_nobodys, _let_go),
    "note": Action("note", "act", _never, _note),
} | _of_the_chart()
