"""F46: an onboarding in a state that only another version of the program knows is left alone, and said."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, update
from structlog.testing import capture_logs

from onboarding.chart import STATES
from onboarding.errors import StateUnknown
from onboarding.models import Onboarding
from onboarding.sealing import Keyring
from tests.builders import a_message, age, an_onboarding, handle, promised, state_of, the
from tests.dumping import dump
from tests.test_relay import until
from tests.web.calling import a_system, expect, refused, served
from tests.web.visiting import a_site, a_visitor, text
from workers import clock, relay, turns

STRANGE = "checking_identity"


@pytest.fixture
def checked() -> None:
    """What these tests bring about is a violation: a state that the chart does not have."""


@pytest.fixture
def strange(own_database: Engine) -> UUID:
    """An onboarding that a later version has moved on, with a deadline and a promise of its own."""
    onboarding_id = an_onboarding("issuing_secret")
    age(onboarding_id, timedelta(days=400))
    make_strange(own_database, onboarding_id)
    return onboarding_id


def make_strange(engine: Engine, *ids: UUID) -> None:
    """As a later version would: its schema allows its state."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        else:
            connection.exec_driver_sql(
                "ALTER TABLE onboardings DROP CONSTRAINT IF EXISTS ck_onboardings_rules"
            )
        connection.execute(
            update(Onboarding)
            .where(Onboarding.id.in_(ids))
            .values(state=STRANGE, wakes_at=Onboarding.entered_at)
        )
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")


def test_its_page_says_so(strange: UUID, ring: Keyring) -> None:
    visitor = a_visitor(a_site(ring), strange)
    answer = visitor.get(visitor.home(strange))
    assert answer.status_code == 503
    assert "This version of the program does not know where this stands" in text(answer)
    for form in ("cancel", "start-over", "secret-reveal", "link"):
        assert visitor.post(f"{visitor.home(strange)}/{form}").status_code in {200, 303, 404, 503}
    assert state_of(strange) == STRANGE


def test_the_api_shows_it_and_moves_it_nowhere(
    own_database: Engine, ring: Keyring, strange: UUID
) -> None:
    system = a_system(served(ring))
    theirs = UUID(system.fire(system.start(), "choose_type", connection_type="plugin")["id"])
    make_strange(own_database, theirs)
    shown = expect(system.get(f"/v1/onboardings/{theirs}"), 200)
    assert (shown["state"], shown["allowed_events"], shown["next_move"]) == (STRANGE, [], None)
    assert [one["id"] for one in expect(system.get("/v1/onboardings"), 200)["items"]] == [
        str(theirs)
    ]
    before = dump(own_database)
    answer = system.post(f"/v1/onboardings/{theirs}/events", {"event": "cancel", "data": {}})
    assert refused(answer, 503, "state_unknown")["retryable"] is True
    assert dump(own_database) | {"api_keys": []} == before | {"api_keys": []}


@pytest.mark.parametrize("event", ["cancel", "start_over", "reissue_secret", "choose_type"])
def test_no_event_moves_it(strange: UUID, event: str) -> None:
    data: dict[str, Any] = {"connection_type": "plugin"} if event == "choose_type" else {}
    with pytest.raises(StateUnknown):
        handle(strange, event, **data)
    assert state_of(strange) == STRANGE


def test_the_clock_goes_round_any_number_of_them(own_database: Engine) -> None:
    """They are the longest due, and would fill every look."""
    due = an_onboarding("type_chosen")
    age(due, timedelta(days=31))
    strange = [an_onboarding("type_chosen") for _ in range(3)]
    for onboarding_id in strange:
        age(onboarding_id, timedelta(days=400))
    make_strange(own_database, *strange)
    assert clock.sweep(limit=3).done == 1
    assert state_of(due) == "expired"
    assert [state_of(one) for one in strange] == [STRANGE] * 3


def test_its_task_is_kept_for_a_worker_that_knows_it(strange: UUID) -> None:
    (message,) = promised("generate_secret", strange)
    other = a_message("revoke_client", about={"client_id": "cid_nobody"})
    turns.run(str(message.id))
    turns.run(str(other))
    (kept,) = promised()
    assert (kept.id, kept.attempts, kept.failed_at) == (message.id, 1, None)
    assert "checking_identity" in str(kept.last_error)
    assert the(strange).sequence == message.sequence


def test_a_start_says_that_they_are_there(strange: UUID) -> None:
    with capture_logs() as said:
        assert relay.tell_of_strangers() == 1
    (line,) = said
    assert (line["event"], line["log_level"]) == ("states_unknown", "error")
    assert line["examples"] == {the(strange).reference: STRANGE}
    assert "doctor" in line["advice"]


def test_a_running_worker_has_said_so(strange: UUID) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(lambda _: None, stop))
    with capture_logs() as said:
        thread.start()
        until(lambda: bool(said))
        stop.set()
        thread.join(20)
    assert [line["event"] for line in said] == ["states_unknown"]


def test_a_start_says_nothing_where_all_is_well(own_database: Engine) -> None:
    for state in STATES:
        an_onboarding(state)
    with capture_logs() as said:
        assert relay.tell_of_strangers() == 0
    assert said == []
