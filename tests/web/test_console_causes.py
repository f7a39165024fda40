"""Causes to look at and to own: what a page of one shows, and how what was said about it holds."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import audit, db, marks, outbox, stuck, symptoms, words
from onboarding.causes import CAUSES
from onboarding.db import later, now, reading, transaction
from onboarding.models import AuditEntry, CauseMark, Message
from onboarding.models.operating import CAUSE_STATUSES
from onboarding.sealing import Keyring
from onboarding.stuck import CauseName
from onboarding.web import console_words
from tests import builders
from tests.commands.incidents import an_incident, failing
from tests.web.operating import a_quiet_site, at_console
from tests.web.visiting import Visitor, errors, soup, text

WHY = "INC-442: the vault is sealed"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


@pytest.fixture
def failed(app: FastAPI) -> Message:
    return an_incident()


def page_of(message: Message) -> str:
    return f"/en/console/causes/{message.task}/{message.cause}"


def name_of(message: Message) -> CauseName:
    return CauseName(message.task, str(message.cause))


def one_that_rests() -> Message:
    """A message that has failed once and is tried again."""
    onboarding_id = builders.an_onboarding("issuing_secret")
    (message,) = builders.promised("generate_secret", onboarding_id)
    with transaction() as session:
        claim = outbox.claim(session, message.id)
        assert claim is not None
        outbox.fail(session, claim, "busy", "too many connections")
    return builders.promised("generate_secret", onboarding_id)[0]


def say(visitor: Visitor, message: Message, **said: Any) -> httpx.Response:
    return visitor.post(f"{page_of(message)}/mark", {"reason": WHY} | said)


def status_of(message: Message) -> str:
    with reading() as session:
        (standing,) = marks.together(session, stuck.causes(session))
    return standing.status


def trail() -> list[AuditEntry]:
    with reading() as session:
        return [*audit.latest(session, 20)]


def test_a_cause_shows_how_many_where_and_some_of_them(app: FastAPI, failed: Message) -> None:
    page = at_console(app, "operator").get(page_of(failed))
    said = text(page)
    assert "1 failed for good" in said
    assert failed.onboarding_id
    assert builders.the(failed.onboarding_id).reference in said
    assert "Making the client secret" in said
    assert soup(page).select(f"a[href='/en/console/bulk/new?action=retry&cause={failed.cause}']")
    with reading() as session:
        found = symptoms.of(session, name_of(failed))
    assert found
    assert [number for _, number in found.hours] == [0] * (symptoms.HOURS - 1) + [1]
    assert len(soup(page).select(".trend rect")) == symptoms.HOURS


def test_what_it_means_is_said_in_the_reader_s_language(app: FastAPI, failed: Message) -> None:
    means, acts = CAUSES["task_failed"]
    told = [words.translate("fr", said) for said in (means, console_words.ACTS[acts])]
    visitor = at_console(app, "viewer", "fr")
    assert failed.onboarding_id
    reference = builders.the(failed.onboarding_id).reference
    code = f"causes/{failed.task}/{failed.cause}"
    for path in ("causes", "", code, f"onboardings/{reference}"):
        page = soup(visitor.get(f"/fr/console/{path}".rstrip("/")))
        assert told[0] in page.text, path
        assert means not in page.text, path
        assert page.select_one("main [lang=en]:not(q)") is None, path
    for path in (code, f"onboardings/{reference}"):
        assert f"Qui doit agir : {told[1]}." in text(visitor.get(f"/fr/console/{path}"))


def test_what_a_program_has_said_is_a_quotation_in_its_own_language(
    app: FastAPI, failed: Message
) -> None:
    """It comes after what it means, which is said in the reader's."""
    resting = one_that_rests()
    visitor = at_console(app, "viewer", "fr")
    assert failed.last_error
    assert failed.onboarding_id
    assert resting.onboarding_id
    shown = (
        (failed, f"causes/{failed.task}/{failed.cause}"),
        (failed, f"onboardings/{builders.the(failed.onboarding_id).reference}"),
        (resting, f"onboardings/{builders.the(resting.onboarding_id).reference}"),
    )
    for message, path in shown:
        page = visitor.get(f"/fr/console/{path}")
        quoted = [each.text for each in soup(page).select("main q[lang=en]")]
        assert quoted, path
        assert {*quoted} == {message.last_error}
        said, error = text(page), str(message.last_error)
        means = words.translate("fr", CAUSES[str(message.cause)].means)
        assert said.count(error) == len(quoted)
        assert means in said.partition(error)[0]


def test_what_failed_hours_ago_is_in_its_hour(app: FastAPI, failed: Message) -> None:
    with transaction() as session:
        session.execute(update(Message).values(failed_at=later(now(), -3.5 * 3600)))
    with reading() as session:
        found = symptoms.of(session, name_of(failed))
    assert found
    assert [number for _, number in found.hours][-4] == 1


def test_what_was_said_is_kept_and_listed_below_what_is_open(app: FastAPI, failed: Message) -> None:
    an_incident("busy")
    visitor = at_console(app, "operator")
    before = [row.text for row in soup(visitor.get("/en/console/causes")).select("th code")]
    assert len(before) > 1
    first = before[0]
    with reading() as session:
        (cause,) = [c for c in stuck.together(stuck.causes(session)) if c.code == first]
    path = f"/en/console/causes/{cause.task}/{cause.code}"
    answer = visitor.post(f"{path}/mark", {"status": "acknowledged", "owner": "me", "reason": WHY})
    assert answer.headers["location"] == f"{path}?done=1"
    for listed in ("/en/console/causes", "/en/console"):
        rows = [code.find_parent("tr") for code in soup(visitor.get(listed)).select("th code")]
        said = rows[-1].text if rows[-1] else ""
        assert first in said
        assert "acknowledged" in said
        assert "Operator (development)" in said
    (entry,) = trail()
    assert (entry.action, entry.reason, entry.outcome) == ("cause.mark", WHY, "done")
    assert (entry.details["from"], entry.details["to"]) == ("open", "acknowledged")
    assert f"“{WHY}”" in text(visitor.get(path))


def test_what_is_fixed_and_seen_again_has_come_back(app: FastAPI, failed: Message) -> None:
    visitor = at_console(app, "operator")
    assert say(visitor, failed, status="fixed", release="1.4.2").status_code == 303
    assert status_of(failed) == "fixed"
    with transaction() as session:
        session.execute(update(Message).values(failed_at=later(now(), 1.0)))
    assert status_of(failed) == "came_back"
    assert "came back (1.4.2)" in text(visitor.get(page_of(failed)))


def test_what_is_ignored_is_open_again_once_the_day_has_come(app: FastAPI, failed: Message) -> None:
    with reading() as session:
        tomorrow = (db.clock(session) + timedelta(days=1)).date().isoformat()
    assert say(at_console(app, "lead"), failed, status="ignored", until=tomorrow).is_redirect
    assert status_of(failed) == "ignored"
    with transaction() as session:
        session.execute(update(CauseMark).values(until=later(now(), -1.0)))
    assert status_of(failed) == "open"


def test_whoever_looks_after_it_stays_until_another_is_named(app: FastAPI, failed: Message) -> None:
    visitor = at_console(app, "operator")
    say(visitor, failed, status="open", owner="me")
    say(at_console(app, "lead"), failed, status="acknowledged", owner="keep")
    assert "Owner: Operator (development)" in text(visitor.get(page_of(failed)))
    say(visitor, failed, status="acknowledged", owner="nobody")
    assert "Owner: nobody" in text(visitor.get(page_of(failed)))


def in_two_places() -> tuple[str, str]:
    """One cause, met after two events; the pages of both."""
    again = builders.an_onboarding("secret_lapsed")
    builders.fire(again, "reissue_secret", builders.SELLER)
    whole = page_of(failing("generate_secret", again))
    place = f"{whole}?state=issuing_secret&event="
    return f"{place}issue_id", f"{place}reissue_secret"


def test_what_is_said_about_a_place_counts_there(app: FastAPI, failed: Message) -> None:
    first, second = in_two_places()
    visitor, mark = at_console(app, "operator"), f"{page_of(failed)}/mark"
    done = visitor.press(visitor.get(first), mark, status="acknowledged", reason=WHY)
    assert done.headers["location"] == f"{first}&done=1"
    assert "Only where it is met here: Making the client secret" in text(visitor.follow(done))
    assert "acknowledged" in text(visitor.get(first))
    # One place is open, so the whole is.
    assert status_of(failed) == "open"
    say(visitor, failed, status="fixed", release="1.4.2")
    assert "fixed (1.4.2)" in text(visitor.get(second))
    whole = text(visitor.get(page_of(failed)))
    assert "acknowledged" in whole
    assert "fixed (1.4.2)" in whole
    assert [e.details.get("event") for e in trail()] == [None, "issue_id"]


def test_one_place_shows_only_what_is_met_there(app: FastAPI, failed: Message) -> None:
    first, second = in_two_places()
    visitor = at_console(app, "viewer")
    assert failed.onboarding_id
    reference = builders.the(failed.onboarding_id).reference
    assert reference in visitor.get(first).text
    assert reference not in visitor.get(second).text
    assert "2 failed for good" in text(visitor.get(page_of(failed)))
    for place in (first, second):
        assert "1 failed for good" in text(visitor.get(place))
    assert visitor.get(f"{page_of(failed)}?state=nowhere").status_code == 404


def test_a_note_is_kept_for_whoever_looks_next(app: FastAPI, failed: Message) -> None:
    visitor, path = at_console(app, "operator"), page_of(failed)
    said = "Their status page:\n\n- https://status.example\n- `vault` is sealed <b>now</b>"
    done = visitor.press(visitor.get(path), f"{path}/note", note=said)
    page = visitor.follow(done)
    (note,) = soup(page).select(".timeline .note")
    assert [each.text for each in note.select("li")] == [
        "https://status.example",
        "vault is sealed <b>now</b>",
    ]
    (entry,) = trail()
    assert (entry.action, entry.outcome, entry.details["text"]) == ("cause.note", "done", said)
    assert status_of(failed) == "open"


def test_a_note_that_says_nothing_is_not_kept(app: FastAPI, failed: Message) -> None:
    path = page_of(failed)
    answer = at_console(app, "operator").post(f"{path}/note", {"note": "x"})
    assert (answer.status_code, errors(answer)) == (422, {"note": "Write 3 to 500 characters."})
    assert at_console(app, "viewer").post(f"{path}/note", {"note": WHY}).status_code == 403
    assert [(e.action, e.outcome) for e in trail()] == [("cause.note", "refused")]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"status": "gone"}, "status"),
        ({"status": "fixed"}, "release"),
        ({"status": "fixed", "release": "<b>"}, "release"),
        ({"status": "ignored"}, "until"),
        ({"status": "ignored", "until": "2020-01-01"}, "until"),
        ({"status": "open", "reason": "no"}, "reason"),
    ],
)
def test_what_is_missing_is_said(
    app: FastAPI, failed: Message, said: dict[str, str], field: str
) -> None:
    answer = say(at_console(app, "operator"), failed, **said)
    assert answer.status_code == 422
    assert [*errors(answer)] == [field]
    assert trail() == []


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_may_not_act_may_not_say(app: FastAPI, failed: Message, role: str) -> None:
    visitor = at_console(app, role)
    page = visitor.get(page_of(failed))
    assert "Try all again" not in page.text
    assert "needs the role operator" in text(page)
    assert say(visitor, failed, status="acknowledged").status_code == 403
    assert [(e.action, e.outcome) for e in trail()] == [("cause.mark", "refused")]


def test_a_cause_that_is_over_says_so_and_one_of_nobody_is_not_there(app: FastAPI) -> None:
    visitor = at_console(app, "operator")
    assert "Nothing fails because of it now." in text(
        visitor.get("/en/console/causes/send_email/busy")
    )
    assert visitor.get("/en/console/causes/send_email/nothing_of_ours").status_code == 404
    assert visitor.post("/en/console/causes/send_email/nothing/mark").status_code == 404


def test_every_status_has_a_word() -> None:
    assert {"came_back", *CAUSE_STATUSES} == set(console_words.CAUSES)
