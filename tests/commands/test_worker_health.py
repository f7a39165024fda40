"""`worker-health`: whether work is taken up, for supervisors; `doctor` says it as well."""

from datetime import timedelta

from sqlalchemy import update

from onboarding import db
from onboarding.commands import exits
from onboarding.db import transaction
from onboarding.models import Canary
from tests.builders import make_older
from tests.commands.conftest import Run
from tests.commands.test_doctor import check
from tests.test_canaries import take
from workers.relay import send_canary


def taken(seconds_ago: float) -> None:
    send_canary()
    take()
    with transaction() as session:
        session.execute(update(Canary).values(taken_at=db.in_seconds(-seconds_ago)))


def test_a_worker_that_took_work_is_well(run_on_both: Run) -> None:
    taken(12)
    shown = run_on_both("worker-health")
    assert shown.code == 0
    assert shown.out.startswith("A worker took work 1")
    (told,) = run_on_both("worker-health", "--json").lines
    assert 12 <= told["seconds_since_work_was_taken"] < 60
    assert check(run_on_both("doctor", "--json"), "workers")["found"] == "take work"


def test_workers_that_have_taken_none_for_long_are_not(run: Run) -> None:
    taken(91)
    shown = run("worker-health")
    assert shown.code == exits.UNAVAILABLE
    assert "No worker has taken work for 1 min." in shown.err
    assert not shown.out


def test_workers_that_have_never_taken_any_are_not(run: Run) -> None:
    unasked = run("worker-health")
    assert (unasked.code, unasked.out) == (exits.UNAVAILABLE, "")
    assert "No worker was asked to take work yet." in unasked.err
    send_canary()
    unanswered = run("worker-health")
    assert unanswered.code == exits.UNAVAILABLE
    assert "No worker has taken work yet." in unanswered.err


def test_a_database_that_was_never_made_is_a_failure_too(run_anywhere: Run) -> None:
    assert run_anywhere("worker-health").code == exits.REFUSED


def test_a_system_that_was_stopped_is_no_finding_and_one_without_workers_is(run: Run) -> None:
    taken(3600)
    stopped = check(run("doctor", "--json"), "workers")
    assert (stopped["ok"], stopped["found"]) == (True, "no worker has taken work for 1 h")
    make_older(Canary, "sent_at", timedelta(hours=1))
    send_canary()
    asked = run("doctor", "--json")
    assert asked.code == exits.FINDINGS
    assert "onboarding worker" in check(asked, "workers")["do"]
