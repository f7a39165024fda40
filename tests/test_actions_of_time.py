"""More time for a person, and letters by hand: what time and letters do then, and that the checker knows."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from onboarding import db, deadlines, queries
from onboarding.chart import STATES
from onboarding.db import reading, transaction
from onboarding.errors import NotEligible
from onboarding.models import Mail
from onboarding.sealing import Keyring
from tests import builders
from tests.acting import a_lead, carry_out, findings, look, trail
from workers import clock


def test_more_time_moves_the_end_and_the_last_reminder(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller", email="ada@shop.example")
    before = builders.the(onboarding_id)
    end = deadlines.ends_at(before)
    assert end is not None
    who = a_lead()
    for days in ("30", "30", "30"):
        carry_out(ring, who, look(who, onboarding_id, "extend"), choice=days)
    after = builders.the(onboarding_id)
    assert deadlines.ends_at(after) == end + timedelta(days=90)
    assert deadlines.reminders_at(after) == [
        before.entered_at + timedelta(days=7),
        end + timedelta(days=87),
    ]
    assert after.wakes_at == before.wakes_at
    with pytest.raises(NotEligible):
        look(who, onboarding_id, "extend")
    assert trail()[0].details == {"days": 30, "until": (end + timedelta(days=90)).isoformat()}
    assert findings() == []


def test_who_was_given_time_is_reminded_again_and_expires_later(
    database: Engine, ring: Keyring
) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller", email="ada@shop.example")
    builders.age(onboarding_id, timedelta(days=28))
    clock.sweep()
    builders.work()
    who = a_lead()
    carry_out(ring, who, look(who, onboarding_id, "extend"), choice="14")
    builders.age(onboarding_id, timedelta(days=14))
    clock.sweep()
    assert builders.state_of(onboarding_id) == "awaiting_seller"
    (again,) = builders.promised("send_email", onboarding_id)
    assert again.about == {"notice": "reminder", "number": 2}
    builders.work()
    assert findings() == []
    builders.age(onboarding_id, timedelta(days=3))
    clock.sweep()
    assert builders.state_of(onboarding_id) == "expired"
    assert builders.the(onboarding_id).extra_days == 0


def test_time_is_given_where_time_ends_something(sqlite: Engine) -> None:
    who = a_lead()
    for state in STATES:
        onboarding_id = builders.an_onboarding(state)
        if state in deadlines.EXTENDABLE:
            look(who, onboarding_id, "extend")
        else:
            with pytest.raises(NotEligible):
                look(who, onboarding_id, "extend")


def test_a_seller_is_reminded_by_hand_once_a_day(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller", email="ada@shop.example")
    builders.work()
    who = a_lead()
    with pytest.raises(NotEligible, match="less than a day ago"):
        look(who, onboarding_id, "nudge")
    for _ in range(2):
        a_day_passes()
        carry_out(ring, who, look(who, onboarding_id, "nudge"))
        with pytest.raises(NotEligible, match="on its way"):
            look(who, onboarding_id, "nudge")
        builders.work()
    with reading() as session:
        notices = [mail.notice for mail in queries.mails_of(session, onboarding_id)]
    assert notices.count("reminder") == 2
    assert findings() == []


def test_a_letter_that_was_sent_again_is_no_finding(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("secret_ready", email="ada@shop.example")
    builders.work()
    who = a_lead()
    carry_out(ring, who, look(who, onboarding_id, "resend"))
    builders.work()
    with reading() as session:
        notices = [mail.notice for mail in queries.mails_of(session, onboarding_id)]
    assert notices == ["secret_ready", "secret_ready"]
    assert findings() == []


def a_day_passes() -> None:
    with transaction() as session:
        session.execute(update(Mail).values(sent_at=db.later(Mail.sent_at, -86_401)))
