"""`/metrics` tells how many onboardings stand where, who keeps them waiting, and of nobody in particular."""

import math
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, update

from onboarding import __version__, audit, causes, db, developers, drawing, handover, reception
from onboarding.causes import CAUSES
from onboarding.chart import CONNECTION_TYPES, NEXT_MOVE, STATES
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import Canary, Message
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from onboarding.web.metrics import Kept
from tests import builders
from tests.builders import SELLER, make_older
from tests.test_canaries import take
from tests.web.calling import System, served
from tests.web.measuring import families, measured
from workers.relay import send_canary
from workers.tasks import TASKS

SERIES_AT_MOST = 2_000
COUNTER = "onboarding_operator_actions"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def server(database: Engine, ring: Keyring) -> System:
    return System(served(ring))


def test_an_empty_program_measures_nothing(server: System) -> None:
    numbers = measured(server)
    assert numbers.pop(f"onboarding_build_info/{drawing.version()}/{__version__}") == 1
    assert numbers.pop("onboarding_worker_last_canary_age_seconds") == math.inf
    assert set(numbers.values()) == {0.0}
    types, two = len(CONNECTION_TYPES) + 1, len(developers.THEIR_MOVE)
    standing, turns = (len(STATES) + two) * types, len(NEXT_MOVE) + two
    assert len(numbers) == standing + 2 * turns + 3 + len(reception.STATUSES)


def test_onboardings_are_counted_by_state_type_and_whose_turn_it_is(server: System) -> None:
    for state in ("started", "started", "issuing_secret", "confirmed"):
        builders.an_onboarding(state)
    numbers = measured(server)
    counted = {name: n for name, n in numbers.items() if "_onboardings/" in name and n}
    assert counted == {
        "onboarding_onboardings/started/none/seller": 2,
        "onboarding_onboardings/issuing_secret/own_development/platform": 1,
        "onboarding_onboardings/confirmed/own_development/nobody": 1,
    }


def test_what_waits_for_a_named_developer_is_not_the_sellers_turn(server: System) -> None:
    """As console and API tell it: where the seller has named nobody, and where it is their turn again."""
    for state, minutes in (("secret_ready", 60), ("secret_ready", 20), ("type_chosen", 5)):
        handed = builders.an_onboarding(state)
        with transaction() as session:
            handover.name(session, handed, SELLER, "dora@dev.example")
        builders.age(handed, minutes * MINUTE)
    builders.age(builders.an_onboarding("secret_ready"), 30 * MINUTE)
    numbers = measured(server)
    ready = "secret_ready/own_development"
    assert numbers[f"onboarding_onboardings/{ready}/developer"] == 2
    assert numbers[f"onboarding_onboardings/{ready}/seller"] == 1
    assert numbers["onboarding_onboardings/type_chosen/own_development/seller"] == 1
    assert numbers["onboarding_overdue/secret_ready/developer"] == 2
    assert numbers["onboarding_overdue/secret_ready/seller"] == 1
    oldest = "onboarding_oldest_age_seconds/secret_ready"
    assert 3600 <= numbers[f"{oldest}/developer"] < 3700
    assert 1800 <= numbers[f"{oldest}/seller"] < 1900


def test_what_operators_did_and_were_refused_is_counted(server: System, ring: Keyring) -> None:
    done = audit.Attempt("operator:1", "lead", "note", "why")
    with transaction() as session:
        for attempt in (
            done,
            done,
            replace(done, outcome="refused"),
            replace(done, action="export"),
        ):
            audit.append(session, ring, attempt)
    counted = {k: n for k, n in measured(server).items() if "operator_actions" in k}
    assert counted == {
        "onboarding_operator_actions_total/note/done": 2,
        "onboarding_operator_actions_total/note/refused": 1,
        "onboarding_operator_actions_total/export/done": 1,
    }


def test_a_turn_that_lasts_is_measured_and_one_that_lasts_too_long_counted(server: System) -> None:
    slow, late = builders.an_onboarding("verifying"), builders.an_onboarding("verifying")
    builders.age(slow, 9 * MINUTE)
    builders.age(late, 11 * MINUTE)
    numbers = measured(server)
    assert numbers["onboarding_overdue/verifying/platform"] == 1
    assert 660 <= numbers["onboarding_oldest_age_seconds/verifying/platform"] < 700


def test_what_the_outbox_owes_is_measured(server: System) -> None:
    builders.a_message("revoke_client")
    with transaction() as session:
        session.execute(update(Message).values(created_at=db.in_seconds(-90)))
    numbers = measured(server)
    assert numbers["onboarding_outbox_pending"] == 1
    assert 90 <= numbers["onboarding_outbox_oldest_age_seconds"] < 120


def test_what_is_tried_again_is_told_by_its_cause_and_is_nobody_s_delay(server: System) -> None:
    """A letter may rest for hours; that no worker takes it is another matter."""
    a_failure("mail_server_away", "send_email", age=5_000)
    numbers = measured(server)
    assert numbers["onboarding_retrying/mail_server_away/send_email"] == 1
    assert numbers["onboarding_outbox_pending"] == 1
    assert numbers["onboarding_outbox_oldest_age_seconds"] == 0


def test_incidents_are_told_by_cause_and_task(server: System) -> None:
    a_failure("worker_died", "send_email", final=True)
    a_failure("worker_died", "send_email", final=True)
    a_failure("task_failed", "verify_connection", final=True)
    numbers = measured(server)
    assert numbers["onboarding_incidents/worker_died/send_email"] == 2
    assert numbers["onboarding_incidents/task_failed/verify_connection"] == 1
    assert numbers["onboarding_dead_letters/send_email"] == 2
    assert numbers["onboarding_outbox_pending"] == 0


def test_an_onboarding_is_stuck_once_for_a_cause_whatever_that_has_stopped(server: System) -> None:
    one, other = builders.an_onboarding("confirmed"), builders.an_onboarding("confirmed")
    for whose in (one, one, other):
        a_failure("worker_died", "send_email", final=True, onboarding_id=whose)
    a_failure("mail_server_away", "send_email", onboarding_id=one)
    a_failure("of_another_version", "recheck_aggregator", final=True)
    stuck = {k: n for k, n in measured(server).items() if "stuck_onboardings" in k}
    assert stuck == {"onboarding_stuck_onboardings/worker_died": 2}


def test_causes_of_another_version_are_told_as_one(server: System) -> None:
    for number in range(60):
        a_failure(f"of_later_{number}", "send_email", final=True)
    assert measured(server)[f"onboarding_incidents/{causes.OTHER}/send_email"] == 60


def test_secrets_that_wait_to_be_shown_are_counted(server: System) -> None:
    builders.an_onboarding("secret_ready")
    builders.an_onboarding("secret_revealed")
    assert measured(server)["onboarding_secret_escrow_pending"] == 1


def test_how_long_ago_a_worker_took_work_is_measured(server: System) -> None:
    send_canary()
    take()
    make_older(Canary, "taken_at", MINUTE)
    assert 60 <= measured(server)["onboarding_worker_last_canary_age_seconds"] < 90


def test_there_are_few_series_however_much_goes_wrong(server: System) -> None:
    for task in TASKS:
        for cause in CAUSES:
            a_failure(cause, task)
            a_failure(cause, task, final=True)
    assert len(measured(server)) <= SERIES_AT_MOST
    assert len(CAUSES) <= 50


def test_no_figure_is_about_anybody(server: System) -> None:
    walk = builders.a_walk("seller_linked", email="ada@shop.example")
    onboarding = builders.the(walk.id)
    told = server.get("/metrics").text
    account = builders.ACCOUNT
    for secret in (str(walk.id), onboarding.reference, "ada", account.seller_id, account.subject):
        assert secret not in told
    labels = {name for f in families(server) for s in f.samples for name in s.labels}
    assert labels == {"state", "status", "type", "waiting_on", "version", "machine_version"}


def test_names_follow_the_conventions_of_prometheus(server: System, ring: Keyring) -> None:
    with transaction() as session:
        audit.append(session, ring, audit.Attempt("operator:1", "lead", "note", "why"))
    for family in families(server):
        assert family.name.startswith("onboarding_")
        assert family.type == ("counter" if family.name == COUNTER else "gauge")
        assert family.documentation.endswith(".")
        assert ("age" in family.name) == family.name.endswith("_seconds")


def test_an_answer_is_given_again_for_a_while() -> None:
    asked: list[bytes] = []

    def make() -> bytes:
        asked.append(b"")
        return b"%d" % len(asked)

    kept, forgotten = Kept(3600), Kept(0)
    assert [kept.or_new(make) for _ in range(3)] == [b"1"] * 3
    assert [forgotten.or_new(make) for _ in range(3)] == [b"2", b"3", b"4"]


def test_an_answer_that_fails_is_not_kept() -> None:
    def fail() -> bytes:
        raise ConnectionError

    kept = Kept(3600)
    with pytest.raises(ConnectionError):
        kept.or_new(fail)
    assert kept.or_new(lambda: b"well") == b"well"


def test_it_is_measured_while_the_broker_is_away(database: Engine, ring: Keyring) -> None:
    alone = System(served(ring, Settings(broker_url="redis://127.0.0.1:1/0")))
    assert measured(alone)["onboarding_outbox_pending"] == 0


def a_failure(
    cause: str, task: str, *, age: float = 0, final: bool = False, onboarding_id: UUID | None = None
) -> None:
    """A message whose latest attempt has failed, for good or not."""
    with transaction() as session:
        session.execute(
            insert(Message).values(
                id=new_id(),
                task=task,
                onboarding_id=onboarding_id,
                about={},
                created_at=db.in_seconds(-age),
                due_at=db.in_seconds(60),
                leased_until=None if final else db.in_seconds(60),
                attempts=1,
                max_attempts=8,
                cause=cause,
                failed_at=db.now() if final else None,
            )
        )
