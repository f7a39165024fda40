"""Carries out messages: claims them, has their work done, and tells the outbox what came of it.

A task takes the ID of a message and nothing else. It finishes in one transaction with the event
that it reports, so a late or repeated run writes nothing.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Final
from uuid import UUID

from onboarding import (
    crash_points,
    lifecycle,
    logs,
    outbox,
    presence,
    redelivery,
    tracing,
)
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, MovedOn, NotFound
from onboarding.outbox import Claim, LeaseLost
from workers import failures
from workers.kinds import Letters, Outside, Quick
from workers.tasks import TASKS, work_of

log = logs.get(__name__)

# Messages that one transaction takes, at most.
AT_ONCE: Final = 20
# Seconds for which one call goes on: well below the time after which Celery cuts it off.
ENOUGH: Final = 5.0

# Seconds after which a call listens for no more: a message that goes first may wait for as long.
A_MOMENT: Final = 1.0

# Waits for so many seconds at most; whether there is more to do.
Hear = Callable[[float], bool]

# What speaks to somebody outside, done one after the other and noted together.
_Outside = Outside[Any] | Letters[Any]

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
    with reading() as session:
        rest = redelivery.untried(session)
    outbox.publish(rest)


def drain(message_id: str, enough: float = ENOUGH, hear: Hear | None = None) -> None:
    """Carry out one message, and all that nobody has tried yet: one call is enough for many.

    Those are taken together, which costs a fraction, and so is what they promise in turn. What was
    tried before comes alone: it may be what kills workers. After `enough` seconds it gives back what
    it has not begun. Where it can `hear` of more it listens for a moment before it ends.
    """
    wanted, began = _read(message_id), time.monotonic()
    claims, more = list[Claim](), True
    while wanted and (claims or more or _hears(hear, began + A_MOMENT)):
        if not claims:
            claims = _take(wanted)
            # Whoever promises something after this look wakes somebody for it.
            more = len(claims) >= AT_ONCE
        if time.monotonic() > began + enough:
            _give_back(claims)
            return
        claims = _carry_out_all(claims, began + enough)


def _read(message_id: str) -> UUID | None:
    crash_points.reach("task.received")
    try:
        return UUID(message_id)
    except ValueError:
        log.warning("not_a_message", length=len(message_id))
        return None


def _hears(hear: Hear | None, until: float) -> bool:
    """A broker that is away says nothing: what is promised meanwhile comes due."""
    try:
        return hear is not None and hear(until - time.monotonic())
    except Exception as error:  # noqa: BLE001 - whatever it is, somebody is sent for the next time
        log.info("not_listening", error=type(error).__name__)
        return False


def _take(wanted: UUID) -> list[Claim]:
    return outbox.claim_many(wanted, AT_ONCE, owner=presence.sign(), known=TASKS)


def _give_back(claims: Sequence[Claim]) -> None:
    if not claims:
        return
    with transaction() as session:
        outbox.give_back(session, claims)


def _carry_out_all(claims: Sequence[Claim], until: float = math.inf) -> list[Claim]:
    """Together what can be; whatever goes wrong with one then is found out by one after the other.

    What was promised meanwhile, and taken at once.
    """
    if claims:
        crash_points.reach("task.claimed")
    free = [claim for claim in claims if claim.id not in _under_way]
    for claim in claims:
        if claim.id in _under_way:
            failures.spare_a_thread(claim)
    _under_way.update(claim.id for claim in free)
    try:
        taken = [more for alike in _groups(free) for more in _carry_out_alike(alike, until)]
    finally:
        _under_way.difference_update(claim.id for claim in free)
    if claims:
        crash_points.reach("task.done")
    return taken


def _groups(claims: Sequence[Claim]) -> Iterator[list[Claim]]:
    """Quick ones first: somebody waits for what they report. What takes longest comes last."""
    tasks = {claim.task for claim in claims}
    quick = {task for task in tasks if isinstance(work_of(task), Quick)}
    yield [claim for claim in claims if claim.task in quick]
    for task in sorted(tasks - quick, key=_takes_long):
        yield [claim for claim in claims if claim.task == task]


def _takes_long(task: str) -> tuple[bool, str]:
    return not isinstance(work_of(task), Outside | Letters), task


def _carry_out_alike(claims: Sequence[Claim], until: float) -> list[Claim]:
    work = work_of(claims[0].task) if claims else None
    if isinstance(work, Quick) and until < math.inf:
        taken = _together(claims)
    elif len(claims) > 1 and isinstance(work, Outside | Letters):
        taken = [] if _one_after_the_other(work, claims, until) else None
    else:
        taken = None
    if taken is None:
        _each_alone(claims, until)
    return taken or []


def _each_alone(claims: Sequence[Claim], until: float) -> None:
    for number, claim in enumerate(claims):
        if number and time.monotonic() > until:
            _give_back(claims[number:])
            return
        _carry_out(claim)


def _together(claims: Sequence[Claim]) -> list[Claim] | None:
    """In one transaction. None: something is wrong with one of them, and nothing was written."""
    taken: list[Claim] = []
    if len(claims) == 1:
        _carry_out(claims[0], lambda: taken.extend(_in_one_transaction(claims)))
        return taken
    try:
        return _in_one_transaction(claims)
    except Exception as error:  # noqa: BLE001 - each finds out for itself
        log.info("not_together", count=len(claims), error=type(error).__name__)
        return None


def _in_one_transaction(claims: Sequence[Claim]) -> list[Claim]:
    """What they promise in turn, and is taken at once."""
    with transaction() as session, lifecycle.together(session, claims, presence.sign()) as taken:
        for claim in claims:
            with _told(claim) if len(claims) > 1 else nullcontext():
                work_of(claim.task).work(session, claim)  # type: ignore[attr-defined]
    return taken


def _one_after_the_other(work: _Outside, claims: Sequence[Claim], until: float) -> bool:
    """Prepared together, and noted together. False: nothing was done, and nothing was written."""
    try:
        with transaction() as session:
            things = deque((claim, work.prepare(session, claim)) for claim in claims)
    except Exception as error:  # noqa: BLE001 - each finds out for itself
        log.info("not_together", count=len(claims), error=type(error).__name__)
        return False
    done: list[tuple[Claim, Any]] = []
    with work.doing() as do:
        # A server that is slow must not have us cut off with letters that are out and not noted; one that
        # hangs takes its time, too.
        while things and (len(things) == len(claims) or time.monotonic() < until):
            claim, thing = things.popleft()
            if _done(do, claim, thing):
                done.append((claim, thing))
        _keep(work, done)
    if things:
        _give_back([claim for claim, _ in things])
    return True


def _keep(work: _Outside, done: list[tuple[Claim, Any]]) -> None:
    try:
        if done:
            work.keep(done)
    except Exception:  # noqa: BLE001 - each finds out for itself, and nothing is done twice
        for each in done:
            with _told(each[0]):
                _attempt(each[0], partial(work.keep, [each]))


def _done(do: Callable[[Any], None], claim: Claim, thing: Any) -> bool:
    with _told(claim):
        return thing is None or _attempt(claim, partial(do, thing))


def _carry_out(claim: Claim, do: Callable[[], None] | None = None) -> None:
    with _told(claim):
        if _attempt(claim, do or partial(work_of(claim.task), claim)):
            tracing.tell({"outcome": "done"})


def _attempt(claim: Claim, do: Callable[[], None]) -> bool:
    """Whatever happens to a task, the outbox hears of it. Whether nothing went wrong."""
    try:
        do()
    except LeaseLost:
        log.info("lease_lost", attempt=claim.attempt)
        tracing.tell({"outcome": "lease_lost"})
    except (MovedOn, EventNotAllowed, NotFound) as error:
        failures.give_up(claim, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the outbox decides
        failures.fail(claim, error)
    else:
        return True
    return False


def _told(claim: Claim) -> AbstractContextManager[object]:
    """What is logged and traced within is about this one."""
    about = logs.bound(task=claim.task, message=claim.id, onboarding=claim.onboarding_id)
    return _traced(claim, about) if tracing.are_on() else about


@contextmanager
def _traced(claim: Claim, about: logs.bound) -> Iterator[None]:
    """A trace of its own for each attempt, with a link to whoever promised it, long ago perhaps."""
    told = {"message.id": claim.id, "onboarding.id": claim.onboarding_id, "attempt": claim.attempt}
    with tracing.span(f"task.{claim.task}", told, follows=claim.traceparent, root=True), about:
        yield
