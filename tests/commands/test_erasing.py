"""`erase` and `operators remove`: looked at first, asked for, told to the trail without whom."""

import io
import json
import sys

import pytest
from sqlalchemy import Engine

from onboarding import operators, views
from onboarding.commands import exits
from onboarding.db import transaction
from onboarding.filters import Filter
from onboarding.models import Assignment, Note, OperatorSession, ViewAlert
from onboarding.operators import Who
from tests import builders
from tests.acting import findings, trail
from tests.commands.conftest import Run
from tests.commands.incidents import reference
from tests.dumping import dump

WHO = "ana@shop.example"
WHY = ("--reason", "DPO-7: she has asked")
ERASE = ("erase", "--contact", WHO, *WHY)
NAME, MAIL, SUBJECT = "Mara Lindqvist", "mara@market.example", "account-of-mara"


def written(database: Engine) -> str:
    return repr(dump(database))


def test_nothing_goes_before_somebody_agrees(run_on_both: Run, database: Engine) -> None:
    over = builders.an_onboarding("cancelled", email=WHO)
    builders.work(over)
    going_on = builders.an_onboarding("started", email=WHO)
    before = dump(database)
    asked = run_on_both(*ERASE)
    assert asked.code == exits.REFUSED
    assert "Nothing was erased." in asked.err
    looked = run_on_both("erase", "--contact", WHO, "--dry-run", "--json")
    assert looked.code == 0
    assert dump(database) == before
    left = {"reference": reference(going_on), "state": "started", "why": "open"}
    told = {"removed": [reference(over)], "masked": {}, "left": [left], "trail": 0}
    assert looked.lines == [told]
    assert run_on_both(*ERASE, "--yes", "--json").lines == [told]


def test_a_terminal_says_what_went_what_stays_and_what_would_end_it(run_on_both: Run) -> None:
    over, connected = (
        builders.an_onboarding(state, email=WHO) for state in ("cancelled", "confirmed")
    )
    builders.work(over)
    was, stays = reference(over), reference(connected)
    told = run_on_both(*ERASE, "--yes")
    assert told.out == f"{was}  gone\n"
    assert f"{stays} stays: " in told.err
    assert f"onboarding connection revoke {stays}" in told.err
    assert "docs/retention.md" in told.err
    assert "Nothing that can go" in run_on_both("erase", "--contact", "b@c.example", *WHY).err


def test_the_trail_has_who_did_it_and_why_and_not_whom(
    run_on_both: Run, database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = builders.an_onboarding("cancelled", email=WHO)
    builders.work(over)
    was = reference(over)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{WHO}\n"))
    assert run_on_both("erase", "--contact", "-", *WHY, "--yes").code == 0
    (entry,) = trail()
    assert (entry.action, entry.actor[:4], entry.reason) == ("erase", "cli:", WHY[1])
    assert entry.details == {"removed": [was], "masked": {}, "left": 0}
    assert WHO not in written(database)
    assert run_on_both("audit", "verify").code == 0


def test_a_reason_that_names_them_is_refused(run_on_both: Run, database: Engine) -> None:
    builders.an_onboarding("cancelled", email=WHO)
    before = dump(database)
    asked = ("erase", "--contact", WHO, "--yes", "--reason", f"DPO-7: {WHO.upper()} has asked")
    refused = run_on_both(*asked)
    assert refused.code == exits.USAGE
    assert "without the address" in refused.err
    assert run_on_both("erase", "--contact", "ana", *WHY, "--yes").code == exits.USAGE
    assert dump(database) == before


def test_it_is_said_where_the_trail_has_the_address(run_on_both: Run) -> None:
    other = builders.an_onboarding("started")
    noted = ("note", reference(other), f"write to {WHO}")
    assert run_on_both(*noted).code == 0
    told = run_on_both(*ERASE, "--yes", "--json")
    assert told.lines[0]["masked"] == {"notes.text": 1}
    assert told.lines[0]["trail"] == 1
    assert run_on_both("audit", "verify").code == 0


def an_operator() -> Who:
    """Who looks after something, has noted something, and has a view that all see."""
    onboarding_id = builders.an_onboarding("started")
    with transaction() as session:
        found = operators.known(session, "https://id.market.example", SUBJECT, NAME, "lead", MAIL)
        who = Who(f"operator:{found.id}", found.name, found.role, found.id)
        operators.sign_in(session, found)
        session.add(Assignment(onboarding_id=onboarding_id, operator_id=found.id))
        session.add(Note(onboarding_id=onboarding_id, author=who.id, text="They know."))
        views.save(session, who, "Late ones", Filter(overdue="yes"), shared=True)
        views.save(session, who, "Mine", Filter(failing="yes"), shared=False)
    return who


def test_an_operator_who_has_left_is_removed_and_the_trail_holds(
    run_on_both: Run, database: Engine
) -> None:
    who = an_operator()
    asked = run_on_both("operators", "remove", NAME, *WHY)
    assert asked.code == exits.REFUSED
    assert "Late ones" in asked.err
    assert "Nobody looks after 1 onboarding then." in asked.err
    told = run_on_both("operators", "remove", NAME, *WHY, "--yes", "--json")
    assert told.code == 0
    (line,) = told.lines
    assert line["removed"] is True
    assert line["let_go"] == 1
    assert line["shared_views"] == ["Late ones"]
    for each in (NAME, MAIL, SUBJECT):
        assert each not in written(database)
    rows = dump(database)
    assert [
        len(rows[table.__tablename__]) for table in (OperatorSession, Assignment, ViewAlert, Note)
    ] == [0, 0, 0, 1]
    (entry,) = trail()
    assert (entry.action, entry.outcome) == ("operators.remove", "done")
    assert entry.details["operator"] == str(who.operator_id)
    assert run_on_both("audit", "verify").code == 0
    assert findings() == []


def test_operators_are_listed_and_meant_by_what_is_listed(run_on_both: Run) -> None:
    who = an_operator()
    (line,) = run_on_both("operators", "ls", "--json").lines
    assert (line["id"], line["name"], line["role"]) == (str(who.operator_id), NAME, "lead")
    assert MAIL not in json.dumps(line)
    assert run_on_both("operators", "remove", "Nobody", *WHY, "--yes").code == exits.NOT_FOUND
    asked = run_on_both("operators", "remove", str(who.operator_id)[:13], *WHY, "--yes")
    assert asked.code == 0
    assert "Nobody has signed in" in run_on_both("operators", "ls").err
