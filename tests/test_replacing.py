"""A new secret for an onboarding that is done: both work for a while, then only the new one."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select

from onboarding import db, event_bodies, queries, replacing
from onboarding.access import Actor
from onboarding.afterwards import DONE
from onboarding.credentials import REISSUES_A_DAY, Revealed
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotEligible, NotFound, TooMany
from onboarding.models import Client, SealedSecret, Secret
from onboarding.replacing import Versions
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import SELLER
from tests.racing import race
from tests.web.calling import expect, served
from tests.web.presenting import Caller, a_caller, wrong
from workers import clock

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


def ask(caller: Caller, days: int = 3, actor: Actor = SELLER, **more: Any) -> None:
    with transaction() as session:
        replacing.ask(session, caller.id, actor, days, **more)


def reveal(caller: Caller) -> Revealed:
    with transaction() as session:
        return replacing.reveal(session, caller.id, builders.keyring())


def shown(caller: Caller, days: int = 3) -> Caller:
    """The same program with the new secret, which it has not used yet."""
    ask(caller, days)
    builders.work(caller.id)
    secret = reveal(caller).secret.get_secret_value()
    return Caller(caller.app, caller.id, caller.client_id, secret)


def stands(caller: Caller) -> Versions:
    with reading() as session:
        found = replacing.versions(session, builders.the(caller.id))
    assert found
    return found


def end_old(caller: Caller, version: int = 1) -> None:
    with transaction() as session:
        replacing.end_old(session, caller.id, version)


def settle() -> None:
    """What the clock does, until there is nothing to do."""
    while clock.end_secrets().done:
        pass


@pytest.mark.parametrize("state", DONE)
def test_both_work_during_the_overlap_and_afterwards_only_the_new_one(
    app: FastAPI, state: str
) -> None:
    old = a_caller(app, state)
    sequence = builders.the(old.id).sequence
    new = shown(old)
    for each in (old, new, old):
        expect(each.ask(), 200)
    builders.age(old.id, 3 * DAY - HOUR)
    for each in (old, new):
        expect(each.ask(), 200)
    token = old.token()
    builders.age(old.id, 2 * HOUR)
    # By the database's clock, before anything has swept.
    expect(old.ask(), 401)
    expect(new.whoami(token), 401)
    expect(new.ask(), 200)
    settle()
    expect(old.ask(), 401)
    expect(new.ask(), 200)
    assert (builders.state_of(old.id), builders.the(old.id).sequence) == (state, sequence + 1)


def last_event(caller: Caller) -> dict[str, Any]:
    """As other systems get it."""
    with reading() as session:
        step = queries.history(session, caller.id)[-1]
    return event_bodies.body(step, "ONB-0", "here")


@pytest.mark.parametrize("actor", ["platform", "seller"])
def test_other_systems_hear_once_that_a_secret_was_replaced(app: FastAPI, actor: str) -> None:
    """Not that one was asked for or shown: the old one still counts then."""
    old = a_caller(app)
    before = last_event(old)
    new = shown(old)
    assert last_event(old) == before
    if actor == "seller":
        with transaction() as session:
            replacing.acknowledge(session, old.id, SELLER, version=2, ending=new.secret[-6:])
    for _ in range(2):
        expect(new.ask(), 200)
    told = last_event(old)
    assert (told["type"], told["data"]["actor"]) == ("onboarding.secret_replaced", actor)
    assert told["data"]["sequence"] == before["data"]["sequence"] + 1
    assert told["data"]["details"] == {"client_id": old.client_id, "version": 2}


def test_a_new_secret_that_nobody_has_saved_never_ends_the_old_one(app: FastAPI) -> None:
    old = a_caller(app)
    new = shown(old, days=0)
    builders.age(old.id, 10 * DAY)
    settle()
    expect(old.ask(), 200)
    assert stands(old).coming is not None
    builders.age(old.id, 5 * DAY)
    settle()
    expect(old.ask(), 200)
    expect(new.ask(), 401)
    assert stands(old).coming is None


def test_one_that_nobody_has_looked_at_is_destroyed_after_a_day(app: FastAPI) -> None:
    old = a_caller(app)
    ask(old)
    builders.work(old.id)
    builders.age(old.id, 23 * HOUR)
    settle()
    assert stands(old).coming
    builders.age(old.id, 2 * HOUR)
    settle()
    assert (stands(old).coming, stands(old).is_free) == (None, True)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(SealedSecret)) == 0
    with pytest.raises(NotEligible):
        reveal(old)
    expect(old.ask(), 200)


def test_without_an_overlap_the_first_use_ends_the_old_one(app: FastAPI) -> None:
    old = a_caller(app)
    new = shown(old, days=0)
    expect(old.ask(), 200)
    expect(new.ask(), 200)
    expect(old.ask(), 401)


def test_saving_it_begins_the_overlap_too(app: FastAPI) -> None:
    old = a_caller(app)
    new = shown(old, days=0)
    for version, ending, refusal in ((1, new.secret, NotEligible), (2, old.secret, Invalid)):
        with pytest.raises(refusal), transaction() as session:
            replacing.acknowledge(session, old.id, SELLER, version=version, ending=ending)
    expect(old.ask(), 200)
    with transaction() as session:
        replacing.acknowledge(session, old.id, SELLER, version=2, ending=new.secret[-6:])
    expect(old.ask(), 401)


def test_a_use_of_the_old_one_says_nothing_of_the_new_one(app: FastAPI) -> None:
    old = a_caller(app)
    shown(old)
    builders.make_older(Secret, "last_used_at", DAY)
    expect(old.ask(), 200)
    assert stands(old).old is None


def test_of_two_who_ask_at_once_one_is_told(app: FastAPI) -> None:
    old = a_caller(app)
    outcomes = race(*[lambda: ask(old, expected=1)] * 8)
    assert [type(each) for each in outcomes].count(NotEligible) == 7
    builders.work(old.id)
    assert stands(old).latest == 2


def test_a_form_that_has_fallen_behind_asks_for_nothing(app: FastAPI) -> None:
    old = a_caller(app)
    new = shown(old, days=0)
    expect(new.ask(), 200)
    with pytest.raises(NotEligible):
        ask(old, expected=1)
    ask(old, expected=2)


def test_two_versions_live_at_most(app: FastAPI) -> None:
    old = a_caller(app)
    ask(old)
    for _ in range(2):
        # It is being made, then waits to be shown.
        with pytest.raises(NotEligible):
            ask(old)
        builders.work(old.id)
    lost = shown_again(old)
    new = shown(old)
    expect(lost.ask(), 401)
    expect(new.ask(), 200)
    with pytest.raises(NotEligible):
        ask(old)
    end_old(old)
    ask(old)


def shown_again(caller: Caller) -> Caller:
    secret = reveal(caller).secret.get_secret_value()
    return Caller(caller.app, caller.id, caller.client_id, secret)


def test_the_old_one_can_be_ended_before_its_time(app: FastAPI) -> None:
    old = a_caller(app)
    new = shown(old)
    with pytest.raises(NotEligible):
        end_old(old)
    expect(new.ask(), 200)
    for version, refusal in ((2, NotEligible), (3, NotFound)):
        with pytest.raises(refusal):
            end_old(old, version)
    assert race(*[lambda: end_old(old)] * 8) == [None] * 8
    expect(old.ask(), 401)
    expect(new.ask(), 200)


def test_there_is_a_limit_for_a_day_but_not_for_operators(app: FastAPI) -> None:
    caller = a_caller(app)
    for _ in range(REISSUES_A_DAY):
        shown(caller)
    with pytest.raises(TooMany):
        ask(caller)
    ask(caller, actor=Actor("operator", "op"))


@pytest.mark.parametrize("days", [-1, 8])
def test_the_overlap_has_a_limit(app: FastAPI, days: int) -> None:
    with pytest.raises(Invalid):
        ask(a_caller(app), days)


@pytest.mark.parametrize("state", ["secret_revealed", "awaiting_seller", "cancelled"])
def test_where_the_onboarding_is_not_done_there_is_nothing_to_replace(
    app: FastAPI, state: str
) -> None:
    onboarding_id = builders.an_onboarding(state)
    with pytest.raises(NotEligible), transaction() as session:
        replacing.ask(session, onboarding_id, SELLER, 3)


def test_a_client_that_the_marketplace_has_disabled_gets_none(app: FastAPI) -> None:
    caller = a_caller(app)
    with transaction() as session:
        session.get_one(Client, caller.client_id).disabled_at = db.clock(session)
    with pytest.raises(NotEligible):
        ask(caller)


def test_the_owner_is_told_that_it_was_shown(app: FastAPI) -> None:
    caller = a_caller(app, email="ada@shop.example")
    builders.work()
    ask(caller)
    builders.work()
    reveal(caller)
    (message,) = builders.promised("send_email", caller.id)
    assert message.about["notice"] == "new_secret_shown"


def test_a_wrong_secret_fits_neither(app: FastAPI) -> None:
    old = a_caller(app)
    new = shown(old)
    for each in (old, new):
        each.secret = wrong(each.secret)
        expect(each.ask(), 401)
