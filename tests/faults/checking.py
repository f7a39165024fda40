"""What must hold after every fault: each violation as a line, none where all is well.

The fifteen invariants are asked of the database. What left it only callers know, and that nothing
waits any more only those who wait for it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from uuid import UUID

from sqlalchemy import func, select

from onboarding import canaries, deliveries, invariants, queries, sealing
from onboarding.db import reading, snapshot
from onboarding.models import Delivery, Message, Onboarding, Secret
from onboarding.sealing import Keyring

# What callers were shown: onboarding, version, secret.
Shown = tuple[UUID, int, str]

_OURS = ("checking_aggregator", "issuing_secret", "verifying")


def violations(shown: Iterable[Shown], ring: Keyring, *, quiet: bool = True) -> list[str]:
    """Everything that is wrong with the database, or with what left it.

    `quiet`: nothing may be waiting any more.
    """
    return [
        *map(str, invariants.violations()),
        *_what_was_shown(list(shown), ring),
        *(_leftovers() if quiet else ()),
    ]


def all_is_quiet() -> bool:
    """Nobody is at anything, and endpoints have all that they are to be told.

    No message alone is not enough: what has just happened is noted for endpoints a moment later,
    and then there is one. All of one instant: what goes on meanwhile could slip through between looks.
    """
    with snapshot() as session:
        untold = select(func.count()).select_from(Delivery).where(deliveries.unfinished())
        messages = select(func.count()).select_from(Message)
        return not (
            deliveries.any_to_note(session) or session.scalar(untold) or session.scalar(messages)
        )


def _what_was_shown(shown: list[Shown], ring: Keyring) -> Iterator[str]:
    """No version twice, none that the database does not know as shown, each the one that is stored."""
    for (onboarding_id, version), times in Counter((i, v) for i, v, _ in shown).items():
        if times > 1:
            yield f"{onboarding_id}: version {version} was shown {times} times"
    for onboarding_id, version, secret in shown:
        with reading() as session:
            rows = [s for s in queries.secrets_of(session, onboarding_id) if s.version == version]
        if not any(s.revealed_at and _is(ring, s, secret) for s in rows):
            yield f"{onboarding_id}: version {version} was shown, and is another one or not stored"


def _leftovers() -> Iterator[str]:
    """Nothing waits for a worker, and nothing has failed for good."""
    with reading() as session:
        # A canary comes and goes by itself, and nobody waits for it.
        messages = session.scalars(select(Message).where(Message.task != canaries.TASK)).all()
        waiting = session.scalars(select(Onboarding).where(Onboarding.state.in_(_OURS))).all()
    for message in messages:
        yield f"{message.task} is left after {message.attempts} attempts: {message.cause}"
    for one in waiting:
        yield f"{one.reference}: still in {one.state}, and nobody works on it"


def _is(ring: Keyring, stored: Secret, secret: str) -> bool:
    context = f"client-secret-v1:{stored.client_id}:{stored.version}"
    return sealing.matches(ring, stored.pepper_id, context, secret, stored.hash)
