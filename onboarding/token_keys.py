"""The key pairs of access tokens, each for its time: published, then it signs, then it only verifies.

A pair follows from a `derive` key of the keyring. Whoever verifies offline keeps what is published for
minutes, so a new pair is published before it signs. Its predecessor verifies what it signed until then,
and nothing later: who has got hold of an old key can sign nothing that would be taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from joserfc.jwk import ECKey, KeyParameters

from onboarding import sealing
from onboarding.sealing import Keyring

ALGORITHM: Final = "ES256"
# The purpose of the keys in the keyring.
KEYS: Final = "derive"
# What is published may be kept for so long.
PUBLISHED_FOR: Final = timedelta(minutes=5)
# From when a pair is made until it signs: whoever asked just before that has asked again.
PUBLISHED_BEFORE: Final = 2 * PUBLISHED_FOR
# No setting lets a token last longer.
LONGEST: Final = timedelta(days=1)
_PURPOSE: Final = "access tokens"
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pair:
    """One of them, and the time in which it signs, in UTC. It does not print its key."""

    key: ECKey = field(repr=False)
    since: datetime
    until: datetime

    def can_have_signed(self, issued_at: datetime, expires_at: datetime) -> bool:
        """Whether a token of these instants can be ours: its successor would have signed a later one."""
        return issued_at < self.until and expires_at - issued_at <= LONGEST

    def is_published(self, now: datetime) -> bool:
        """Until all that it signed is over; a day more for clocks that differ."""
        return now - 2 * LONGEST < self.until


def pairs(ring: Keyring) -> tuple[Pair, ...]:
    """A pair for each derive key, the newest first."""
    return tuple(_pairs(ring))[::-1]


def _pairs(ring: Keyring) -> Iterator[Pair]:
    begins = [(key_id, _signs_from(key_id)) for key_id in sorted(ring.ids(KEYS))]
    for (key_id, since), (_, until) in pairwise([*begins, ("", _END)]):
        yield Pair(_derived(ring, key_id), since, until)


def _signs_from(key_id: str) -> datetime:
    """Keys are named after the minute in which they are made, the first one after its day, and signs at once."""
    try:
        made = datetime.fromisoformat(key_id).replace(tzinfo=UTC)
    except ValueError:
        return _BEGINNING
    return made + PUBLISHED_BEFORE if "T" in key_id else made


def _derived(ring: Keyring, key_id: str) -> ECKey:
    """The same one for the same key, on whatever host."""
    about: KeyParameters = {"use": "sig", "alg": ALGORITHM}
    secret = sealing.derive_under(ring, key_id, _PURPOSE, ALGORITHM)
    return ECKey.derive_key(secret, "P-256", about, auto_kid=True)
