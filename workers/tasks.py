"""One function for each task that the product promises by name: claim, work, finish.

A task takes the ID of a message and nothing else. It finishes in one transaction with the event
that it reports, so a late or repeated run writes nothing.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from onboarding import (
    canaries,
    crash_points,
    credentials,
    lifecycle,
    links,
    logs,
    mail,
    notices,
    outages,
    outbox,
    presence,
    registry,
    running,
    tracing,
)
from onboarding.access import PLATFORM
from onboarding.db import transaction
from onboarding.errors import EventNotAllowed, MovedOn, NotFound, Refusal, Unavailable
from onboarding.models import Mail
from onboarding.outbox import Claim, LeaseLost
from onboarding.sealing import Keyring, read_keyring
from onboarding.settings import settings

log = logs.get(__name__)

Work = Callable[[Claim], None]


def generate_secret(claim: Claim) -> None:
    """Make the client secret and report that it is ready."""
    onboarding_id, sequence = _transition(claim)
    with transaction() as session:
        outbox.finish(session, claim)
        credentials.generate(session, onboarding_id, PLATFORM, _ring(), settings(), sequence)


def check_aggregator(claim: Claim) -> None:
    """Ask the registry about the aggregator and report its verdict."""
    onboarding_id, sequence = _transition(claim)
    with transaction() as session:
        outbox.finish(session, claim)
        onboarding = lifecycle.lock(session, onboarding_id)
        verdict = registry.check(session, onboarding)
        registry.adopt(session, onboarding)
        event = "approve_aggregator" if verdict.approved else "refuse_aggregator"
        details = {"cause": verdict.cause} if verdict.cause else {}
        lifecycle.fire(session, onboarding_id, event, PLATFORM, expected=sequence, details=details)


def verify_connection(claim: Claim) -> None:
    """Prove that the connection works and report the verdict."""
    onboarding_id, sequence = _transition(claim)
    with transaction() as session:
        outbox.finish(session, claim)
        verdict = links.verify(session, lifecycle.lock(session, onboarding_id))
        event = "verification_passed" if verdict.works else "verification_failed"
        details = {"cause": verdict.cause} if verdict.cause else {}
        onboarding = lifecycle.fire(
            session, onboarding_id, event, PLATFORM, expected=sequence, details=details
        )
        if verdict.works:
            links.mark_confirmed(session, onboarding)


def send_email(claim: Claim) -> None:
    """Tell somebody. No transaction is open while the mail server is spoken to.

    A crash between its answer and ours sends the same letter again, under the same Message-ID.
    """
    with transaction() as session:
        letter = notices.compose(session, claim, _ring(), settings())
    if letter is not None:
        mail.deliver(letter, settings())
        crash_points.reach("mail.handed_over")
    with transaction() as session:
        outbox.finish(session, claim)
        if letter is not None:
            if claim.cause in mail.AWAY:
                outbox.wake(session, claim.cause)
            session.execute(
                insert(Mail).values(
                    id=claim.id,
                    onboarding_id=letter.onboarding_id,
                    notice=letter.notice,
                    locale=letter.locale,
                )
            )


def revoke_client(claim: Claim) -> None:
    """Withdraw a client at the authorization server; here it is refused since the transition."""
    with transaction() as session:
        outbox.finish(session, claim)
        credentials.withdraw_client(session, str(claim.about["client_id"]))


def recheck_parked(claim: Claim) -> None:
    """The registry has changed: wake a batch of those who wait for the aggregator, then the next."""
    aggregator = str(claim.about["aggregator"])
    after = claim.about.get("after")
    with transaction() as session:
        outbox.finish(session, claim)
        waiting = registry.parked(session, aggregator, UUID(after) if after else None)
        for onboarding_id in waiting:
            _recheck(session, onboarding_id)
        if len(waiting) == registry.BATCH:
            about = {"aggregator": aggregator, "after": str(waiting[-1])}
            outbox.promise(session, "recheck_parked", about)


def canary(claim: Claim) -> None:
    """Note that a worker takes work; nothing else."""
    with transaction() as session:
        outbox.finish(session, claim)
        canaries.take(session)


def run_slice(claim: Claim) -> None:
    """The next part of one action on many, each in a transaction of its own."""
    run_id = UUID(str(claim.about["run"]))
    with transaction() as session:
        due = running.next_slice(session, run_id)
    for position in due.positions:
        _carry_out_item(run_id, position)
    with transaction() as session:
        outbox.finish(session, claim)
        running.go_on(session, due)


TASKS: Final[dict[str, Work]] = {
    work.__name__: work
    for work in (
        generate_secret,
        check_aggregator,
        verify_connection,
        send_email,
        revoke_client,
        recheck_parked,
        canary,
        run_slice,
    )
}


# The messages that threads of this process are at.
_under_way: set[UUID] = set()


def run(message_id: str) -> None:
    """Carry out one message, if it is still there and nobody else's turn.

    The row says which task it is: whoever reaches the broker can only ask for what is promised.
    """
    try:
        wanted = UUID(message_id)
    except ValueError:
        log.warning("not_a_message", length=len(message_id))
        return
    crash_points.reach("task.received")
    with transaction() as session:
        claim = outbox.claim(session, wanted, owner=presence.sign(), known=TASKS)
    if claim is None:
        return
    crash_points.reach("task.claimed")
    if claim.id in _under_way:
        _spare_a_thread(claim)
        return
    _under_way.add(claim.id)
    try:
        _carry_out(claim)
    finally:
        _under_way.discard(claim.id)
    crash_points.reach("task.done")


def _carry_out(claim: Claim) -> None:
    """Whatever happens to a task, the outbox hears of it."""
    bound = logs.bound(task=claim.task, message=str(claim.id), onboarding=str(claim.onboarding_id))
    with _traced(claim), bound:
        try:
            TASKS[claim.task](claim)
            tracing.tell({"outcome": "done"})
        except LeaseLost:
            log.info("lease_lost", attempt=claim.attempt)
            tracing.tell({"outcome": "lease_lost"})
        except (MovedOn, EventNotAllowed, NotFound) as error:
            _give_up(claim, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the outbox decides
            _fail(claim, error)


def _traced(claim: Claim) -> AbstractContextManager[object]:
    """A trace of its own for each attempt, with a link to whoever promised it, long ago perhaps."""
    told = {"message.id": claim.id, "onboarding.id": claim.onboarding_id, "attempt": claim.attempt}
    return tracing.span(f"task.{claim.task}", told, follows=claim.traceparent, root=True)


def _transition(claim: Claim) -> tuple[UUID, int]:
    """The onboarding, and the transition that the task reports to."""
    assert claim.onboarding_id is not None
    assert claim.sequence is not None
    return claim.onboarding_id, claim.sequence


def _carry_out_item(run_id: UUID, position: int) -> None:
    """What is wrong with one holds up none of the others; an outage holds up all of them."""
    try:
        with transaction() as session:
            running.carry_out(session, _ring(), run_id, position)
    except Unavailable:
        raise
    except Refusal as error:
        with transaction() as session:
            running.refuse(session, _ring(), run_id, position, error)
    except Exception as error:
        if outages.outage(error):
            raise
        log.warning("run_item_failed", run=str(run_id), position=position, exc_info=True)
        with transaction() as session:
            running.break_off(session, run_id, position)


def _recheck(session: Session, onboarding_id: UUID) -> None:
    """One that has moved on since it was listed is nobody's problem."""
    with suppress(EventNotAllowed):
        lifecycle.fire(session, onboarding_id, "recheck_aggregator", PLATFORM)


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


@cache
def _ring() -> Keyring:
    """The keyring as this process found it; a new key takes a restart."""
    return read_keyring(settings().keys_dir)
