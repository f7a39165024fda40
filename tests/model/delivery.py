"""What a message may meet with: a worker that carries it out, one that dies, one that is too late."""

from uuid import UUID

from sqlalchemy import select, update

from onboarding import db, outbox
from onboarding.db import reading, transaction
from onboarding.models import Message
from onboarding.outbox import Claim
from workers import turns


def find(onboarding_id: UUID | None, task: str, sequence: int | None) -> UUID:
    """The message that a transition has promised, or the oldest that none has."""
    query = select(Message.id).where(
        Message.onboarding_id.is_(None)
        if onboarding_id is None
        else Message.onboarding_id == onboarding_id,
        Message.task == task,
        Message.sequence.is_(None) if sequence is None else Message.sequence == sequence,
    )
    with reading() as session:
        return session.scalars(query.order_by(Message.id).limit(1)).one()


def meet(message: UUID, fate: str) -> bool:
    """Whether the task has run to its end."""
    turn = claim(message)
    if fate == "dies":
        # Nobody knows yet that the turn has ended: whoever comes now finds it taken.
        turns.run(str(message))
        return False
    if fate == "fails":
        with transaction() as session:
            assert not outbox.fail(session, turn, "smtp_down", "it did not answer")
        return False
    if fate == "is overtaken":
        late, turn = turn, claim(message)
        carry_out(late)
        assert attempts(message) == turn.attempt, "a late result has written"
        carry_out(turn)
        carry_out(late)
        return True
    carry_out(turn)
    if fate == "runs twice":
        turns.run(str(message))
    return True


def claim(message: UUID) -> Claim:
    """A turn, as soon as there is one: any earlier turn has ended, and any rest is over."""
    past = db.in_seconds(-1)
    with transaction() as session:
        session.execute(update(Message).where(Message.id == message).values(due_at=past))
        session.execute(
            update(Message)
            .where(Message.id == message, Message.leased_until.is_not(None))
            .values(leased_until=past)
        )
    with transaction() as session:
        turn = outbox.claim(session, message, owner=1)
    assert turn is not None
    return turn


def attempts(message: UUID) -> int | None:
    """None: the message is done."""
    with reading() as session:
        return session.scalar(select(Message.attempts).where(Message.id == message))


def carry_out(turn: Claim) -> None:
    """What a worker does after its claim."""
    turns._carry_out(turn)  # noqa: SLF001 - the half after the claim
