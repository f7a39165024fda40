"""Writes a population, a batch in a transaction: whatever ends it in between leaves whole onboardings."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from sqlalchemy import exists, select

from onboarding import registry
from onboarding.chart import STATES
from onboarding.db import reading, transaction
from onboarding.models import (
    ApiKey,
    Base,
    Client,
    ContactCode,
    Link,
    Mail,
    Message,
    Onboarding,
    SealedSecret,
    Secret,
    Transition,
)
from onboarding.population import letters, rows
from onboarding.population.bulk import insert_all
from onboarding.population.chance import Chance
from onboarding.population.rows import Rows
from onboarding.population.scenes import sample_key, set_scene
from onboarding.population.stories import Part, tell
from onboarding.sealing import Keyring
from onboarding.settings import Settings

# Onboardings in one transaction: SQLite's one writer holds up nobody for longer than a moment.
BATCH: Final = 500
SEED: Final = 1

# In every hundred; most have come to an end, and where it is our turn something is wrong.
_SHARES: Final[dict[str, float]] = {
    "confirmed": 48,
    "credentials_issued": 8,
    "redirected_to_soap": 6,
    "cancelled": 6,
    "expired": 9,
    "started": 4,
    "checking_aggregator": 0.5,
    "awaiting_aggregator": 3,
    "type_chosen": 3,
    "issuing_secret": 0.5,
    "secret_ready": 2,
    "secret_lapsed": 1,
    "secret_revealed": 2,
    "awaiting_seller": 4,
    "seller_linked": 2.5,
    "verifying": 0.5,
}
_IN_THE_OUTAGE: Final = 40
# They arrived there with a letter, and no earlier one of theirs is late.
_OUTAGE_STATES: Final = (
    "confirmed",
    "credentials_issued",
    "seller_linked",
    "secret_ready",
    "secret_revealed",
)
_DEFERRED_STATES: Final = ("confirmed", "seller_linked", "secret_revealed", "cancelled")
# A table after those that it refers to.
_TABLES: Final[tuple[type[Base], ...]] = (
    Onboarding,
    Transition,
    Client,
    Secret,
    SealedSecret,
    Link,
    ContactCode,
    Mail,
    Message,
)


Advance = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Population:
    """What was written: onboardings by state, and incidents by cause."""

    states: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)


def is_welcome(settings: Settings) -> bool:
    """Samples are for the sandbox: among real sellers they would be taken for some."""
    return settings.sandbox and not settings.live


def nobody_is_there() -> bool:
    """Whether the database has no onboarding yet."""
    with reading() as session:
        return not session.scalar(select(exists(select(Onboarding.id))))


def populate(
    number: int,
    ring: Keyring,
    settings: Settings,
    *,
    seed: int = SEED,
    into: Population | None = None,
    advance: Advance | None = None,
) -> Population:
    """Write so many onboardings. `into` and `advance` learn of each batch once it is durable.

    The same seed gives the same picture: states, ages and causes; IDs and secrets are always new.
    """
    if not is_welcome(settings):
        raise ValueError("samples among real onboardings")
    chance, written = Chance(seed), Population() if into is None else into
    with transaction() as session:
        registry.add_samples(session)
        key = sample_key(session)
    parts = islice(_parts(chance, number), number)
    while batch := list(islice(parts, BATCH)):
        made = _stories(chance, ring, settings, key, batch)
        _insert(made)
        _count(written, made)
        if advance:
            advance(len(batch))
    return written


def _parts(chance: Chance, number: int) -> Iterator[Part]:
    """Every state, late where it can be; the outage; letters at rest; then as the shares say."""
    yield from (Part(state, "overdue") for state in STATES)
    for _ in range(min(_IN_THE_OUTAGE, number // 5)):
        yield Part(chance.one_of(_OUTAGE_STATES), "outage")
    for _ in range(number // 60):
        yield Part(chance.one_of(_DEFERRED_STATES), "deferred")
    while True:
        yield Part(chance.by_weight(_SHARES))


def _stories(
    chance: Chance, ring: Keyring, settings: Settings, key: ApiKey, batch: Sequence[Part]
) -> Rows:
    """The rows of a batch. They are made before the transaction, which is short then."""
    with reading() as session:
        scene = set_scene(session, ring, settings, key)
    made: Rows = defaultdict(list)
    for part in batch:
        kept = rows.write(scene, tell(chance, scene, part))
        letters.add(chance, kept)
        for table, added in kept.rows.items():
            made[table] += added
    return made


def _insert(made: Rows) -> None:
    with transaction() as session:
        for model in _TABLES:
            insert_all(session, model, made[model])


def _count(written: Population, made: Rows) -> None:
    written.states.update(row["state"] for row in made[Onboarding])
    written.causes.update(row["cause"] for row in made[Message] if row["failed_at"])
