"""Carries out messages: claims them, has their work done, and tells the outbox what came of it.

A task takes the ID of a message and nothing else. It finishes in one transaction with the event
that it reports, so a late or repeated run writes nothing.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import StatementError

from onboarding import (
    crash_points,
    lifecycle,
    logs,
    mail,
    outages,
    outbox,
    presence,
    redelivery,
    tracing,
)
from onboarding.db import transaction
from onboarding.errors import EventNotAllowed, MovedOn, NotFound, Unavailable
from onboarding.outbox import Claim, LeaseLost
from workers.kinds import Outside, Quick
from workers.tasks import TASKS

log = logs.get(__name__)

# Messages that one transaction takes, at most.
AT_ONCE: Final = 20
# Seconds for which one call goes on: well below the time after which Celery cuts it off.
ENOUGH: Final = 5.0

# The messages that threads of this process are at.
_under_way: set[UUID] = set()


def run(message_id: str) -> None:
    """Carry out one message, if it is still there and nobody else's turn.

    The row says which task it is: whoever reaches the broker can only ask for what is promised.
    """
    if wanted := _read(message_id):
        with transaction() as session:
            claim = outbox.claim(session, wanted, owner=presence.sign(), known=TASKS)
        _carry_out_all([claim] if claim else [])


def run_first(message_id: str) -> None:
    """Carry out one message that goes before all that waits, alone: more like it may wait behind it.

    A message in the broker stands for all that nobody has tried. This one has been taken and has not
    looked at those, so it passes that on.
    """
    run(message_id)
    with transaction() as session:
        redelivery.announce_untried(session)


def drain(message_id: str, enough: float = ENOUGH) -> None:
    """Carry out one message, and all that nobody has tried yet: one call is enough for many.

    Those are taken together, which costs a fraction. What was tried before comes alone: it may be
    what kills workers. After `enough` seconds it gives back what it has not begun.
    """
    wanted, until = _read(message_id), time.monotonic() + enough
    while wanted and (claims := _take(wanted)):
        if time.monotonic() > until:
            _give_back(claims)
            return
        _carry_out_all(claims, until)


def _read(message_id: str) -> UUID | None:
    crash_points.reach("task.received")
    try:
        return UUID(message_id)
    except ValueError:
        log.warning("not_a_message", length=len(message_id))
        return None


def _take(wanted: UUID) -> list[Claim]:
    with transaction() as session:
        return outbox.claim_many(session, wanted, AT_ONCE, owner=presence.sign(), known=TASKS)


def _give_back(claims: Sequence[Claim]) -> None:
    with transaction() as session:
        outbox.give_back(session, claims)


def _carry_out_all(claims: Sequence[Claim], until: float = math.inf) -> None:
    """Together what can be; whatever goes wrong with one then is found out by one after the other."""
    if claims:
        crash_points.reach("task.claimed")
    free = [claim for claim in claims if claim.id not in _under_way]
    for claim in claims:
        if claim not in free:
            _spare_a_thread(claim)
    _under_way.update(claim.id for claim in free)
    try:
        for alike in _groups(free):
            _carry_out_alike(alike, until)
    finally:
        _under_way.difference_update(claim.id for claim in free)
    if claims:
        crash_points.reach("task.done")


def _groups(claims: Sequence[Claim]) -> Iterator[list[Claim]]:
    """Quick ones first: somebody waits for what they report. What takes longest comes last."""
    quick = [claim for claim in claims if isinstance(TASKS[claim.task], Quick)]
    rest = [claim for claim in claims if claim not in quick]
    yield quick
    for task in sorted({claim.task for claim in rest}, key=_takes_long):
        yield [claim for claim in rest if claim.task == task]


def _takes_long(task: str) -> tuple[bool, str]:
    return not isinstance(TASKS[task], Outside), task


def _carry_out_alike(claims: Sequence[Claim], until: float) -> None:
    work = TASKS[claims[0].task] if claims else None
    if len(claims) > 1 and isinstance(work, Quick):
        done = _together(claims)
    elif len(claims) > 1 and isinstance(work, Outside):
        done = _one_after_the_other(work, claims, until)
    else:
        done = False
    if not done:
        _each_alone(claims, until)


def _each_alone(claims: Sequence[Claim], until: float) -> None:
    for number, claim in enumerate(claims):
        if number and time.monotonic() > until:
            _give_back(claims[number:])
            return
        _carry_out(claim)


def _together(claims: Sequence[Claim]) -> bool:
    """In one transaction. False: something is wrong with one of them, and nothing was written."""
    try:
        with transaction() as session:
            outbox.finish(session, *claims)
            lifecycle.lock_all(session, {c.onboarding_id for c in claims if c.onboarding_id})
            for claim in claims:
                with _told(claim):
                    TASKS[claim.task].work(session, claim)  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - each finds out for itself
        log.info("not_together", count=len(claims), error=type(error).__name__)
        return False
    return True


def _one_after_the_other(work: Outside[Any], claims: Sequence[Claim], until: float) -> bool:
    """Prepared together, and noted together. False: nothing was done, and nothing was written."""
    try:
        with transaction() as session:
            things = deque((claim, work.prepare(session, claim)) for claim in claims)
    except Exception as error:  # noqa: BLE001 - each finds out for itself
        log.info("not_together", count=len(claims), error=type(error).__name__)
        return False
    done: list[tuple[Claim, Any]] = []
    # A server that is slow must not have us cut off with letters that are out and not noted.
    while things and (not done or time.monotonic() < until):
        claim, thing = things.popleft()
        if _done(work, claim, thing):
            done.append((claim, thing))
    _keep(work, done)
    if things:
        _give_back([claim for claim, _ in things])
    return True


def _keep(work: Outside[Any], done: list[tuple[Claim, Any]]) -> None:
    try:
        if done:
            work.keep(done)
    except Exception:  # noqa: BLE001 - each finds out for itself, and nothing is done twice
        for each in done:
            with _told(each[0]):
                _attempt(each[0], partial(work.keep, [each]))


def _done(work: Outside[Any], claim: Claim, thing: Any) -> bool:
    with _told(claim):
        return thing is None or _attempt(claim, partial(work.do, thing))


def _carry_out(claim: Claim) -> None:
    with _told(claim):
        if _attempt(claim, partial(TASKS[claim.task], claim)):
            tracing.tell({"outcome": "done"})


def _attempt(claim: Claim, do: Callable[[], None]) -> bool:
    """Whatever happens to a task, the outbox hears of it. Whether nothing went wrong."""
    try:
        do()
    except LeaseLost:
        log.info("lease_lost", attempt=claim.attempt)
        tracing.tell({"outcome": "lease_lost"})
    except (MovedOn, EventNotAllowed, NotFound) as error:
        _give_up(claim, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the outbox decides
        _fail(claim, error)
    else:
        return True
    return False


@contextmanager
def _told(claim: Claim) -> Iterator[None]:
    """What is logged and traced within is about this one."""
    about = {"task": claim.task, "message": str(claim.id), "onboarding": str(claim.onboarding_id)}
    with _traced(claim), logs.bound(**about):
        yield


def _traced(claim: Claim) -> AbstractContextManager[object]:
    """A trace of its own for each attempt, with a link to whoever promised it, long ago perhaps."""
    told = {"message.id": claim.id, "onboarding.id": claim.onboarding_id, "attempt": claim.attempt}
    return tracing.span(f"task.{claim.task}", told, follows=claim.traceparent, root=True)


def _give_up(claim: Claim, why: str) -> None:
    """The onboarding has left the state that promised this: nobody waits for the result."""
    log.info("obsolete", why=why)
    tracing.tell({"outcome": "obsolete"})
    with suppress(LeaseLost), transaction() as session:
        outbox.finish(session, claim)


def _fail(claim: Claim, error: Exception) -> None:
    """Come back later, or leave an incident for an operator. The cause is a code, not a trace."""
    cause, final = _cause(error), isinstance(error, mail.Refused)
    with transaction() as session:
        over = outbox.fail(session, claim, cause, _one_line(error), final=final)
    tracing.tell({"outcome": "incident" if over else "failed", "cause": cause})
    log.warning("task_failed", attempt=claim.attempt, cause=cause, incident=over, exc_info=error)


def _spare_a_thread(claim: Claim) -> None:
    """Its turn before is over, and a thread of ours is at it still: this one would hang as well.

    Nobody can end a thread. One that was only slow is out of the way at the next attempt.
    """
    with transaction() as session:
        over = outbox.fail(session, claim, "task_hangs", "its turn has ended, and it has not")
    log.error("task_hangs", task=claim.task, message=str(claim.id), incident=over)


def _cause(error: Exception) -> str:
    """The code of what was not there, or of the outage that an error stands for; else it is a bug."""
    ours = outages.outage(error) or error
    if isinstance(ours, Unavailable):
        return ours.code
    return ours.cause if isinstance(ours, mail.Refused | mail.Unavailable) else "task_failed"


def _one_line(error: Exception) -> str:
    """SQLAlchemy adds the statement, and PostgreSQL the values that were in its way: neither is told."""
    if isinstance(error, StatementError):
        why = str(error.orig or "").partition("\n")[0]
    else:
        why = str(error)
    return " ".join(f"{type(error).__name__}: {why}".split())
