"""A task may run late, twice or fifty times: it has its one effect, or none."""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from onboarding import db, outbox, redelivery, replacing
from onboarding.chart import ON_ENTRY
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.models import Mail, SealedSecret, Secret
from onboarding.sealing import Keyring
from onboarding.settings import settings as settings_of
from tests import another_seller, builders
from tests.acting import a_lead
from tests.at_runs import begin, look
from tests.builders import (
    a_message,
    a_walk,
    an_onboarding,
    end_the_rest_of,
    fire,
    keyring,
    promised,
    state_of,
    the,
    work,
)
from tests.databases import forget_settings
from tests.dumping import dump
from tests.faults.breaking import failing
from tests.leaking import a_leak, a_leak_that_is_over
from tests.listening import a_delivery
from tests.racing import race
from tests.telling import an_early_event
from tests.test_registry import record
from tests.watched import a_watched_view
from workers import clock, tasks, turns
from workers.app import app
from workers.relay import send_canary

EMAIL = "seller@shop.example"


def a_promise_of(task: str) -> str:
    """The ID of the only message that waits: of this task, ready to run."""
    PROMISES[task]()
    work_but(task)
    (message,) = promised(task)
    return str(message.id)


def work_but(task: str) -> None:
    while others := [m for m in promised() if m.task != task]:
        for message in others:
            turns.run(str(message.id))


def _a_recheck() -> None:
    an_onboarding("awaiting_aggregator")
    work()
    record("Catalogue Express", uses_rest=False)


def _a_slice() -> None:
    an_onboarding("started")
    who = a_lead()
    begin(keyring(), who, look(who, "note"))
    clock.promise_slices()


def _a_replacement() -> None:
    onboarding_id = an_onboarding("confirmed")
    with transaction() as session:
        replacing.ask(session, onboarding_id, builders.SELLER, 3)


def _a_full_view() -> None:
    an_onboarding("started")
    a_watched_view("state=started", above=0)
    clock.tell_operators()


PROMISES: dict[str, Callable[[], object]] = {
    "generate_secret": lambda: an_onboarding("issuing_secret"),
    "replace_secret": _a_replacement,
    "answer_leak": a_leak,
    "await_new_secret": a_leak_that_is_over,
    "check_aggregator": lambda: an_onboarding("checking_aggregator"),
    "verify_connection": lambda: an_onboarding("verifying"),
    "verify_further_link": lambda: another_seller.accepted(an_onboarding("confirmed")),
    "send_email": lambda: fire(an_onboarding("type_chosen", email=EMAIL), "cancel"),
    "revoke_client": lambda: fire(an_onboarding("secret_ready"), "cancel"),
    "recheck_parked": _a_recheck,
    "canary": send_canary,
    "run_slice": _a_slice,
    "tell_operator": _a_full_view,
    "deliver_webhooks": a_delivery,
    "offer_inbound": an_early_event,
}


def test_every_task_is_tried_here() -> None:
    assert set(PROMISES) == set(tasks.TASKS)


@pytest.mark.parametrize("task", sorted(PROMISES))
def test_a_task_that_runs_fifty_times_has_one_effect(database: Engine, task: str) -> None:
    message_id = a_promise_of(task)
    before = dump(database)
    turns.run(message_id)
    once = dump(database)
    assert once != before
    for _ in range(49):
        turns.run(message_id)
    assert dump(database) == once
    assert promised(task) == []


@pytest.mark.parametrize("task", sorted(PROMISES))
def test_a_task_that_runs_in_eight_workers_at_once_has_one_effect(
    database: Engine, task: str
) -> None:
    message_id = a_promise_of(task)
    onboarding = promised(task)[0].onboarding_id
    sequence = the(onboarding).sequence if onboarding else 0
    assert race(*[lambda: turns.run(message_id)] * 8) == [None] * 8
    assert promised(task) == []
    if onboarding:
        assert the(onboarding).sequence == sequence + (
            task in _reporting() | {"verify_further_link"}
        )


def _reporting() -> set[str]:
    return {task for names in ON_ENTRY.values() for task in names}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(50)))
def test_shuffled_duplicates_have_the_effects_of_one_each(sqlite: Engine, order: list[int]) -> None:
    """Fifty deliveries of five onboardings' messages, those that they promise included."""
    ids = [an_onboarding("issuing_secret") for _ in range(5)]
    delivered = [m for m, _ in zip(cycle(promised("generate_secret")), order, strict=False)]
    for number in order:
        turns.run(str(delivered[number].id))
    assert [state_of(one) for one in ids] == ["secret_ready"] * 5
    with reading() as session:
        count = session.scalar(select(func.count()).select_from(Secret))
        assert session.scalar(select(func.count()).select_from(SealedSecret)) == count


@pytest.mark.parametrize("task", sorted(_reporting()))
@pytest.mark.parametrize("event", ["start_over", "cancel"])
def test_a_result_that_comes_too_late_is_dropped(database: Engine, task: str, event: str) -> None:
    message_id = a_promise_of(task)
    (message,) = promised(task)
    assert message.onboarding_id is not None
    if task == "verify_connection" and event == "start_over":
        event = "cancel"  # While it is verified, nobody starts over.
    fire(message.onboarding_id, event)
    work_but(task)
    before = dump(database) | {"messages": []}
    turns.run(message_id)
    assert dump(database) == before


def test_a_result_of_an_earlier_round_is_dropped(database: Engine) -> None:
    """The onboarding is in the same state again, for another transition's sake."""
    walk = a_walk("checking_aggregator")
    (early,) = promised("check_aggregator")
    fire(walk.id, "start_over")
    builders.STEPS["choose"](walk)
    sequence = the(walk.id).sequence
    turns.run(str(early.id))
    assert (state_of(walk.id), the(walk.id).sequence) == ("checking_aggregator", sequence)
    work()
    assert state_of(walk.id) == "type_chosen"


@pytest.mark.parametrize("garbage", ["", "nonsense", "0", "é", "../../etc/passwd", "x" * 10_000])
def test_what_is_no_id_of_a_message_changes_nothing(database: Engine, garbage: str) -> None:
    an_onboarding("issuing_secret")
    before = dump(database)
    turns.run(garbage)
    assert dump(database) == before


def test_ids_of_other_things_change_nothing(database: Engine) -> None:
    onboarding_id = an_onboarding("issuing_secret")
    before = dump(database)
    for other in (uuid4(), new_id(), onboarding_id):
        turns.run(str(other))
    assert dump(database) == before


def test_a_broker_cannot_have_a_message_carried_out_as_another_task(database: Engine) -> None:
    """Whoever reaches the broker may ask for a promise to be kept, not for another instead of it."""
    onboarding_id = an_onboarding("issuing_secret", email=EMAIL)
    (message,) = promised("generate_secret")
    app.tasks["revoke_client"](str(message.id))
    assert state_of(onboarding_id) == "secret_ready"
    assert promised("generate_secret") == []


def test_a_task_that_this_version_does_not_know_is_left_for_one_that_does(
    database: Engine,
) -> None:
    """F46: an old worker meets what a new one has promised, or the other way round."""
    message_id = a_message("from_the_future", max_attempts=2)
    before = dump(database)
    for _ in range(3):
        turns.run(str(message_id))
    assert dump(database) == before


def test_an_operator_has_a_secret_made_once_the_keys_are_back(
    database: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised("generate_secret")
    keys = str(settings_of().keys_dir)
    monkeypatch.setenv("ONBOARDING_KEYS_DIR", str(tmp_path / "empty"))
    forget_settings()
    (tmp_path / "empty").mkdir()
    for _ in range(outbox.MAX_ATTEMPTS):
        turns.run(str(message.id))
        end_the_rest_of(message.id)
    (incident,) = promised("generate_secret")
    assert (incident.cause, state_of(onboarding_id)) == ("unavailable", "issuing_secret")
    assert incident.last_error is not None
    assert "keyring" in incident.last_error
    monkeypatch.setenv("ONBOARDING_KEYS_DIR", keys)
    forget_settings()
    with transaction() as session:
        assert redelivery.retry(session, message.id)
    turns.run(str(message.id))
    assert state_of(onboarding_id) == "secret_ready"


def test_a_letter_that_is_asked_for_twice_is_handed_over_once(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email=EMAIL)
    fire(onboarding_id, "cancel")
    (message,) = promised("send_email")
    for _ in range(2):
        turns.run(str(message.id))
    assert [path.stem for path in settings_of().mail_dir.iterdir()] == [str(message.id)]
    with reading() as session:
        (mail,) = session.scalars(select(Mail))
    assert (mail.id, mail.notice, mail.locale) == (message.id, "cancelled", "en")


def test_a_batch_of_letters_reaches_everybody_who_is_concerned(database: Engine) -> None:
    for state in ("type_chosen", "secret_ready", "seller_linked"):
        fire(an_onboarding(state, email=EMAIL), "cancel")
    work()
    with reading() as session:
        sent = session.scalars(select(Mail.notice)).all()
    assert sent.count("cancelled") == 3
    assert {"secret_ready", "secret_revealed", "seller_linked"} <= set(sent)
    assert promised() == []


def test_an_incident_tells_of_an_outage_by_its_code(own_database: Engine) -> None:
    """PostgreSQL's codes; SQLite's trigger stands for any other mistake."""
    message_id = a_promise_of("generate_secret")
    with failing(own_database, "secrets", "53100"):
        turns.run(message_id)
    (kept,) = promised("generate_secret")
    outage = own_database.dialect.name == "postgresql"
    assert kept.cause == ("no_space" if outage else "task_failed")
    assert "as the test asked" in str(kept.last_error)
    assert "INSERT" not in str(kept.last_error)


def test_an_incident_tells_no_values_of_a_row(postgres_database: str, ring: Keyring) -> None:
    """PostgreSQL tells them in a line of their own."""
    own_database = db.connect(postgres_database)
    message_id = a_promise_of("send_email")
    onboarding_id = str(promised("send_email")[0].onboarding_id)
    sql = "ALTER TABLE mails ADD CONSTRAINT none_for CHECK (onboarding_id <> '{}')"
    with own_database.begin() as connection:
        connection.exec_driver_sql(sql.format(onboarding_id))
    turns.run(message_id)
    (kept,) = promised("send_email")
    assert kept.cause == "task_failed"
    assert "none_for" in str(kept.last_error)
    assert onboarding_id not in str(kept.last_error)
    assert "DETAIL" not in str(kept.last_error)
    own_database.dispose()
