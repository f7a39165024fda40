"""Kinds of work, by what is in which transaction; what is alike can be done together.

Work is called with a claim and carries it out alone. It raises LeaseLost where another worker has taken
over, and whatever is wrong otherwise; then it has written nothing.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import logs, mail_server, mailed, outbox, redelivery
from onboarding.db import transaction
from onboarding.outbox import Claim, LeaseLost

log = logs.get(__name__)

Work = Callable[[Claim], None]
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Quick:
    """It reads and writes the database only: all in the transaction that keeps the promise."""

    work: Callable[[Session, Claim], None]

    def __call__(self, claim: Claim) -> None:
        with transaction() as session:
            outbox.finish(session, claim)
            self.work(session, claim)


@dataclass(frozen=True, slots=True)
class Outside(Generic[Thing]):
    """It speaks to somebody outside, and no transaction is open meanwhile.

    `prepare` says what there is to do, None where nothing is; `do` does it; `record` notes it in the
    transaction that keeps the promise. A crash between the last two does it again.
    """

    prepare: Callable[[Session, Claim], Thing | None]
    do: Callable[[Thing], None]
    record: Callable[[Session, Claim, Thing], None]

    def __call__(self, claim: Claim) -> None:
        _carry_out(self, claim)

    def doing(self) -> AbstractContextManager[Callable[[Thing], None]]:
        """What does as many as there are: each by itself."""
        return nullcontext(self.do)

    def keep(self, done: "list[tuple[Claim, Thing | None]]") -> None:
        """Keep the promises of what has been done."""
        with transaction() as session:
            outbox.finish(session, *(claim for claim, _ in done))
            for claim, thing in done:
                if thing is not None:
                    self.record(session, claim, thing)


@dataclass(frozen=True, slots=True)
class Letters(Generic[Thing]):
    """It hands letters over, of which nothing but the letter itself is noted.

    `prepare` writes it, None where nobody reads it; `doing` is what hands over as many as there are; `entry`
    is its row in `mails`, None where it is in no onboarding's timeline. A crash between the last two hands
    it over again.
    """

    prepare: Callable[[Session, Claim], Thing | None]
    doing: Callable[[], AbstractContextManager[Callable[[Thing], None]]]
    entry: Callable[[Claim, Thing], Mapping[str, Any] | None]

    def __call__(self, claim: Claim) -> None:
        _carry_out(self, claim)

    def keep(self, done: "list[tuple[Claim, Thing | None]]") -> None:
        """Note what is out; what waited because nobody took letters can go now."""
        out = [(claim, letter) for claim, letter in done if letter is not None]
        for cause in {claim.cause for claim, _ in out if claim.cause in mail_server.AWAY}:
            with transaction() as session:
                redelivery.wake(session, str(cause))
        entries = [entry for claim, letter in out if (entry := self.entry(claim, letter))]
        kept = mailed.note([claim for claim, _ in done], entries)
        lost = [claim for claim, _ in done if claim.id not in kept]
        if len(lost) == len(done):
            raise LeaseLost(", ".join(str(claim.id) for claim in lost))
        for claim in lost:
            log.info("lease_lost", attempt=claim.attempt)


def transition_of(claim: Claim) -> tuple[UUID, int]:
    """The onboarding, and the transition that a task reports to."""
    assert claim.onboarding_id is not None
    assert claim.sequence is not None
    return claim.onboarding_id, claim.sequence


def _carry_out(work: Outside[Thing] | Letters[Thing], claim: Claim) -> None:
    with transaction() as session:
        thing = work.prepare(session, claim)
    with work.doing() as do:
        if thing is not None:
            do(thing)
        work.keep([(claim, thing)])
