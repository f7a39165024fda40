"""The greatest age of a client secret: told four times before, each once, then refused; a new one renews it."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from onboarding import credentials, event_bodies, queries, replacing
from onboarding.db import reading, transaction
from onboarding.invariants.running import violations
from onboarding.models import Secret
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import SELLER
from tests.databases import forget_settings
from tests.racing import race
from tests.web.calling import expect, served
from tests.web.presenting import Caller, a_caller
from workers import clock, turns

DAY = timedelta(days=1)
EMAIL = "ada@shop.example"


@pytest.fixture
def app(database: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Where a client secret may be 100 days old."""
    set_age(monkeypatch, 100)
    return served(ring)


def set_age(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    monkeypatch.setenv("ONBOARDING_SECRET_MAX_AGE_DAYS", str(days))
    forget_settings()


def sweep() -> int:
    """What the clock does, until there is nothing to do; how often it did something."""
    done = 0
    while swept := clock.expire_secrets().done:
        done += swept
    return done


def told(caller: Caller) -> list[int]:
    """The notices that were promised, by their days; each is sent before the next one is asked for."""
    return [
        m.about["days"] for m in builders.promised("send_email", caller.id) if "days" in m.about
    ]


def secret(caller: Caller) -> Secret:
    with reading() as session:
        return session.scalars(
            select(Secret)
            .where(Secret.client_id == caller.client_id)
            .order_by(Secret.version.desc())
            .limit(1)
        ).one()


def test_its_owner_is_told_four_times_and_then_it_is_refused(app: FastAPI) -> None:
    caller = a_caller(app, email=EMAIL)
    builders.work()
    seen: list[int] = []
    for day in range(100):
        sweep()
        seen += told(caller)
        builders.work()
        if day % 10 == 9:  # Once a minute would be too often.
            expect(caller.ask(), 200)
        builders.age(caller.id, DAY)
    assert seen == [90, 30, 7, 1]
    # By the database's clock, before anything has swept.
    refusal = expect(caller.ask(), 401)
    assert refusal == expect(Caller(app, caller.id, "cid_nobody", caller.secret).ask(), 401)
    assert sweep() == 1
    with reading() as session:
        last = queries.history(session, caller.id)[-1]
        letters = [m.notice for m in queries.mails_of(session, caller.id)]
    assert event_bodies.type_of(last) == "onboarding.secret_expired"
    assert (last.source, last.target, last.actor_kind) == ("confirmed", "confirmed", "clock")
    assert letters.count("secret_expires") == 4
    assert secret(caller).ended_because == "expired"
    builders.work()
    assert list(violations()) == []
    assert sweep() == 0


def _older(caller: Caller, by: timedelta) -> None:
    """It expires that much earlier, and is no older."""
    with transaction() as session:
        one = session.get_one(Secret, (caller.client_id, 1))
        assert one.expires_at
        one.expires_at -= by


def test_of_what_nobody_was_awake_for_the_last_notice_is_sent_once(app: FastAPI) -> None:
    caller = a_caller(app, email=EMAIL)
    builders.work()
    sweep()
    builders.age(caller.id, 95 * DAY)
    race(*[clock.expire_secrets] * 4)
    assert told(caller) == [7]
    assert sweep() == 0


def test_notices_that_do_not_fit_into_the_age_are_not_sent(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_age(monkeypatch, 30)
    caller = a_caller(app, email=EMAIL)
    builders.work()
    assert sweep() == 0
    builders.age(caller.id, 24 * DAY)
    sweep()
    assert told(caller) == [7]


def test_a_new_secret_renews_it_and_letters_about_the_old_one_are_not_sent(app: FastAPI) -> None:
    caller = a_caller(app, email=EMAIL)
    builders.work()
    builders.age(caller.id, 95 * DAY)
    sweep()
    new = replaced(caller)
    expect(new.ask(), 200)
    with reading() as session:
        before = [m.notice for m in queries.mails_of(session, caller.id)].count("secret_expires")
    builders.work()
    with reading() as session:
        current = credentials.live_secret(session, caller.id)
        letters = [m.notice for m in queries.mails_of(session, caller.id)]
    assert current
    assert current.expires_at
    assert current.expires_at - current.created_at > 99 * DAY
    assert letters.count("secret_expires") == before == 0
    assert sweep() == 0


def replaced(caller: Caller) -> Caller:
    with transaction() as session:
        replacing.ask(session, caller.id, SELLER, 0)
    for message in builders.promised("replace_secret", caller.id):
        turns.run(str(message.id))
    with transaction() as session:
        shown = replacing.reveal(session, caller.id, builders.keyring())
    return Caller(caller.app, caller.id, caller.client_id, shown.secret.get_secret_value())


def test_an_expired_secret_is_replaced(app: FastAPI) -> None:
    caller = a_caller(app)
    _older(caller, 101 * DAY)
    assert sweep() == 1
    new = replaced(caller)
    expect(new.ask(), 200)
    expect(caller.ask(), 401)
    assert list(violations()) == []


def test_secrets_of_before_the_rule_get_the_time_of_the_first_notice(
    database: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = a_caller(served(ring), email=EMAIL)
    builders.work()
    builders.age(caller.id, 1000 * DAY)
    assert sweep() == 0
    assert secret(caller).expires_at is None
    set_age(monkeypatch, 365)
    sweep()
    expires_at = secret(caller).expires_at
    assert expires_at
    assert told(caller) == [90]
    expect(caller.ask(), 200)
    set_age(monkeypatch, 0)
    sweep()
    assert (secret(caller).expires_at, secret(caller).expiry_told) == (None, None)


def test_without_a_rule_nothing_expires(database: Engine, ring: Keyring) -> None:
    caller = a_caller(served(ring))
    assert secret(caller).expires_at is None
    assert sweep() == 0


def test_what_is_on_its_way_is_left_to_the_chart(app: FastAPI) -> None:
    caller = a_caller(app, "awaiting_seller")
    _older(caller, 101 * DAY)
    assert sweep() == 0
    assert builders.state_of(caller.id) == "awaiting_seller"
    expect(caller.ask(), 401)
