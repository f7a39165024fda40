"""What operators do about a run: agree to it, decline it, pause it, have it go on, end it."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding import actions, audit, db, runs
from onboarding.audit import Attempt
from onboarding.errors import NotEligible, NotFound, Refusal, SecondPersonNeeded
from onboarding.models import Run
from onboarding.operators import Who
from onboarding.sealing import Keyring
from onboarding.words import N_


def agree(session: Session, ring: Keyring, who: Who, number: int, reason: str) -> Run:
    """Agree to what somebody else has proposed: it begins. Raises any Refusal."""
    run = _held(session, who, number, "agree")
    if run.actor == who.id:
        raise SecondPersonNeeded
    run.agreed_by, run.status, run.next_at = who.id, "running", db.clock(session)
    runs.tell(session, ring, who, run, "agree", actions.checked(reason))
    return run


def decline(session: Session, ring: Keyring, who: Who, number: int, reason: str) -> Run:
    """Refuse what was proposed, or take one's own proposal back. Raises any Refusal."""
    run = _held(session, who, number, "decline")
    run.status, run.ended_at = "declined", db.clock(session)
    runs.tell(session, ring, who, run, "decline", actions.checked(reason))
    return run


def pause(session: Session, ring: Keyring, who: Who, number: int, reason: str) -> Run:
    """Rest after what is under way. Raises any Refusal."""
    run = _held(session, who, number, "pause")
    run.status, run.why = "paused", "by_hand"
    runs.tell(session, ring, who, run, "pause", actions.checked(reason))
    return run


def resume(session: Session, ring: Keyring, who: Who, number: int, reason: str) -> Run:
    """Go on; failures until now have been looked at. Raises any Refusal."""
    run = _held(session, who, number, "resume")
    run.status, run.why = "running", None
    run.resumed_at = run.next_at = db.clock(session)
    runs.tell(session, ring, who, run, "resume", actions.checked(reason))
    return run


def abort(session: Session, ring: Keyring, who: Who, number: int, reason: str) -> Run:
    """End it: what was not begun stays as it is. Raises any Refusal."""
    run = _held(session, who, number, "abort")
    run.status, run.ended_at, run.next_at = "aborted", db.clock(session), db.clock(session)
    runs.tell(session, ring, who, run, "abort", actions.checked(reason))
    return run


def refused(
    session: Session,
    ring: Keyring,
    who: Who,
    run: Run,
    step: str,
    reason: str,
    error: Refusal,
) -> None:
    """Write down that somebody tried to steer it, in a transaction of its own."""
    details = {"run": run.number, "action": run.action, "why": error.code}
    said = actions.cut(reason)
    audit.append(
        session, ring, Attempt(who.id, who.role, f"run.{step}", said, "refused", None, details)
    )


STEPS: Final = {step.__name__: step for step in (agree, decline, pause, resume, abort)}
# From which statuses each step is possible.
POSSIBLE: Final[Mapping[str, Sequence[str]]] = {
    "proposed": ("agree", "decline"),
    "running": ("pause", "abort"),
    "paused": ("resume", "abort"),
}


def _held(session: Session, who: Who, number: int, step: str) -> Run:
    """The run, locked, where this step is possible. Raises NotFound, RoleNeeded or NotEligible."""
    run = session.scalars(
        select(Run)
        .where(Run.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if run is None:
        raise NotFound("run")
    who.require(actions.of(run.action).permission)
    if step not in POSSIBLE.get(run.status, ()):
        raise NotEligible(N_("It is not possible where this stands now"))
    return run
