"""What a task that did not succeed means for its message: later, never, or nobody waits for it any more."""

from contextlib import suppress

from sqlalchemy.exc import StatementError

from onboarding import authorization, logs, mail_server, outages, outbox, tracing
from onboarding.db import transaction
from onboarding.errors import Unavailable
from onboarding.outbox import Claim, LeaseLost
from onboarding.sending import GivenUp

log = logs.get(__name__)


def give_up(claim: Claim, why: str) -> None:
    """The onboarding has left the state that promised this: nobody waits for the result."""
    log.info("obsolete", why=why)
    tracing.tell({"outcome": "obsolete"})
    with suppress(LeaseLost), transaction() as session:
        outbox.finish(session, claim)


def fail(claim: Claim, error: Exception) -> None:
    """Come back later, or leave an incident for an operator. The cause is a code, not a trace."""
    cause, why = _cause(error), _one_line(error)
    final = isinstance(error, mail_server.Refused | GivenUp | authorization.Refused)
    wait = error.wait if isinstance(error, authorization.Unavailable) else 0.0
    with transaction() as session:
        over = outbox.fail(session, claim, cause, why, final=final, wait=wait)
    tracing.tell({"outcome": "incident" if over else "failed", "cause": cause})
    log.warning("task_failed", attempt=claim.attempt, cause=cause, incident=over, exc_info=error)


def spare_a_thread(claim: Claim) -> None:
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
    known = mail_server.Refused | mail_server.Unavailable | GivenUp
    elsewhere = authorization.Refused | authorization.Unavailable
    return ours.cause if isinstance(ours, known | elsewhere) else "task_failed"


def _one_line(error: Exception) -> str:
    """SQLAlchemy adds the statement, and PostgreSQL the values that were in its way: neither is told."""
    if isinstance(error, StatementError):
        why = str(error.orig or "").partition("\n")[0]
    else:
        why = str(error)
    return " ".join(f"{type(error).__name__}: {why}".split())
