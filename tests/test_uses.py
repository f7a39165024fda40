"""The first use of a secret acknowledges it and is told once; long silence is asked after once."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from onboarding import access, queries, uses
from onboarding.db import reading, transaction
from onboarding.models import Client, Secret
from onboarding.presented import Verified
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.acting import findings
from tests.racing import race
from tests.web.calling import expect, served
from tests.web.presenting import Caller, a_caller, wrong
from workers import clock

EMAIL = "ada@shop.example"
DAYS = timedelta(days=1)


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


def client(caller: Caller) -> Client:
    with reading() as session:
        return session.get_one(Client, caller.client_id)


def notices(caller: Caller) -> list[str]:
    """Those that are promised and not sent yet."""
    return [str(m.about["notice"]) for m in builders.promised("send_email", caller.id)]


@pytest.mark.parametrize(
    ("kind", "state"),
    [("own_development", "awaiting_seller"), ("credentials_only", "credentials_issued")],
)
def test_the_first_use_acknowledges_the_secret(app: FastAPI, kind: str, state: str) -> None:
    caller = a_caller(app, "secret_revealed", connection_type=kind)
    expect(caller.ask(), 200)
    assert builders.state_of(caller.id) == state
    with reading() as session:
        last = queries.history(session, caller.id)[-1]
        secret = session.scalars(select(Secret)).one()
    assert (last.event, last.actor_kind) == ("acknowledge_secret", access.PLATFORM.kind)
    assert last.details == {"evidence": "first_use", "version": 1}
    assert secret.acknowledged_at == last.at
    expect(caller.ask(), 200)
    assert builders.state_of(caller.id) == state


def test_a_wrong_secret_acknowledges_nothing(app: FastAPI) -> None:
    caller = a_caller(app, "secret_revealed")
    caller.secret = wrong(caller.secret)
    expect(caller.ask(), 401)
    assert builders.state_of(caller.id) == "secret_revealed"


def test_of_uses_at_once_one_is_the_first(app: FastAPI) -> None:
    caller = a_caller(app, "secret_revealed", email=EMAIL)
    builders.work()
    answers = race(*[caller.token] * 8)
    assert all(isinstance(each, str) for each in answers)
    assert notices(caller).count("first_call") == 1
    with reading() as session:
        events = [step.event for step in queries.history(session, caller.id)]
    assert events.count("acknowledge_secret") == 1


def test_a_use_of_a_secret_that_was_replaced_meanwhile_says_nothing_of_the_new_one(
    app: FastAPI,
) -> None:
    caller = a_caller(app, "secret_revealed")
    late = Verified(
        client_id=caller.client_id,
        version=1,
        onboarding_id=caller.id,
        state="secret_revealed",
        acknowledged=False,
        last_used_at=None,
        now=datetime.now(UTC),
    )
    builders.fire(caller.id, "reissue_secret")
    builders.work(caller.id)
    builders.reveal(caller.id)
    with transaction() as session:
        uses.note(session, late)
    assert builders.state_of(caller.id) == "secret_revealed"
    with reading() as session:
        assert session.scalars(select(Secret.acknowledged_at)).all() == [None, None]


def test_the_first_call_is_told_once(app: FastAPI) -> None:
    caller = a_caller(app, email=EMAIL)
    builders.work()
    assert client(caller).first_used_at is None
    expect(caller.ask(), 200)
    first = client(caller).first_used_at
    assert first is not None
    assert notices(caller) == ["first_call"]
    assert findings() == [], "while the letter waits"
    builders.age(caller.id, timedelta(minutes=5))
    expect(caller.ask(), 200)
    assert notices(caller) == ["first_call"]


def test_nobody_is_written_to_who_has_left_no_address(app: FastAPI) -> None:
    caller = a_caller(app)
    expect(caller.ask(), 200)
    assert client(caller).first_used_at is not None
    assert notices(caller) == []


def test_silence_is_asked_after_once(app: FastAPI) -> None:
    caller = a_caller(app, email=EMAIL)
    builders.work()
    assert clock.ask_about_silence().done == 0
    builders.age(caller.id, settings().silence_days * DAYS)
    assert [clock.ask_about_silence().done for _ in range(2)] == [1, 0]
    assert notices(caller) == ["no_call_yet"]
    assert findings() == [], "while the letter waits"
    assert client(caller).silence_asked_at is not None


def test_sweeps_at_once_ask_once(app: FastAPI) -> None:
    caller = a_caller(app, email=EMAIL)
    builders.work()
    builders.age(caller.id, settings().silence_days * DAYS)
    race(*[clock.ask_about_silence] * 4)
    assert notices(caller) == ["no_call_yet"]


@pytest.mark.parametrize("why", ["called", "not done", "revoked", "long ago"])
def test_those_are_not_asked(app: FastAPI, why: str) -> None:
    states = {"not done": "seller_linked", "revoked": "cancelled"}
    if why == "revoked":
        caller = a_caller(app, "seller_linked", email=EMAIL)
        builders.fire(caller.id, "cancel")
    else:
        caller = a_caller(app, states.get(why, "confirmed"), email=EMAIL)
    if why == "called":
        expect(caller.ask(), 200)
    builders.work()
    builders.age(caller.id, (settings().silence_days + (5 if why == "long ago" else 0)) * DAYS)
    assert clock.ask_about_silence().done == 0


def test_a_letter_about_silence_is_not_sent_after_a_call(app: FastAPI) -> None:
    caller = a_caller(app, email=EMAIL)
    builders.work()
    builders.age(caller.id, settings().silence_days * DAYS)
    clock.ask_about_silence()
    with transaction() as session:
        session.get_one(Client, caller.client_id).first_used_at = client(caller).created_at
    builders.work()
    with reading() as session:
        assert "no_call_yet" not in [m.notice for m in queries.mails_of(session, caller.id)]
