"""Taking back what was just done: for ten minutes, by who did it, if nobody has changed it since."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import audit, undoing
from onboarding.actions import ACTIONS
from onboarding.db import reading
from onboarding.models import Assignment, AuditEntry, CauseMark, SavedView
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import make_older
from tests.commands.incidents import an_incident
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.test_console import act
from tests.web.visiting import Visitor, soup, text
from workers import clock

WHY = "INC-442: by mistake"
SHARED = "/en/console/onboardings?state=type_chosen"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def trail() -> list[AuditEntry]:
    with reading() as session:
        return [*audit.latest(session, 20)]


def owner_of(onboarding_id: UUID) -> UUID | None:
    with reading() as session:
        found = session.get(Assignment, onboarding_id)
        return found.operator_id if found else None


def undo_of(page: httpx.Response) -> str | None:
    """Where the button of the banner leads."""
    form = soup(page).select_one("form[action*='/undo/']")
    return str(form["action"]) if form else None


def press_undo(visitor: Visitor, page: httpx.Response) -> httpx.Response:
    path = undo_of(page)
    assert path, text(page)
    return visitor.press(page, path)


def assigned(visitor: Visitor, onboarding_id: UUID, to: UUID) -> httpx.Response:
    path = f"{home(onboarding_id)}/assign"
    done = visitor.press(visitor.get(path), path, reason=WHY, choice=str(to))
    return visitor.follow(done)


def test_what_was_taken_on_is_nobodys_again_and_the_trail_says_what_was_undone(
    app: FastAPI,
) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    visitor = at_console(app, "operator")
    done = visitor.follow(act(visitor, onboarding_id, "take_on", WHY))
    assert owner_of(onboarding_id)
    undone = visitor.follow(press_undo(visitor, done))
    assert owner_of(onboarding_id) is None
    assert "It is as it was before" in text(undone)
    assert undo_of(undone) is None
    latest, first = trail()
    assert (latest.action, latest.outcome, latest.reason) == ("undo", "done", WHY)
    assert (latest.details["undoes"], latest.details["action"]) == (first.number, "take_on")
    assert press_undo(visitor, done).status_code == 409


def test_what_was_handed_on_or_let_go_is_theirs_again(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    ours, other = at_console(app, "operator"), at_console(app, "lead")
    act(other, onboarding_id, "take_on", WHY)
    first = owner_of(onboarding_id)
    assert first
    done = ours.follow(act(ours, onboarding_id, "let_go", WHY))
    press_undo(ours, done)
    assert owner_of(onboarding_id) == first
    act(ours, onboarding_id, "take_on", WHY)
    second = owner_of(onboarding_id)
    assert second
    assert second != first
    done = assigned(ours, onboarding_id, first)
    assert owner_of(onboarding_id) == first
    press_undo(ours, done)
    assert owner_of(onboarding_id) == second


def test_what_somebody_has_changed_since_is_left_alone(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    ours, other = at_console(app, "operator"), at_console(app, "lead")
    done = ours.follow(act(ours, onboarding_id, "take_on", WHY))
    act(other, onboarding_id, "take_on", WHY)
    # It is theirs again, as it was, but somebody has decided that.
    act(ours, onboarding_id, "take_on", WHY)
    mine = owner_of(onboarding_id)
    refused = press_undo(ours, done)
    assert refused.status_code == 409
    assert "Somebody has changed it since; nothing was undone" in text(refused)
    assert owner_of(onboarding_id) == mine
    assert (trail()[0].action, trail()[0].outcome) == ("undo", "refused")


def test_time_that_was_given_is_taken_back(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    visitor = at_console(app, "operator")
    before = builders.the(onboarding_id)
    done = extended(visitor, onboarding_id)
    assert builders.the(onboarding_id).extra_days == 7
    assert visitor.follow(press_undo(visitor, done)).status_code == 200
    after = builders.the(onboarding_id)
    assert (after.extra_days, after.wakes_at) == (0, before.wakes_at)


def test_time_is_not_taken_back_where_all_would_be_over_at_once(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    builders.age(onboarding_id, timedelta(days=31))
    visitor = at_console(app, "operator")
    done = extended(visitor, onboarding_id)
    refused = press_undo(visitor, done)
    assert refused.status_code == 409
    assert "it would be over at once" in text(refused)
    assert builders.the(onboarding_id).extra_days == 7


def extended(visitor: Visitor, onboarding_id: UUID) -> httpx.Response:
    path = f"{home(onboarding_id)}/extend"
    done = visitor.press(visitor.get(path), path, reason=WHY, choice="7")
    return visitor.follow(done)


def test_time_given_in_a_state_that_was_left_is_not_taken_back(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    visitor = at_console(app, "operator")
    done = extended(visitor, onboarding_id)
    builders.fire(onboarding_id, "start_over", builders.OPERATOR)
    assert press_undo(visitor, done).status_code == 409
    assert builders.the(onboarding_id).extra_days == 0


def marked(visitor: Visitor, path: str, **said: str) -> httpx.Response:
    done = visitor.press(visitor.get(path), f"{path}/mark", reason=WHY, **said)
    return visitor.follow(done)


def test_a_cause_stands_as_it_did_before(app: FastAPI) -> None:
    message = an_incident("busy")
    path = f"/en/console/causes/{message.task}/busy"
    visitor = at_console(app, "operator")
    first = marked(visitor, path, status="acknowledged", owner="me")
    second = marked(visitor, path, status="ignored", until="2099-01-01", owner="nobody")
    undone = visitor.follow(press_undo(visitor, second))
    assert "undone" in text(undone)
    with reading() as session:
        kept = session.get_one(CauseMark, (message.task, "busy", "", ""))
        assert (kept.status, kept.until, kept.owner_id is None) == ("acknowledged", None, False)
    assert visitor.follow(press_undo(visitor, first)).status_code == 200
    with reading() as session:
        assert session.get(CauseMark, (message.task, "busy", "", "")) is None


def test_a_cause_that_was_marked_again_stays_so(app: FastAPI) -> None:
    message = an_incident("busy")
    path = f"/en/console/causes/{message.task}/busy"
    ours, other = at_console(app, "operator"), at_console(app, "lead")
    done = marked(ours, path, status="acknowledged")
    marked(other, path, status="acknowledged")
    assert press_undo(ours, done).status_code == 409
    with reading() as session:
        assert session.get_one(CauseMark, (message.task, "busy", "", "")).status == "acknowledged"


def a_shared_view(visitor: Visitor, name: str = "Chosen") -> None:
    visitor.press(visitor.get(SHARED), "/en/console/views", name=name, shared="yes")


def deleted(visitor: Visitor) -> httpx.Response:
    page = visitor.get(SHARED)
    form = soup(page).select_one("form[action$='/delete']")
    assert form
    return visitor.follow(visitor.press(page, str(form["action"])))


def test_a_shared_view_that_was_deleted_is_there_again(app: FastAPI) -> None:
    visitor = at_console(app, "operator")
    a_shared_view(visitor)
    done = deleted(visitor)
    assert "Chosen" not in text(visitor.get(SHARED))
    undone = visitor.follow(press_undo(visitor, done))
    assert "Chosen" in text(undone)


def test_a_view_whose_name_was_taken_since_stays_deleted(app: FastAPI) -> None:
    visitor = at_console(app, "operator")
    a_shared_view(visitor)
    done = deleted(visitor)
    a_shared_view(at_console(app, "lead"))
    assert press_undo(visitor, done).status_code == 409


def test_a_deleted_view_is_gone_for_good_in_the_end(app: FastAPI) -> None:
    visitor = at_console(app, "operator")
    a_shared_view(visitor)
    deleted(visitor)
    make_older(SavedView, "deleted_at", timedelta(minutes=9))
    clock.clean()
    with reading() as session:
        assert [view.name for view in session.query(SavedView)] == ["Chosen"]
    make_older(SavedView, "deleted_at", timedelta(minutes=11))
    clock.clean()
    with reading() as session:
        assert session.query(SavedView).all() == []


def test_after_ten_minutes_or_for_others_there_is_no_undo(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    visitor, other = at_console(app, "operator"), at_console(app, "lead")
    done = act(visitor, onboarding_id, "take_on", WHY)
    path = undo_of(visitor.follow(done))
    assert path
    assert undo_of(other.get(str(done.headers["location"]))) is None
    assert other.post(path).status_code == 404
    make_older(AuditEntry, "at", undoing.LASTS)
    assert undo_of(visitor.follow(done)) is None
    assert visitor.post(path).status_code == 404
    assert owner_of(onboarding_id)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_says_before_whether_it_can_be_undone(app: FastAPI, action: str) -> None:
    states = {
        "retry": None,
        "approve_aggregator": "checking_aggregator",
        "refuse_aggregator": "checking_aggregator",
        "resend": "awaiting_aggregator",
        "recheck_aggregator": "awaiting_aggregator",
        "reissue_secret": "secret_ready",
        "unlink_seller": "seller_linked",
        "end_link": "confirmed",
        "revoke_credentials": "confirmed",
    }
    state = states.get(action, "awaiting_seller")
    onboarding_id = (
        builders.an_onboarding(state, email="alex@shop.example")
        if state
        else an_incident().onboarding_id
    )
    assert onboarding_id
    visitor = at_console(app, "admin")
    if action == "let_go":
        act(visitor, onboarding_id, "take_on", WHY)
    if action in {"resend", "nudge"}:
        builders.work(onboarding_id)
        builders.age(onboarding_id, timedelta(days=9))
    page = visitor.get(f"{home(onboarding_id)}/{action}")
    assert page.status_code == 200, text(page)
    assert ("You can undo it" in text(page)) == (action in undoing.REVERSIBLE)
    assert ("This cannot be undone." in text(page)) == (action not in undoing.REVERSIBLE)


def test_a_note_cannot_be_undone_as_it_is_said(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    visitor = at_console(app, "operator")
    done = visitor.follow(act(visitor, onboarding_id, "note", WHY))
    assert "Write a note" in text(done)
    assert undo_of(done) is None
    assert visitor.post(f"/en/console/undo/{trail()[0].number}").status_code == 404


@pytest.mark.parametrize("number", ["0", "x", "9" * 30, "²", "7"])
def test_what_is_no_row_is_not_found(app: FastAPI, number: str) -> None:
    visitor = at_console(app, "admin")
    assert visitor.post(f"/en/console/undo/{number}").status_code == 404
    page = visitor.get(f"/en/console/onboardings?done={number}")
    assert (page.status_code, undo_of(page)) == (200, None)
