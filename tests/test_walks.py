"""Any walk that anybody can take keeps state, history, credentials and link in step.

Every event goes through its own verb, by any actor, in any order; what is expected comes from the
hand-written moves.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from onboarding import credentials, db, developers, lifecycle, links, queries, registry
from onboarding.access import Actor
from onboarding.credentials import Revealed
from onboarding.db import transaction
from onboarding.errors import Refusal, TooMany
from onboarding.ids import new_id
from onboarding.models import Client, Handover, Onboarding, SealedSecret
from onboarding.settings import settings as settings_of
from tests import builders
from tests.builders import ACCOUNT, ACTORS
from tests.expected_moves import FINAL, MAY, Case, expected_target

SEEDS, STEPS = 30, 40
CHOICES: Final[tuple[dict[str, str | None], ...]] = (
    {"connection_type": "own_development"},
    {"connection_type": "credentials_only"},
    {"connection_type": "legacy_soap"},
    {"connection_type": "aggregator", "credential_mode": "full"},
    {"connection_type": "aggregator", "credential_mode": "delegated"},
)
HAS_A_CLIENT: Final = {"issuing_secret", "secret_ready", "secret_lapsed", "secret_revealed"}
LINKED: Final = {"seller_linked", "verifying", "confirmed"}
SAVED: Final = {"awaiting_seller", "credentials_issued", *LINKED}


class Walker:
    """One onboarding, and what somebody who only knows the agreed moves expects of it."""

    def __init__(self) -> None:
        self.case = Case(None, None, contact_verified=False)
        self.state, self.sequence = "started", 1
        self.shown: Revealed | None = None
        with transaction() as session:
            self.id = builders.start(session).id
            registry.add_samples(session)

    def verify_contact(self) -> None:
        with transaction() as session:
            session.get_one(Onboarding, self.id).contact_verified_at = db.clock(session)
        self.case = Case(
            self.case.connection_type, self.case.credential_mode, contact_verified=True
        )

    def step(self, event: str, kind: str, choice: dict[str, str | None]) -> None:
        after = self.case
        if event == "choose_type":
            mode = choice.get("credential_mode")
            after = Case(choice["connection_type"], mode, self.case.contact_verified)
        expected = expected_target(self.state, event, after) if kind in MAY[event] else None
        try:
            with transaction() as session:
                verb = VERBS.get(event, _plain(event))
                verb(session, self, ACTORS[kind], choice)
        except TooMany:
            return
        except Refusal:
            assert expected is None, f"{event} by {kind} in {self.state}"
            return
        assert expected is not None, f"{event} by {kind} in {self.state}"
        self.state, self.sequence, self.case = expected, self.sequence + 1, after
        if event == "start_over":
            self.case = Case(None, None, self.case.contact_verified)

    def check(self) -> None:
        with transaction() as session:
            onboarding = session.get_one(Onboarding, self.id)
            assert (onboarding.state, onboarding.sequence) == (self.state, self.sequence)
            assert onboarding.connection_type == self.case.connection_type
            assert onboarding.credential_mode == self.case.credential_mode
            history = queries.history(session, self.id)
            assert [step.sequence for step in history] == list(range(1, self.sequence + 1))
            assert all(a.target == b.source for a, b in pairwise(history))
            assert history[-1].target == self.state
            assert (onboarding.wakes_at is None) or self.state not in FINAL
            self.check_credentials(session)

    def check_credentials(self, session: Session) -> None:
        delegated = self.case.credential_mode == "delegated"
        secret = credentials.live_secret(session, self.id)
        mine = select(Client.id).where(Client.onboarding_id == self.id)
        sealed = session.scalars(select(SealedSecret).where(SealedSecret.client_id.in_(mine))).all()
        needs_client = self.state in HAS_A_CLIENT or (self.state in SAVED and not delegated)
        assert (credentials.live_client(session, self.id) is not None) is needs_client
        assert len(sealed) == (self.state == "secret_ready")
        assert (links.live_link(session, self.id) is not None) is (self.state in LINKED)
        if self.state in SAVED and not delegated:
            assert secret is not None
            assert secret.acknowledged_at is not None
        elif self.state not in {"secret_ready", "secret_revealed"}:
            assert secret is None


Verb = Callable[[Session, Walker, Actor, dict[str, str | None]], object]


def _plain(event: str) -> Verb:
    return lambda session, walker, actor, _: lifecycle.fire(session, walker.id, event, actor)


def _choose(session: Session, walker: Walker, actor: Actor, choice: dict[str, Any]) -> None:
    named = {"aggregator_id": "feedwise"} if "credential_mode" in choice else {}
    lifecycle.fire(session, walker.id, "choose_type", actor, choices=choice | named)


def _generate(session: Session, walker: Walker, actor: Actor, _: object) -> None:
    credentials.generate(
        session, walker.id, actor, builders.keyring(), settings_of(), walker.sequence
    )


def _reveal(session: Session, walker: Walker, actor: Actor, _: object) -> None:
    with _named(session, walker, actor) as who:
        walker.shown = credentials.reveal(session, walker.id, who, builders.keyring())


def _acknowledge(session: Session, walker: Walker, actor: Actor, _: object) -> None:
    shown = walker.shown
    ending = shown.secret.get_secret_value()[-6:] if shown else ""
    version = shown.version if shown else 0
    with _named(session, walker, actor) as who:
        credentials.acknowledge(session, walker.id, who, version=version, ending=ending)


@contextmanager
def _named(session: Session, walker: Walker, actor: Actor) -> Iterator[Actor]:
    """A developer is named for one step, and nobody is for those of the others."""
    if actor.kind != "developer":
        yield actor
        return
    onboarding = lifecycle.lock(session, walker.id)
    named = Handover(id=new_id(), onboarding_id=walker.id, email="dora@dev.example")
    session.add(named)
    onboarding.handover_id = named.id
    yield developers.actor(named)
    onboarding.handover_id = None
    named.ended_at, named.ended_because = db.clock(session), "withdrawn"


def _link(session: Session, walker: Walker, actor: Actor, _: object) -> None:
    links.link_seller(session, walker.id, actor, ACCOUNT)


VERBS: Final[dict[str, Verb]] = {
    "choose_type": _choose,
    "issue_id": lambda session, w, actor, _: credentials.issue_id(session, w.id, actor),
    "secret_generated": _generate,
    "reveal_secret": _reveal,
    "reissue_secret": lambda session, w, actor, _: credentials.reissue(session, w.id, actor),
    "acknowledge_secret": _acknowledge,
    "link_seller": _link,
}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_walk_keeps_everything_in_step(database: Engine, seed: int) -> None:
    """A seed is a walk that can be taken again."""
    chance = Random(seed)
    walker = Walker()
    if seed % 4:
        walker.verify_contact()
    while walker.sequence < STEPS and walker.state not in FINAL:
        choice = chance.choice(CHOICES)
        event, kind = chance.choice(possible(walker, choice))
        walker.step(event, kind, choice)
        walker.check()


def possible(walker: Walker, choice: dict[str, Any]) -> list[tuple[str, str]]:
    """What may be tried next: mostly what leads on, sometimes back, seldom what ends or is refused."""
    after = Case(
        choice["connection_type"], choice.get("credential_mode"), walker.case.contact_verified
    )
    moves = [
        (event, kind)
        for event in sorted(MAY)
        for kind in sorted(MAY[event])
        if expected_target(walker.state, event, after if event == "choose_type" else walker.case)
    ]
    ends = [move for move in moves if expected_target(walker.state, move[0], after) in FINAL]
    goes_on = [move for move in moves if move not in ends]
    onward = [m for m in goes_on if m[0] not in {"choose_type", "start_over"}]
    refused = [(e, k) for e in sorted(MAY) for k in sorted(ACTORS) if (e, k) not in moves]
    late = ends if walker.sequence > STEPS // 2 else []
    return onward * 5 + goes_on + late + refused[walker.sequence % 30 :: 30]


def test_the_walker_itself_can_get_everywhere(database: Engine) -> None:
    """Or the walks above would prove nothing about where they never were."""
    walker = Walker()
    walker.verify_contact()
    seen = {walker.state}
    for event, kind in (
        ("choose_type", "seller"),
        ("issue_id", "seller"),
        ("secret_generated", "platform"),
        ("reveal_secret", "developer"),
        ("reissue_secret", "operator"),
        ("secret_generated", "platform"),
        ("lapse_secret", "clock"),
        ("reissue_secret", "api"),
        ("secret_generated", "platform"),
        ("reveal_secret", "seller"),
        ("acknowledge_secret", "seller"),
        ("link_seller", "seller"),
        ("confirm", "seller"),
        ("verification_failed", "platform"),
        ("unlink_seller", "operator"),
        ("link_seller", "seller"),
        ("confirm", "api"),
        ("verification_passed", "platform"),
    ):
        before = walker.sequence
        walker.step(event, kind, CHOICES[0])
        walker.check()
        assert walker.sequence == before + 1, event
        seen.add(walker.state)
    assert {"secret_lapsed", "confirmed"} <= seen
