"""What time does: each reminder, lapse and expiry at its instant, once, and never early."""

from collections import Counter
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import OperationalError

from onboarding import lifecycle, queries
from onboarding.access import CLOCK
from onboarding.chart import NEXT_MOVE, OPEN
from onboarding.db import clock as clock_of
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, MovedOn
from onboarding.models import Client, Onboarding, SealedSecret
from tests.builders import age, an_onboarding, fire, promised, state_of, the
from tests.racing import race
from workers import clock
from workers.clock import Swept

# Machines under load: how much sooner than an instant we still look and expect nothing.
MARGIN = timedelta(seconds=30)
TIMED = sorted(state for state in OPEN if NEXT_MOVE[state].then)
EMAIL = "seller@shop.example"

# Written out, so that a change of the chart shows here as well: state → reminders and the end.
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ENDS = {
    "started": ("expired", 30 * DAY),
    "awaiting_aggregator": ("expired", 90 * DAY),
    "type_chosen": ("expired", 30 * DAY),
    "secret_ready": ("secret_lapsed", 24 * HOUR),
    "secret_lapsed": ("expired", 30 * DAY),
    "secret_revealed": ("expired", 14 * DAY),
    "awaiting_seller": ("expired", 30 * DAY),
    "seller_linked": ("expired", 30 * DAY),
}


def reminders(onboarding_id: UUID) -> list[int]:
    letters = promised("send_email", onboarding_id)
    return [m.about["number"] for m in letters if m.about["notice"] == "reminder"]


def stand_at(onboarding_id: UUID, since_entry: timedelta) -> None:
    """Let the onboarding have stood in its state for exactly so long, give or take the test."""
    with reading() as session:
        stood = clock_of(session) - the(onboarding_id).entered_at
    age(onboarding_id, since_entry - stood)


@pytest.mark.parametrize("state", TIMED)
def test_a_state_ends_at_its_instant_and_not_before(database: Engine, state: str) -> None:
    ended, after = ENDS[state]
    onboarding_id = an_onboarding(state)
    stand_at(onboarding_id, after - MARGIN)
    clock.sweep()
    clock.sweep()
    assert state_of(onboarding_id) == state
    stand_at(onboarding_id, after)
    assert clock.sweep().done == 1
    assert state_of(onboarding_id) == ended
    with reading() as session:
        last = queries.history(session, onboarding_id)[-1]
    assert (last.actor_kind, last.event) == ("clock", NEXT_MOVE[state].then)


@pytest.mark.parametrize("state", TIMED)
def test_reminders_come_at_their_instants_and_not_before(database: Engine, state: str) -> None:
    onboarding_id = an_onboarding(state, email=EMAIL)
    for number, instant in enumerate(NEXT_MOVE[state].reminders, start=1):
        stand_at(onboarding_id, instant - MARGIN)
        assert clock.sweep().done == 0
        stand_at(onboarding_id, instant)
        assert clock.sweep().done == 1
        assert clock.sweep().done == 0
        assert reminders(onboarding_id) == list(range(1, number + 1))
        assert the(onboarding_id).reminders == number
    assert state_of(onboarding_id) == state


@pytest.mark.parametrize("state", sorted(OPEN - set(TIMED)))
def test_time_alone_moves_nobody_who_waits_for_us(database: Engine, state: str) -> None:
    onboarding_id = an_onboarding(state)
    age(onboarding_id, 400 * DAY)
    assert clock.sweep().done == 0
    assert state_of(onboarding_id) == state
    with pytest.raises(EventNotAllowed):
        fire(onboarding_id, "expire", CLOCK)


def test_the_states_that_time_ends_are_these() -> None:
    assert set(ENDS) == set(TIMED)


def test_who_moves_is_not_reminded_of_where_he_was(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email=EMAIL)
    stand_at(onboarding_id, 7 * DAY)
    clock.sweep()
    fire(onboarding_id, "start_over")
    assert the(onboarding_id).reminders == 0
    stand_at(onboarding_id, 7 * DAY - MARGIN)
    assert clock.sweep().done == 0
    stand_at(onboarding_id, 7 * DAY)
    clock.sweep()
    assert reminders(onboarding_id) == [1, 1]


def test_nobody_without_an_address_is_promised_a_letter(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    stand_at(onboarding_id, 7 * DAY)
    assert clock.sweep().done == 1
    assert promised("send_email") == []
    assert the(onboarding_id).reminders == 1


def test_after_a_long_sleep_nobody_is_reminded_twice_at_once(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email=EMAIL)
    stand_at(onboarding_id, 28 * DAY)
    clock.sweep()
    clock.sweep()
    assert reminders(onboarding_id) == [2]


def test_after_a_very_long_sleep_only_the_end_comes(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email=EMAIL)
    stand_at(onboarding_id, 300 * DAY)
    assert clock.sweep().done == 1
    assert state_of(onboarding_id) == "expired"
    assert reminders(onboarding_id) == []
    assert clock.sweep().done == 0


def test_sweeps_at_once_do_everything_once(database: Engine) -> None:
    ending = [an_onboarding("type_chosen") for _ in range(10)]
    reminded = [an_onboarding("started", email=EMAIL) for _ in range(10)]
    for onboarding_id in ending:
        stand_at(onboarding_id, 30 * DAY)
    for onboarding_id in reminded:
        stand_at(onboarding_id, 7 * DAY)
    outcomes = race(*[clock.sweep] * 4)
    assert sum(o.done for o in outcomes if isinstance(o, Swept)) == 20, outcomes
    with reading() as session:
        steps = Counter(step.event for one in ending for step in queries.history(session, one))
    assert steps["expire"] == 10
    assert [reminders(one) for one in reminded] == [[1]] * 10


def test_a_sweep_is_bounded_and_begins_with_the_longest_due(database: Engine) -> None:
    ids = [an_onboarding("type_chosen") for _ in range(3)]
    for number, onboarding_id in enumerate(ids):
        stand_at(onboarding_id, 31 * DAY + number * HOUR)
    assert clock.sweep(limit=2).done == 2
    assert [state_of(one) for one in ids] == ["type_chosen", "expired", "expired"]


def test_one_that_cannot_be_moved_holds_up_nobody(own_database: Engine) -> None:
    stuck, other = an_onboarding("type_chosen"), an_onboarding("type_chosen")
    stand_at(stuck, 32 * DAY)
    stand_at(other, 31 * DAY)
    _forbid_changes(own_database, stuck)
    assert clock.sweep().done == 1
    assert (state_of(stuck), state_of(other)) == ("type_chosen", "expired")


def test_one_that_somebody_holds_holds_up_nobody(postgresql: Engine) -> None:
    """An operator's open transaction: its row comes first in every sweep, and is passed by."""
    held, other, third = (an_onboarding("type_chosen") for _ in range(3))
    for number, onboarding_id in enumerate((third, other, held)):
        stand_at(onboarding_id, 31 * DAY + number * HOUR)
    with postgresql.begin() as connection:
        connection.execute(update(Onboarding).where(Onboarding.id == held).values(reminders=0))
        assert clock.sweep(limit=2) == (1, True)
        assert clock.sweep(limit=2) == (1, True)
        assert clock.sweep(limit=2) == (0, False)
    assert (state_of(other), state_of(third)) == ("expired", "expired")
    assert clock.sweep(limit=2) == (1, False)


def test_one_that_a_sweep_ends_with_is_not_where_the_next_begins(postgresql: Engine) -> None:
    """Somebody holds what belongs to it: whether the database takes anything, the next one will show."""
    held, other = an_onboarding("secret_ready"), an_onboarding("secret_ready")
    stand_at(held, 26 * HOUR)
    stand_at(other, 25 * HOUR)
    its = select(Client.id).where(Client.onboarding_id == held)
    sealed = select(SealedSecret).where(SealedSecret.client_id.in_(its))
    with postgresql.begin() as connection:
        connection.execute(sealed.with_for_update())
        with pytest.raises(OperationalError):
            clock.sweep(limit=1)
        assert clock.sweep(limit=1) == (1, True)
    assert (state_of(held), state_of(other)) == ("secret_ready", "secret_lapsed")
    assert clock.sweep(limit=1) == (1, True)


def test_a_secret_that_somebody_holds_is_destroyed_later(postgresql: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    with transaction() as session:
        session.execute(update(SealedSecret).values(fence="another"))
    with postgresql.begin() as connection:
        connection.execute(update(Onboarding).values(reminders=0))
        assert clock.forfeit() == (0, False)
    assert clock.forfeit() == (1, False)
    assert state_of(onboarding_id) == "secret_lapsed"


def test_who_was_faster_than_the_clock_stays_where_he_went(database: Engine) -> None:
    for _ in range(5):
        onboarding_id = an_onboarding("secret_ready")
        stand_at(onboarding_id, 24 * HOUR)
        outcomes = race(clock.sweep, partial(fire, onboarding_id, "reissue_secret", expected=4))
        lapsed = state_of(onboarding_id) == "secret_lapsed"
        assert outcomes[0] == (int(lapsed), False)
        assert isinstance(outcomes[1], MovedOn) is lapsed


def test_a_deadline_that_was_moved_is_looked_at_again(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    stand_at(onboarding_id, 30 * DAY)
    with transaction() as session:
        onboarding = lifecycle.lock(session, onboarding_id)
        session.execute(update(Onboarding).values(wakes_at=onboarding.entered_at + 60 * DAY))
    assert clock.sweep().done == 0
    assert state_of(onboarding_id) == "type_chosen"


def test_what_always_fails_comes_behind_what_can_be_done(database: Engine) -> None:
    """Or enough of it would be all that a sweep ever finds, and no deadline would be kept any more."""
    stuck, free = an_onboarding("type_chosen"), an_onboarding("type_chosen")
    stand_at(stuck, 31 * DAY)
    stand_at(free, 30 * DAY)
    _forbid_changes(database, stuck)
    assert clock.sweep(limit=1).done == 0
    assert clock.sweep(limit=1).done == 1
    assert state_of(free) != "type_chosen"
    assert clock.sweep(limit=1).done == 0


def _forbid_changes(engine: Engine, onboarding_id: UUID) -> None:
    """A row that no statement can change, whatever is wrong with it."""
    literal = onboarding_id.hex if engine.dialect.name == "sqlite" else str(onboarding_id)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                f"CREATE TRIGGER stuck BEFORE UPDATE ON onboardings WHEN old.id = '{literal}'"
                " BEGIN SELECT RAISE(ABORT, 'stuck'); END"
            )
            return
        connection.exec_driver_sql(
            "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'stuck'; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER stuck BEFORE UPDATE ON onboardings FOR EACH ROW"
            f" WHEN (old.id = '{literal}') EXECUTE FUNCTION stuck()"
        )
