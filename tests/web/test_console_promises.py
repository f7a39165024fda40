"""What the console promises at all times: it is never behind, clocks are those of whose turn it is, and a reason can be found."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import finding, outbox, stuck
from onboarding.chart import NEXT_MOVE
from onboarding.db import reading, transaction
from onboarding.filters import Filter
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import OPERATOR, age, an_onboarding, fire
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.test_console import act
from tests.web.visiting import heading, soup, text

# As often as the bar demands.
OFTEN = 200
AUDIT = "/en/console/audit"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def test_the_next_page_shows_what_was_done_however_often(sqlite: Engine, ring: Keyring) -> None:
    app = a_quiet_site(ring)
    onboarding_id = an_onboarding("awaiting_aggregator")
    ours, theirs = at_console(app, "admin"), at_console(app, "viewer")
    stale = []
    for number in range(OFTEN):
        action = "take_on" if number % 2 == 0 else "let_go"
        done = ours.follow(act(ours, onboarding_id, action, f"INC-{number}: {action}"))
        expected = "In hand of Admin" if action == "take_on" else "Nobody has taken it on"
        for page in (done, theirs.get(home(onboarding_id))):
            said = text(page)
            if expected not in said or f"INC-{number}: {action}" not in said:
                stale.append(number)
    assert stale == []


def test_the_list_and_the_count_are_not_behind_either(app: FastAPI) -> None:
    moved = an_onboarding("awaiting_seller")
    visitor = at_console(app, "admin")
    reference = builders.the(moved).reference
    for state, action in (("awaiting_seller", "start_over"), ("started", "cancel")):
        assert reference in visitor.get(f"/en/console/onboardings?state={state}").text
        visitor.follow(act(visitor, moved, action))
        assert reference not in visitor.get(f"/en/console/onboardings?state={state}").text
    with reading() as session:
        assert finding.count(session, Filter(state="cancelled")) == 1


def test_a_clock_runs_for_whose_turn_it_is_and_begins_anew_with_another(app: FastAPI) -> None:
    visitor = at_console(app, "viewer")
    onboarding_id = an_onboarding("awaiting_aggregator")
    age(onboarding_id, timedelta(days=15))
    assert "lateHas waited for the aggregator for 2 weeks" in text(visitor.get(home(onboarding_id)))
    assert is_late(onboarding_id)
    fire(onboarding_id, "recheck_aggregator", OPERATOR)
    said = text(visitor.get(home(onboarding_id)))
    assert "late" not in said.partition("Has waited")[0]
    assert "Has waited for us for 0" in said
    assert not is_late(onboarding_id)


def is_late(onboarding_id: object) -> bool:
    with reading() as session:
        return onboarding_id in finding.ids(session, Filter(overdue="yes"), 10)


@pytest.mark.parametrize("state", NEXT_MOVE)
def test_each_state_is_late_after_its_own_time(app: FastAPI, state: str) -> None:
    move = NEXT_MOVE[state]
    onboarding_id = an_onboarding(state)
    age(onboarding_id, move.overdue_after - timedelta(seconds=30))
    assert not is_late(onboarding_id)
    age(onboarding_id, timedelta(seconds=31))
    assert is_late(onboarding_id)
    said = text(at_console(app, "viewer").get(home(onboarding_id)))
    assert "lateHas waited for" in said
    assert "; that should take " in said


def test_a_cause_is_its_codes_whatever_was_said(app: FastAPI) -> None:
    for cause, error in (
        ("busy", "row 1"),
        ("busy", "row 2 of 0x7f"),
        ("busy", "Traceback"),
        ("unavailable", "row 1"),
    ):
        an_onboarding("verifying")
        fail_for_good(cause, error)
    with reading() as session:
        found = {each.key: each.failed for each in stuck.causes(session)}
    assert found == {
        "verifying.confirm.verify_connection.busy": 3,
        "verifying.confirm.verify_connection.unavailable": 1,
    }


def fail_for_good(cause: str, error: str) -> None:
    for message in builders.promised("verify_connection"):
        with transaction() as session:
            claim = outbox.claim(session, message.id)
            if claim:
                outbox.fail(session, claim, cause, error, final=True)


def test_a_reason_is_kept_as_it_was_said_and_found_again(app: FastAPI) -> None:
    onboarding_id = an_onboarding("secret_ready")
    visitor = at_console(app, "lead")
    for reason in ('INC-442: 100 % "sure" <b>of</b> it_all', "INC-443: é, ß & 'so' on"):
        act(visitor, onboarding_id, "note", reason)
        for part in (reason, reason[:7].lower(), reason[9:]):
            page = soup(visitor.get(f"{AUDIT}?{urlencode({'q': part})}"))
            (row,) = page.select("table.rows tbody tr")
            assert reason in row.text
    assert "No row says this." in text(visitor.get(f"{AUDIT}?q=INC-442%3A_100"))
    assert heading(visitor.get(f"{AUDIT}?q=%00%27")) == "What operators did"
