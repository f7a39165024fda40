"""F15, F43, F44: of those who decide otherwise at the same moment exactly one is heard."""

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from onboarding import credentials, queries
from onboarding.access import CLOCK, PLATFORM, Actor
from onboarding.credentials import Revealed
from onboarding.db import reading
from onboarding.errors import EventNotAllowed, MovedOn
from onboarding.models import Client, SealedSecret, Secret
from tests import builders
from tests.builders import OPERATOR, SELLER, an_onboarding, fire, state_of, the
from tests.racing import race, rounds, winners
from tests.test_clock import DAY, HOUR, stand_at
from workers import clock
from workers.clock import Swept

ROUNDS, RACERS = 8, 16
OTHER_OPERATOR = Actor("operator", "operator:second")

Decision = tuple[str, Actor]
# What collides in which state, and where each of them leads.
COLLISIONS: dict[str, tuple[str, dict[Decision, str]]] = {
    "two operators with opposite verdicts": (
        "checking_aggregator",
        {
            ("approve_aggregator", OPERATOR): "type_chosen",
            ("refuse_aggregator", OTHER_OPERATOR): "awaiting_aggregator",
        },
    ),
    "an operator against the platform": (
        "checking_aggregator",
        {
            ("refuse_aggregator", OPERATOR): "awaiting_aggregator",
            ("approve_aggregator", PLATFORM): "type_chosen",
        },
    ),
    "a seller who cancels against an operator who approves": (
        "checking_aggregator",
        {
            ("cancel", SELLER): "cancelled",
            ("approve_aggregator", OPERATOR): "type_chosen",
            ("start_over", SELLER): "started",
        },
    ),
    "time against a seller's click": (
        "secret_ready",
        {
            ("lapse_secret", CLOCK): "secret_lapsed",
            ("reissue_secret", SELLER): "issuing_secret",
            ("cancel", SELLER): "cancelled",
        },
    ),
    "the end of time against a seller who goes on": (
        "seller_linked",
        {
            ("expire", CLOCK): "expired",
            ("confirm", SELLER): "verifying",
            ("unlink_seller", OPERATOR): "awaiting_seller",
        },
    ),
}


@pytest.mark.parametrize("collision", COLLISIONS)
def test_of_sixteen_one_decides(database: Engine, collision: str) -> None:
    """T30."""
    state, leads = COLLISIONS[collision]
    ids = [an_onboarding(state) for _ in range(ROUNDS)]
    seen = the(ids[0]).sequence
    racers = list(islice(cycle(leads), RACERS))

    def decide(number: int, racer: int) -> Decision:
        # Who is first must not always be the same.
        event, actor = racers[(racer + number) % RACERS]
        fire(ids[number], event, actor, expected=seen)
        return event, actor

    for onboarding_id, outcomes in zip(ids, rounds(ROUNDS, RACERS, decide), strict=True):
        (winner,) = winners(outcomes)
        assert sum(isinstance(one, MovedOn) for one in outcomes) == RACERS - 1
        assert state_of(onboarding_id) == leads[winner]  # type: ignore[index]
        with reading() as session:
            last = queries.history(session, onboarding_id)[-1]
        assert (last.event, last.actor_id, last.sequence) == (winner[0], winner[1].id, seen + 1)  # type: ignore[index]


def test_schedulers_at_once_against_sellers_who_click(database: Engine) -> None:
    """Four whole sweeps and a dozen clicks: each onboarding moves once, whoever moves it."""
    ids = [an_onboarding("type_chosen") for _ in range(12)]
    for onboarding_id in ids:
        stand_at(onboarding_id, 30 * DAY)
    seen = the(ids[0]).sequence
    clicks = [partial(fire, one, "cancel", SELLER, expected=seen) for one in ids]
    swept = race(*[clock.sweep] * 4, *clicks)[:4]
    assert all(isinstance(one, Swept) for one in swept), swept
    states = [state_of(one) for one in ids]
    assert set(states) <= {"expired", "cancelled"}
    assert sum(one.done for one in swept) == states.count("expired")  # type: ignore[attr-defined]
    assert {the(one).sequence for one in ids} == {seen + 1}


def test_showing_renewing_revoking_and_lapsing_at_once(database: Engine, ring: object) -> None:
    """Nobody has said what they have seen last: several may be heard, one after the other."""
    for _ in range(ROUNDS):
        onboarding_id = an_onboarding("secret_ready")
        stand_at(onboarding_id, 24 * HOUR)
        moves: tuple[Callable[[], object], ...] = (
            partial(builders.reveal, onboarding_id),
            partial(fire, onboarding_id, "reissue_secret"),
            partial(fire, onboarding_id, "cancel", OPERATOR),
            clock.sweep,
        )
        outcomes = race(*moves * 4)
        shown = [one for one in outcomes if isinstance(one, Revealed)]
        assert len({one.version for one in shown}) == len(shown)
        failures = [one for one in outcomes if isinstance(one, Exception)]
        assert [one for one in failures if not isinstance(one, EventNotAllowed)] == []
        builders.work(onboarding_id)
        check_one_identity(onboarding_id)


def check_one_identity(onboarding_id: UUID) -> None:
    """I1: nothing is alive after a cancellation, and never two of anything."""
    with reading() as session:
        alive = session.scalar(
            select(func.count())
            .select_from(Secret)
            .join(Client, Client.id == Secret.client_id)
            .where(Client.onboarding_id == onboarding_id, Secret.ended_at.is_(None))
        )
        sealed = session.scalar(
            select(func.count())
            .select_from(SealedSecret)
            .join(Client, Client.id == SealedSecret.client_id)
            .where(Client.onboarding_id == onboarding_id)
        )
        client = credentials.live_client(session, onboarding_id)
    state = state_of(onboarding_id)
    assert (client is None) is (state == "cancelled")
    assert alive == int(state not in {"cancelled", "secret_lapsed"})
    assert sealed == int(state == "secret_ready")
