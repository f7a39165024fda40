"""Runs in the console: what will happen is said first, what a second person must agree to waits for them."""

import csv
import io
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import runs
from onboarding.db import reading
from onboarding.sealing import Keyring
from tests import builders
from tests.acting import WHY, trail
from tests.at_runs import outcomes, some, the_run, work
from tests.commands.incidents import an_incident
from tests.composing import put
from tests.dumping import dump
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import Visitor, heading, text

BULK = "/en/console/bulk"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def begin(visitor: Visitor, query: str, **typed: str) -> httpx.Response:
    """Look at an action on a view, then begin it."""
    plan = {"first": "0", "pace": "6000", "stop_above": "20", "reason": WHY} | typed
    return visitor.press(visitor.get(f"{BULK}/new?{query}"), BULK, **plan)


def steer(visitor: Visitor, number: int, step: str, reason: str = WHY) -> httpx.Response:
    return visitor.post(f"{BULK}/{number}/{step}", {"reason": reason})


def test_from_a_view_to_what_came_of_each(app: FastAPI) -> None:
    incidents = [an_incident() for _ in range(3)]
    some(1, "secret_ready")
    visitor = at_console(app, "operator")
    listed = visitor.get("/en/console/onboardings?failing=yes")
    assert f'href="{BULK}/new?failing=yes"' in listed.text
    asked = visitor.get(f"{BULK}/new?failing=yes")
    assert heading(asked) == "What is to be done to all of these?"
    seen = visitor.get(f"{BULK}/new?action=retry")
    assert "It will be done to 3." in text(seen)
    assert "1 left as they are: Nothing has failed for good" in text(seen)
    run = visitor.follow(begin(visitor, "failing=yes&action=retry"))
    assert heading(run) == "B-1"
    assert "Is carried out" in text(run)
    work()
    done = visitor.get(f"{BULK}/1")
    assert "Is done" in text(done)
    assert "3 of 3" in text(done)
    (entry, *_) = [e for e in trail() if e.onboarding_id == incidents[0].onboarding_id]
    assert (entry.action, entry.details["run"]) == ("retry", 1)
    assert "B-1" in text(visitor.get(BULK))


def test_looking_at_many_writes_nothing(app: FastAPI, database: Engine) -> None:
    some(2)
    visitor = at_console(app, "lead")
    before = dump(database)
    for path in ("new", "new?action=cancel", "new?action=extend", "new.csv?action=cancel"):
        assert visitor.get(f"{BULK}/{path}").status_code == 200
    assert dump(database) == before


def test_what_takes_two_waits_for_the_second(app: FastAPI) -> None:
    waiting = some(2)
    lead, admin = at_console(app, "lead"), at_console(app, "admin")
    asked = lead.get(f"{BULK}/new?action=cancel")
    assert "A second person has to agree." in text(asked)
    run = lead.follow(begin(lead, "action=cancel"))
    assert "You have proposed it, so somebody else has to agree." in text(run)
    work()
    assert steer(lead, 1, "agree").status_code == 403
    assert {builders.state_of(each) for each in waiting} == {"awaiting_aggregator"}
    assert "Agree, and begin" in text(admin.get(f"{BULK}/1"))
    assert steer(admin, 1, "agree").status_code == 303
    work()
    assert {builders.state_of(each) for each in waiting} == {"cancelled"}
    assert "Agreed to by Admin (development)" in text(lead.get(f"{BULK}/1"))
    refused = [e for e in trail(20) if e.outcome == "refused"]
    assert [(e.action, e.details["why"]) for e in refused] == [
        ("run.agree", "second_person_needed")
    ]


def test_whoever_agrees_sees_what_it_is(app: FastAPI) -> None:
    some(2)
    lead, admin = at_console(app, "lead"), at_console(app, "admin")
    begin(lead, "state=awaiting_aggregator&action=extend&choice=7")
    begin(lead, "action=cancel")
    shown = text(admin.get(f"{BULK}/1"))
    assert "Of the view: state=awaiting_aggregator" in shown
    assert "Chosen: 7 days" in shown
    assert "Of all onboardings that there were" in text(admin.get(f"{BULK}/2"))


def test_a_mistyped_view_is_not_all_of_them(app: FastAPI) -> None:
    some(2)
    visitor = at_console(app, "lead")
    listed = visitor.get("/en/console/onboardings?overdu=yes")
    assert listed.status_code == 422
    assert "This address asks for something that no view has." in text(listed)
    assert f"{BULK}/new" not in listed.text
    assert "/console/export" not in listed.text
    for path in ("new?overdu=yes", "new?overdu=yes&action=cancel", "new.csv?overdu=yes"):
        assert visitor.get(f"{BULK}/{path}").status_code == 422
    assert visitor.post("/en/console/export", {"view": "overdu=yes"}).status_code == 422


def test_a_single_one_that_takes_two_is_a_run_of_one(app: FastAPI) -> None:
    one = builders.an_onboarding("checking_aggregator")
    lead, admin = at_console(app, "lead"), at_console(app, "admin")
    path = f"{home(one)}/approve_aggregator"
    page = lead.get(path)
    assert "A second person has to agree." in text(page)
    run = lead.follow(lead.press(page, path, reason=WHY))
    assert heading(run) == "B-1"
    assert builders.state_of(one) == "checking_aggregator"
    steer(admin, 1, "agree")
    work()
    assert builders.state_of(one) == "type_chosen"


def test_a_run_is_paused_gone_on_with_and_ended(app: FastAPI) -> None:
    some(2)
    visitor = at_console(app, "operator")
    begin(visitor, "action=recheck_aggregator")
    for step, says in (("pause", "Rests"), ("resume", "Is carried out"), ("abort", "Was ended")):
        assert says in text(visitor.follow(steer(visitor, 1, step)))
    assert steer(visitor, 1, "resume").status_code == 409
    assert outcomes(1) == {"waiting": 2}


def test_a_run_is_steered_by_those_who_could_have_begun_it(app: FastAPI) -> None:
    some(1)
    lead, operator = at_console(app, "lead"), at_console(app, "operator")
    begin(lead, "action=cancel")
    assert steer(operator, 1, "agree").status_code == 403
    assert "Agree, and begin" not in operator.get(f"{BULK}/1").text
    assert the_run(1).status == "proposed"


@pytest.mark.parametrize(
    "typed",
    [
        {"reason": ""},
        {"first": "many"},
        {"pace": "0"},
        {"pace": "-3"},
        {"stop_above": "101"},
        {"first": "9" * 30},
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_typed_is_lost(
    app: FastAPI, typed: dict[str, str]
) -> None:
    some(1)
    visitor = at_console(app, "operator")
    answer = begin(visitor, "action=recheck_aggregator", **typed)
    assert answer.status_code == 422
    ((name, value),) = typed.items()
    assert f'id="{name}"' in answer.text
    assert f'value="{value}"' in answer.text
    with reading() as session:
        assert runs.latest(session, 1) == []


def test_a_preview_is_good_for_its_owner_and_once(app: FastAPI) -> None:
    some(1)
    visitor, other = at_console(app, "operator"), at_console(app, "lead")
    page = visitor.get(f"{BULK}/new?action=recheck_aggregator")
    plan = {"first": "0", "pace": "60", "stop_above": "20", "reason": WHY}
    assert visitor.press(page, BULK, **plan).status_code == 303
    assert visitor.press(page, BULK, **plan).status_code == 409
    page = visitor.get(f"{BULK}/new?action=recheck_aggregator")
    other_page = Visitor(app)
    other_page.cookies = other.cookies
    assert other_page.press(page, BULK, **plan).status_code == 409


def test_both_tables_have_every_one(app: FastAPI) -> None:
    made = some(3)
    builders.fire(made[0], "cancel")
    visitor = at_console(app, "operator")
    rows = table(visitor.get(f"{BULK}/new.csv?action=recheck_aggregator"))
    assert [row["why_not"] for row in rows].count("") == 2
    begin(visitor, "action=recheck_aggregator")
    work()
    rows = table(visitor.get(f"{BULK}/1/items.csv"))
    assert {row["reference"] for row in rows} == {builders.the(each).reference for each in made}
    assert sorted(row["outcome"] for row in rows) == ["done", "done", "not_eligible"]


def test_thousands_fit_into_a_form(app: FastAPI) -> None:
    """What was looked at comes back as a whole, and a form that is not ours may not be as large."""
    visitor = at_console(app, "operator")
    large = {"preview": "x" * 400_000}
    assert visitor.post(BULK, large).status_code == 409
    assert visitor.post("/en/console/find", large).status_code == 413
    assert visitor.post(BULK, {"preview": "x" * 600_000}).status_code == 413


@pytest.mark.parametrize("number", ["0", "7", "x", "9" * 20, "-1", "1e3"])
def test_a_run_that_there_is_not_is_not_found(app: FastAPI, number: str) -> None:
    visitor = at_console(app, "lead")
    assert visitor.get(f"{BULK}/{number}").status_code == 404
    assert visitor.get(f"{BULK}/{number}/items.csv").status_code == 404
    assert visitor.post(f"{BULK}/{number}/abort", {"reason": WHY}).status_code == 404


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return [*csv.DictReader(io.StringIO(answer.text))]


def test_what_was_chosen_is_said_before_it_is_done(app: FastAPI) -> None:
    builders.an_onboarding("awaiting_aggregator")
    lead = at_console(app, "lead")
    page = lead.get("/en/console/bulk/new?action=extend&choice=14")
    assert "Chosen: 14 days" in text(page)


def test_the_letter_is_shown_once_for_each_language(app: FastAPI) -> None:
    for locale in ("en", "fr", "fr"):
        one = builders.an_onboarding("awaiting_seller", email="ada@shop.example")
        builders.work(one)
        builders.age(one, timedelta(days=9))
        put(one, locale=locale)
    page = at_console(app, "operator").get(f"{BULK}/new?action=nudge")
    assert "3 letters will be sent because of it." in text(page)
    assert text(page).count("Sign in to your seller account to continue") == 1
    assert page.text.count('<pre lang="fr"') == page.text.count('<pre lang="en"') == 1
    assert "ada@shop.example" not in page.text


def test_a_run_that_was_refused_is_written_down(app: FastAPI) -> None:
    some(1)
    visitor = at_console(app, "operator")
    page = visitor.get(f"{BULK}/new?action=recheck_aggregator")
    plan = {"first": "0", "pace": "60", "stop_above": "20", "reason": WHY}
    visitor.press(page, BULK, **plan)
    visitor.press(page, BULK, **plan)
    assert [(e.action, e.outcome, e.details.get("why")) for e in trail()] == [
        ("run.begin", "refused", "preview_used"),
        ("run.begin", "done", None),
    ]
