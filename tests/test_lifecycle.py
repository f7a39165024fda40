"""One event is one transaction: state, history and promises together, or nothing at all."""

from collections import Counter
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, update

from onboarding import credentials, db, lifecycle, links, queries, recording_statements
from onboarding.access import CLOCK, PLATFORM
from onboarding.chart import NEXT_MOVE, NOTICES, STATES
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, EventNotYours, EventUnknown, MovedOn, NotFound
from onboarding.ids import new_id
from onboarding.models import Client, Link, Message, Onboarding, SealedSecret, Secret, Transition
from tests import builders
from tests.builders import SELLER, a_walk, an_onboarding, fire, promised, state_of, the
from tests.dumping import dump
from tests.racing import race, winners

CHOICES = {"connection_type": "plugin"}
REVOKED_FROM = ("secret_ready", "secret_lapsed", "secret_revealed", "awaiting_seller")


@pytest.mark.parametrize("state", STATES)
def test_history_folds_to_the_row(database: Engine, state: str) -> None:
    onboarding = the(an_onboarding(state))
    with reading() as session:
        history = queries.history(session, onboarding.id)
    assert [step.sequence for step in history] == list(range(1, onboarding.sequence + 1))
    assert [step.source for step in history] == [None, *(step.target for step in history[:-1])]
    assert history[0].event == "start"
    assert history[-1].target == onboarding.state == state
    assert history[-1].at == onboarding.entered_at
    assert [step.at for step in history] == sorted(step.at for step in history)


@pytest.mark.parametrize("state", STATES)
def test_an_open_onboarding_wakes_and_an_ended_one_sleeps(database: Engine, state: str) -> None:
    onboarding = the(an_onboarding(state))
    move = NEXT_MOVE.get(state)
    waits = [*move.reminders, move.then_after] if move else []
    first = next((wait for wait in waits if wait), None)
    assert onboarding.wakes_at == (onboarding.entered_at + first if first else None)
    assert onboarding.reminders == 0


def test_history_keeps_who_did_what_under_which_rules(database: Engine) -> None:
    """T34."""
    onboarding_id = an_onboarding()
    fire(onboarding_id, "choose_type", choices=CHOICES, details={"why": "asked for three values"})
    with reading() as session:
        step = queries.history(session, onboarding_id)[-1]
    assert (step.event, step.source, step.target) == ("choose_type", "started", "type_chosen")
    assert (step.actor_kind, step.actor_id, step.rule_set) == ("seller", SELLER.id, "tests")
    assert step.details == {"connection_type": "plugin", "why": "asked for three values"}


def test_time_never_runs_backwards_in_a_history(database: Engine) -> None:
    """A restored database may hold a moment that its clock has not reached yet."""
    onboarding_id = an_onboarding("type_chosen")
    ahead = the(onboarding_id).entered_at + timedelta(hours=1)
    with transaction() as session:
        session.execute(update(Onboarding).values(entered_at=ahead))
    assert fire(onboarding_id, "cancel").entered_at == ahead


def test_a_stale_look_moves_nothing(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    before = dump(database)
    for expected in (0, 1, 3, 99):
        with pytest.raises(MovedOn) as refused:
            fire(onboarding_id, "cancel", expected=expected)
        assert refused.value.facts() == {"state": "type_chosen", "sequence": 2}
    assert dump(database) == before
    assert fire(onboarding_id, "cancel", expected=2).state == "cancelled"


def test_every_refusal_writes_nothing(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email="seller@shop.example")
    before = dump(database)
    for refusal, wanted, event, actor in (
        (NotFound, new_id(), "cancel", SELLER),
        (EventUnknown, onboarding_id, "start", SELLER),
        (EventNotYours, onboarding_id, "cancel", PLATFORM),
        (EventNotAllowed, onboarding_id, "confirm", SELLER),
        (EventNotAllowed, onboarding_id, "issue_id", SELLER),
    ):
        with pytest.raises(refusal):
            fire(wanted, event, actor)
    assert dump(database) == before


def test_what_fails_after_a_move_takes_the_move_back(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    before = dump(database)

    def move_and_fail() -> None:
        with transaction() as session:
            lifecycle.fire(session, onboarding_id, "cancel", SELLER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        move_and_fail()
    assert dump(database) == before


def test_of_sixteen_who_fire_the_same_event_one_wins(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email="seller@shop.example")
    outcomes = race(*(lambda: fire(onboarding_id, "cancel").sequence for _ in range(16)))
    assert winners(outcomes) == [3]
    with reading() as session:
        assert len(queries.history(session, onboarding_id)) == 3
    assert [m.about["notice"] for m in promised("send_email")] == ["cancelled"]


def test_opposite_decisions_at_once_are_one_decision(database: Engine) -> None:
    for _ in range(10):
        onboarding_id = an_onboarding("checking_aggregator")
        outcomes = race(
            partial(fire, onboarding_id, "approve_aggregator", builders.OPERATOR),
            partial(fire, onboarding_id, "refuse_aggregator", builders.OPERATOR),
            partial(builders.work, onboarding_id),
            partial(fire, onboarding_id, "cancel", expected=2),
        )
        with reading() as session:
            steps = Counter(s.source for s in queries.history(session, onboarding_id))
        assert steps["checking_aggregator"] == 1, outcomes


def test_a_start_key_opens_one_onboarding(database: Engine) -> None:
    def start() -> UUID:
        with transaction() as session:
            return builders.start(session, start_key="form-1").id

    first = start()
    assert start() == first
    assert the(first).sequence == 1


def test_a_start_key_sent_at_once_by_eight_opens_one_onboarding(database: Engine) -> None:
    def start() -> UUID:
        with transaction() as session:
            return builders.start(session, start_key="form-1").id

    outcomes = race(*[start] * 8)
    assert len(set(outcomes)) == 1, outcomes
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Onboarding)) == 1
        assert session.scalar(select(func.count()).select_from(Transition)) == 1


def test_without_a_start_key_every_start_is_a_new_one(database: Engine) -> None:
    with transaction() as session:
        ids = {builders.start(session).id for _ in range(3)}
        references = set(session.scalars(select(Onboarding.reference)))
    assert len(ids) == len(references) == 3


@pytest.mark.parametrize("event", ["start_over", "cancel", "expire"])
@pytest.mark.parametrize("state", REVOKED_FROM)
def test_going_back_or_ending_takes_back_what_was_issued(
    database: Engine, state: str, event: str
) -> None:
    if event == "expire" and state == "secret_ready":
        return  # A secret that waits lapses first.
    onboarding_id = an_onboarding(state)
    onboarding = fire(onboarding_id, event, CLOCK if event == "expire" else SELLER)
    with reading() as session:
        client = session.scalars(select(Client)).one()
        secret = session.scalars(select(Secret)).one()
        assert session.scalar(select(func.count()).select_from(SealedSecret)) == 0
        assert credentials.live_client(session, onboarding_id) is None
        assert credentials.live_secret(session, onboarding_id) is None
    assert client.revoked_at == onboarding.entered_at
    assert secret.ended_because == ("lapsed" if state == "secret_lapsed" else "revoked")
    assert [m.about for m in promised("revoke_client")] == [{"client_id": client.id}]


@pytest.mark.parametrize("delegated", [False, True])
@pytest.mark.parametrize("event", ["start_over", "cancel", "expire", "unlink_seller"])
def test_a_link_ends_with_what_it_stood_on(
    database: Engine, event: str, *, delegated: bool
) -> None:
    onboarding_id = an_onboarding("seller_linked", delegated=delegated)
    onboarding = fire(onboarding_id, event, CLOCK if event == "expire" else SELLER)
    with reading() as session:
        assert links.live_link(session, onboarding_id) is None
        assert session.scalars(select(Link.ended_at)).one() == onboarding.entered_at
    assert len(promised("revoke_client")) == (not delegated and event != "unlink_seller")


def test_a_lapsed_secret_is_gone_and_its_client_stays(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_lapsed")
    with reading() as session:
        assert session.scalars(select(SealedSecret)).all() == []
        assert session.scalars(select(Secret.ended_because)).one() == "lapsed"
        assert credentials.live_client(session, onboarding_id) is not None
    assert promised("revoke_client") == []


def test_starting_over_clears_what_was_chosen(database: Engine) -> None:
    onboarding_id = an_onboarding("awaiting_aggregator")
    with transaction() as session:
        lifecycle.lock(session, onboarding_id).answers = {"values": "3"}
    again = fire(onboarding_id, "start_over")
    assert {name: getattr(again, name) for name in recording_statements.CHOICES} == dict.fromkeys(
        recording_statements.CHOICES
    )
    assert again.answers == {}
    assert again.wakes_at == again.entered_at + NEXT_MOVE["started"].reminders[0]


def test_starting_over_leads_to_another_client(database: Engine) -> None:
    walk = a_walk("secret_revealed")
    fire(walk.id, "start_over")
    for step in ("choose", "vouch", "issue", "work", "reveal"):
        builders.STEPS[step](walk)
    with reading() as session:
        clients = session.scalars(select(Client).order_by(Client.created_at)).all()
    assert [client.revoked_at is None for client in clients] == [False, True]
    assert walk.revealed is not None
    assert (walk.revealed.client_id, walk.revealed.version) == (clients[1].id, 1)


def test_another_choice_replaces_the_whole_choice(database: Engine) -> None:
    onboarding_id = an_onboarding("awaiting_aggregator")
    builders.handle(onboarding_id, "choose_type", connection_type="plugin")
    row = the(onboarding_id)
    assert (row.connection_type, row.credential_mode, row.aggregator_id, row.aggregator_name) == (
        "plugin",
        None,
        None,
        None,
    )


@pytest.mark.parametrize("state", ["started", "type_chosen"])
def test_choices_belong_to_choosing(database: Engine, state: str) -> None:
    """Whatever else an event is sent with, only choosing sets what was chosen."""
    onboarding_id = an_onboarding(state)
    chosen = the(onboarding_id).connection_type
    fire(onboarding_id, "cancel", choices={"connection_type": "legacy_soap"})
    assert the(onboarding_id).connection_type == chosen


def test_whoever_has_an_address_hears_of_what_concerns_them(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email="seller@shop.example")
    fire(onboarding_id, "start_over")
    fire(onboarding_id, "cancel")
    heard = {m.about["notice"]: m for m in promised("send_email")}
    assert set(heard) == {"started_over", "cancelled"} <= set(NOTICES.values())
    assert heard["cancelled"].sequence == the(onboarding_id).sequence


def test_a_promise_names_the_transition_that_made_it(database: Engine) -> None:
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised(onboarding_id=onboarding_id)
    assert (message.task, message.sequence) == ("generate_secret", the(onboarding_id).sequence)


def test_a_message_never_outlives_the_move_that_failed(database: Engine) -> None:
    def promise_and_fail() -> None:
        with transaction() as session:
            onboarding = builders.start(session)
            choices = {"connection_type": "aggregator", "credential_mode": "full"}
            lifecycle.fire(session, onboarding.id, "choose_type", SELLER, choices=choices)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        promise_and_fail()
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_the_clock_of_the_database_dates_a_move(database: Engine) -> None:
    with reading() as session:
        before = db.clock(session)
    onboarding_id = an_onboarding()
    with reading() as session:
        after = db.clock(session)
    assert before <= the(onboarding_id).entered_at <= after
    assert state_of(onboarding_id) == "started"


def test_what_was_changed_before_an_event_is_kept(database: Engine) -> None:
    onboarding_id = an_onboarding("started")
    with transaction() as session:
        session.get_one(Onboarding, onboarding_id).locale = "fr"
        lifecycle.fire(session, onboarding_id, "cancel", SELLER)
    assert (the(onboarding_id).locale, the(onboarding_id).state) == ("fr", "cancelled")
