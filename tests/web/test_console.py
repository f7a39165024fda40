"""The console: who gets in, what each role may do there, and that looking changes nothing."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import audit, operators
from onboarding.actions import ACTIONS
from onboarding.chart import STATES
from onboarding.db import reading, transaction
from onboarding.drawing import label
from onboarding.models import AuditEntry
from onboarding.operators import MAY
from onboarding.sealing import Keyring
from onboarding.steering import STEPS
from onboarding.web import console_words
from tests import builders
from tests.commands.incidents import an_incident
from tests.dumping import dump
from tests.web.operating import a_quiet_site, at_console, every_route, home
from tests.web.visiting import SAME_ORIGIN, Visitor, form_of, heading, text

ROLES = sorted(MAY)
WHY = "INC-442: the registry is back"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def trail() -> list[AuditEntry]:
    with reading() as session:
        return [*audit.latest(session, 20)]


def test_the_link_shows_first_and_opens_the_console_then(app: FastAPI) -> None:
    visitor = Visitor(app)
    until = datetime.now(UTC) + timedelta(hours=1)
    link = f"/console/enter/{operators.link_token(app.state.ring, 'operator', until)}"
    for _ in range(3):
        page = visitor.open(link)
        assert heading(page) == "Operators' console"
        # `operators link` prints one as well, at any time.
        assert "started" not in text(page)
        assert visitor.cookies == {}
    opened = visitor.follow(visitor.press(page, link))
    assert heading(opened) == "Overview"
    assert "Operator (development) · operator" in opened.text


def test_a_link_that_is_over_or_not_ours_opens_nothing(app: FastAPI) -> None:
    over = operators.link_token(app.state.ring, "lead", datetime.now(UTC) - timedelta(seconds=2))
    for token in (over, over.replace("lead", "admin"), "lead", "x" * 200):
        for method in ("GET", "POST"):
            answer = Visitor(app).send(method, f"/en/console/enter/{token}")
            assert (answer.status_code, answer.cookies.get("console")) == (401, None)


def test_signing_out_closes_it(app: FastAPI) -> None:
    visitor = at_console(app, "lead")
    kept = dict(visitor.cookies)
    visitor.post("/en/console/sign-out")
    visitor.cookies = kept
    assert visitor.get("/en/console").status_code == 401


def pages(onboarding_id: UUID) -> list[tuple[str, str, str]]:
    """Every route of the console, from its router: method, path, and the permission that it needs."""
    needs = {
        "seller_id": "decide",
        "as-seller": "decide",
        "audit": "audit",
        "verify": "audit",
        "mark": "act",
    }
    # Of endpoints.
    needs |= {"redeliver": "act", "enable": "act"}
    # Of events of the marketplace.
    needs |= {"dismiss": "decide"}
    # Of runs: whoever begins or steers one acts, and its own action may ask for more.
    needs |= dict.fromkeys(["new", "new.csv", *STEPS], "act")
    found = []
    for route in every_route():
        for method in route.methods or ():
            path = str(route.path).format(
                locale="en",
                reference=builders.the(onboarding_id).reference,
                action="{action}",
                token="x",
                number="1",
                step="pause",
                view_id=onboarding_id,
                task="send_email",
                code="busy",
                field="seller_id",
                webhook_id=onboarding_id,
                event_id=onboarding_id,
            )
            paths = [path.replace("{action}", name) for name in ACTIONS]
            for each in dict.fromkeys(paths):
                last = each.rpartition("/")[2]
                permission = (
                    ACTIONS[last].permission if last in ACTIONS else needs.get(last, "look")
                )
                if (method, last) == ("POST", "bulk"):
                    permission = "act"
                found.append((method, each, permission))
    return found


def test_nobody_gets_in_without_signing_in(app: FastAPI, database: Engine) -> None:
    """T38."""
    onboarding_id = builders.an_onboarding("secret_ready")
    before = dump(database)
    for method, path, _ in pages(onboarding_id):
        answer = Visitor(app).send(method, path, headers=SAME_ORIGIN)
        assert (path, answer.status_code) == (path, 401)
    assert dump(database) == before


@pytest.mark.parametrize("role", ROLES)
def test_a_role_does_what_it_may_and_nothing_else(app: FastAPI, role: str) -> None:
    """T38."""
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, role)
    asked = pages(onboarding_id)
    assert len(asked) > 2 * len(ACTIONS)
    for method, path, permission in asked:
        answer = visitor.send(method, path, headers=SAME_ORIGIN)
        assert (answer.status_code == 403) == (permission not in MAY[role]), path
        assert answer.status_code < 500, path
    assert builders.state_of(onboarding_id) == "secret_ready"


def test_looking_writes_nothing(app: FastAPI, database: Engine) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, "admin")
    before = dump(database)
    for method, path, _ in pages(onboarding_id):
        if method == "GET":
            visitor.get(path)
    assert dump(database) == before


def act(visitor: Visitor, onboarding_id: UUID, action: str, reason: str = WHY) -> httpx.Response:
    """Look at an action, then carry it out."""
    path = f"{home(onboarding_id)}/{action}"
    return visitor.press(visitor.get(path), path, reason=reason)


def test_an_action_is_looked_at_then_carried_out_and_seen_at_once(app: FastAPI) -> None:
    message = an_incident()
    assert message.onboarding_id
    visitor = at_console(app, "operator")
    assert "Try again" in text(visitor.get(home(message.onboarding_id)))
    done = visitor.follow(act(visitor, message.onboarding_id, "retry"))
    assert f"“{WHY}”" in text(done)
    assert "Failed for good" not in text(done)
    (entry,) = trail()
    assert (entry.action, entry.outcome, entry.role) == ("retry", "done", "operator")


def test_what_was_carried_out_or_has_moved_on_is_refused_and_written_down(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, "lead")
    path = f"{home(onboarding_id)}/start_over"
    page = visitor.get(path)
    builders.reveal(onboarding_id)
    late = visitor.press(page, path, reason=WHY)
    assert (late.status_code, heading(late)) == (409, "This has moved on")
    page = visitor.get(path)
    assert visitor.press(page, path, reason=WHY).status_code == 303
    assert visitor.press(page, path, reason=WHY).status_code == 409
    assert [(e.outcome, e.details.get("why")) for e in trail()] == [
        ("refused", "moved_on"),
        ("done", None),
        ("refused", "moved_on"),
    ]


def test_a_preview_is_for_what_it_was_made(app: FastAPI) -> None:
    one, other = builders.an_onboarding("secret_ready"), builders.an_onboarding("secret_ready")
    visitor = at_console(app, "lead")
    path = f"{home(one)}/note"
    _, hidden = form_of(visitor.get(path), path)
    for wrong in (f"{home(other)}/note", f"{home(one)}/cancel"):
        answer = visitor.post(wrong, hidden | {"reason": WHY})
        assert answer.status_code == 404
    stranger = at_console(app, "admin")
    assert stranger.post(path, hidden | {"reason": WHY}).status_code == 409
    assert stranger.post(path, {"reason": WHY}).status_code == 409
    assert {builders.state_of(one), builders.state_of(other)} == {"secret_ready"}


@pytest.mark.parametrize("reason", ["", "no", "x" * 501, "a\0b"])
def test_without_a_reason_nothing_happens_and_nothing_typed_is_lost(
    app: FastAPI, reason: str
) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, "lead")
    answer = act(visitor, onboarding_id, "cancel", reason)
    assert answer.status_code == 422
    assert "Say why, in 3 to 500 characters." in text(answer)
    assert f'value="{reason}"' in answer.text or "\0" in reason
    assert builders.state_of(onboarding_id) == "secret_ready"
    (entry,) = trail()
    said = (entry.action, entry.outcome, entry.details["why"])
    assert said == ("cancel", "refused", "invalid")


def test_no_page_shows_a_secret(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, "admin")
    for method, path, _ in pages(onboarding_id):
        if method == "GET":
            visitor.get(path)
    secret = builders.reveal(onboarding_id).secret.get_secret_value()
    for method, path, _ in pages(onboarding_id):
        if method == "GET":
            visitor.get(path)
    assert len(visitor.bodies) > 2 * len(ACTIONS)
    assert not [body for body in visitor.bodies if secret in body or secret[-20:] in body]
    assert not [body for body in visitor.bodies if re.search(r"mps_(test|live)_\w{20}", body)]


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_page(app: FastAPI, state: str, locale: str) -> None:
    onboarding_id = builders.an_onboarding(state)
    path = home(onboarding_id).replace("/en/", f"/{locale}/")
    page = at_console(app, "lead", locale).get(path)
    assert page.status_code == 200
    assert heading(page) == builders.the(onboarding_id).reference


def test_what_is_named_is_all_there_is() -> None:
    assert set(console_words.ACTIONS) == set(ACTIONS)
    assert {state: label(state) for state in STATES} == console_words.STATES
    assert set(console_words.ROLES) == set(MAY)


def test_the_trail_is_shown_and_checked(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, "lead")
    act(visitor, onboarding_id, "note")
    page = visitor.get("/en/console/audit")
    assert WHY in text(page)
    well = visitor.press(page, "/audit/verify")
    assert heading(well) == "The trail is as it was written"
    with transaction() as session:
        session.query(AuditEntry).update({"reason": "another"})
    assert heading(visitor.press(page, "/audit/verify")) == "The trail has been tampered with"
    assert visitor.get("/en/console/audit?before=1").status_code == 200
    assert visitor.get(f"/en/console/audit?before={'9' * 30}").status_code == 200


def test_the_overview_says_which_operator_did_what(app: FastAPI) -> None:
    waiting = builders.an_onboarding("awaiting_aggregator")
    visitor = at_console(app, "operator")
    look = visitor.get(f"{home(waiting)}/take_on")
    visitor.press(look, "/take_on", reason=WHY)
    overview = text(at_console(app, "lead").get("/en/console"))
    assert f"· Operator (development) · Take it on {builders.the(waiting).reference}" in overview
