"""Everything that can happen to two onboardings, in any order, on a real database.

Hypothesis chooses what happens; after each step the database must say what the oracle says.
"""

from collections import Counter
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import delete
from sqlalchemy.orm import Session

from onboarding import credentials, events, links, registry
from onboarding.access import Actor
from onboarding.chart import NEXT_MOVE
from onboarding.credentials import Revealed
from onboarding.db import transaction
from onboarding.errors import Refusal
from onboarding.models import Base
from tests import builders
from tests.builders import ACCOUNT, ACTORS, age
from tests.expected_moves import MAY
from tests.model import delivery, oracle, whole
from tests.model.oracle import Choice, Entry
from workers import clock

TYPES: tuple[Choice, ...] = (
    ("plugin", None),
    ("credentials_only", None),
    ("legacy_soap", None),
    ("aggregator", "delegated"),
    ("aggregator", "full"),
)
AGGREGATOR = "channel-harbour"
# After so many attempts the next one succeeds: incidents are another test's subject.
ENOUGH = 5
# What persons fire; the rest is fired by tasks and by the clock, below.
EVENTS = sorted(event for event, who in MAY.items() if who - {"platform", "clock"})

# What an acknowledgement names: a version and the last six characters.
Name = tuple[int, str]

which = st.integers(0, 1)
choices = st.sampled_from(TYPES)
roads = st.sampled_from([choice for choice in TYPES if choice[0] != "legacy_soap"])
far = st.integers(0, 5)
kinds = st.sampled_from(["seller"] * 6 + sorted(ACTORS))
# The transition that a caller has seen: none named, the latest, or one before it.
seen = st.sampled_from(["unnamed", "latest", "latest", "older"])
fates = st.sampled_from(["runs", "runs", "runs twice", "dies", "fails", "is overtaken"])


class Onboardings(RuleBasedStateMachine):
    """Two onboardings that may wait for one aggregator."""

    # In which states they stood, over all examples.
    stood: ClassVar[Counter[str]] = Counter()

    @initialize(
        choices=st.tuples(roads, roads),
        steps=st.tuples(far, far),
        done=st.tuples(st.booleans(), st.booleans()),
        approves=st.booleans(),
    )
    def open(
        self,
        choices: tuple[Choice, Choice],
        steps: tuple[int, int],
        done: tuple[bool, bool],
        approves: bool,  # noqa: FBT001 - Hypothesis names it
    ) -> None:
        """Somewhere on their roads already, or they would seldom get far."""
        with transaction() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(delete(table))
        self.approves = approves
        self.rechecks = 0
        self._register()
        with transaction() as session:
            self.ids = [builders.start(session).id for _ in range(2)]
        self.entries: list[Entry] = [oracle.fresh() for _ in self.ids]
        self.shown: list[list[Revealed]] = [[], []]
        for number in range(2):
            self._go(number, choices[number], steps[number])
            if done[number]:
                self._work(number)

    @rule(
        number=which,
        event=st.sampled_from(EVENTS),
        kind=kinds,
        at=seen,
        choice=choices,
    )
    def somebody_fires(self, number: int, event: str, kind: str, at: str, choice: Choice) -> None:
        entry = self.entries[number]
        to = oracle.target(entry, event, kind, choice)
        if to is not None and kind in ("platform", "clock"):
            return
        expected = {"unnamed": None, "latest": entry["sequence"], "older": entry["sequence"] - 1}[
            at
        ]
        if to is None or at == "older":
            with pytest.raises(Refusal):
                self._fire(number, event, ACTORS[kind], expected, choice)
        else:
            self._fire(number, event, ACTORS[kind], expected, choice)
            oracle.move(entry, event, kind, choice)

    @rule(number=which, at=seen)
    def the_seller_goes_on(self, number: int, at: str) -> None:
        """The next step of the ordinary road, so that the ends come into reach."""
        entry = self.entries[number]
        event = oracle.ROAD.get(entry["state"])
        if event:
            choice = (entry["type"] or "plugin", entry["mode"])
            self.somebody_fires(number, event, "seller", at, choice)

    @rule(number=which)
    def the_contact_is_proved(self, number: int) -> None:
        builders.vouch(builders.Walk(self.ids[number], {}))
        self.entries[number]["verified"] = True

    @precondition(lambda self: any(entry["messages"] for entry in self.entries))
    @rule(number=which, pick=st.integers(0, 5), fate=fates)
    def a_task_is_delivered(self, number: int, pick: int, fate: str) -> None:
        entry = self.entries[number]
        if not entry["messages"]:
            return
        task, sequence = sorted(entry["messages"])[pick % len(entry["messages"])]
        tries = entry["messages"][task, sequence]
        message = delivery.find(self.ids[number], task, sequence)
        if delivery.meet(message, fate if tries < ENOUGH else "runs"):
            oracle.carry_out(entry, task, sequence, approves=self.approves)
        else:
            entry["messages"][task, sequence] += 1

    @precondition(lambda self: self.rechecks)
    @rule(fate=st.sampled_from(["runs", "runs twice", "is overtaken"]))
    def the_parked_are_rechecked(self, fate: str) -> None:
        if delivery.meet(delivery.find(None, "recheck_parked", None), fate):
            self.rechecks -= 1
            for entry in self.entries:
                if entry["state"] == "awaiting_aggregator":
                    oracle.move(entry, "recheck_aggregator", "platform")

    @rule(approves=st.booleans())
    def the_registry_changes(self, approves: bool) -> None:  # noqa: FBT001 - Hypothesis names it
        self.approves = approves
        self._register()

    @rule(number=which)
    def time_passes(self, number: int) -> None:
        """Until the state ends by itself; twice, as any number of clocks may run."""
        entry = self.entries[number]
        then_after = NEXT_MOVE[entry["state"]].then_after if not oracle.is_over(entry) else None
        age(self.ids[number], then_after or timedelta(days=90))
        clock.sweep()
        clock.sweep()
        if entry["state"] in oracle.ENDS:
            oracle.move(entry, oracle.ENDS[entry["state"]], "clock")

    @invariant()
    def the_database_says_what_the_oracle_says(self) -> None:
        for onboarding_id, entry, shown in zip(self.ids, self.entries, self.shown, strict=True):
            wanted = {name: entry[name] for name in entry if name != "reissues"}
            wanted["messages"] = sorted((*key, tries) for key, tries in entry["messages"].items())
            self.stood[entry["state"]] += 1
            found = whole.of(onboarding_id)
            assert found == wanted, f"{found}\n{wanted}"
            assert len({one.secret.get_secret_value() for one in shown}) == len(shown)

    @invariant()
    def only_the_secret_that_was_shown_last_can_be_called_saved(self) -> None:
        """Not another version, not another ending, and not what a tab was shown before."""
        for onboarding_id, entry, shown in zip(self.ids, self.entries, self.shown, strict=True):
            if entry["secret"] == "revealed":
                *older, (version, ending) = map(named, shown)
                for wrong in [(version + 1, ending), (version, ending[::-1] + "x"), *older]:
                    with pytest.raises(Refusal), transaction() as session:
                        acknowledge(session, onboarding_id, ACTORS["seller"], wrong, None)

    def teardown(self) -> None:
        whole.check()

    def _go(self, number: int, choice: Choice, steps: int) -> None:
        """So many steps of the seller, each with the work that it calls for before the next."""
        self.the_contact_is_proved(number)
        if steps:
            self.somebody_fires(number, "choose_type", "seller", "latest", choice)
        for _ in range(steps - 1):
            self._work(number)
            self.the_seller_goes_on(number, "latest")
            self.the_database_says_what_the_oracle_says()

    def _work(self, number: int) -> None:
        while self.entries[number]["messages"]:
            self.a_task_is_delivered(number, 0, "runs")
            self.the_database_says_what_the_oracle_says()

    def _register(self) -> None:
        with transaction() as session:
            registry.upsert(
                session,
                name=AGGREGATOR,
                status="registered" if self.approves else "suspended",
                uses_rest=True,
                asks_for="full",
                aggregator_id=AGGREGATOR,
            )
        self.rechecks += 1

    def _fire(
        self, number: int, event: str, actor: Actor, expected: int | None, choice: Choice
    ) -> None:
        """Each event by its own door."""
        one = self.ids[number]
        with transaction() as session:
            if event == "reveal_secret":
                ring = builders.keyring()
                shown = credentials.reveal(session, one, actor, ring, expected=expected)
            elif event == "acknowledge_secret":
                latest = named(self.shown[number][-1]) if self.shown[number] else (1, "000000")
                acknowledge(session, one, actor, latest, expected)
            elif event == "link_seller":
                links.link_seller(session, one, actor, ACCOUNT, expected=expected)
            else:
                data = data_of(choice) if event == "choose_type" else {}
                events.handle(session, one, event, actor, data, expected=expected)
        if event == "reveal_secret":
            self.shown[number].append(shown)


def data_of(choice: Choice) -> dict[str, str | None]:
    kind, mode = choice
    of_aggregator = {"credential_mode": mode, "aggregator": AGGREGATOR} if mode else {}
    return {"connection_type": kind, **of_aggregator}


def named(shown: Revealed) -> Name:
    return shown.version, shown.secret.get_secret_value()[-6:]


def acknowledge(
    session: Session, onboarding_id: UUID, actor: Actor, name: Name, expected: int | None
) -> None:
    version, ending = name
    credentials.acknowledge(
        session, onboarding_id, actor, version=version, ending=ending, expected=expected
    )
