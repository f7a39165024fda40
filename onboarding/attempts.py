"""Attempts that failed, kept when their message is long gone; one that succeeds leaves nothing here."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import case, exists, insert, select
from sqlalchemy.orm import Session

from onboarding import db
from onboarding.models import FailedAttempt, Message

_KEPT = ("message_id", "onboarding_id", "task", "attempt", "max_attempts", "at", "cause", "error")


def keep(session: Session, message_id: UUID, attempt: int) -> None:
    """What a message has just written down about its attempt, unless its turn is over by now.

    Attempts are capped, so are these. What is no onboarding's is in the logs alone.
    """
    known = exists().where(FailedAttempt.message_id == message_id, FailedAttempt.attempt == attempt)
    failed = select(
        Message.id,
        Message.onboarding_id,
        Message.task,
        Message.attempts,
        # Where every worker has died it was one more, which only noticed that.
        case(
            (Message.attempts > Message.max_attempts, Message.attempts), else_=Message.max_attempts
        ),
        db.now(),
        Message.cause,
        Message.last_error,
    ).where(
        Message.id == message_id,
        Message.attempts == attempt,
        Message.onboarding_id.is_not(None),
        Message.cause.is_not(None),
        ~known,
    )
    session.execute(insert(FailedAttempt).from_select(_KEPT, failed))


def of(session: Session, onboarding_id: UUID) -> Sequence[FailedAttempt]:
    """Those of one onboarding, from the first."""
    return session.scalars(
        select(FailedAttempt)
        .where(FailedAttempt.onboarding_id == onboarding_id)
        .order_by(FailedAttempt.at, FailedAttempt.attempt)
    ).all()
