"""The timeline of an onboarding: everything that has happened, each with an address of its own."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests import builders
from tests.commands.incidents import an_incident
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.test_console import act
from tests.web.visiting import soup, text


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def test_a_link_leads_to_one_event_and_to_one_row_of_the_trail(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, "lead")
    act(visitor, onboarding_id, "note", "INC-442")
    page = soup(visitor.get(home(onboarding_id)))
    kept = {str(item["id"]) for item in page.select(".timeline li")}
    assert {"event-1", "event-4", "row-1"} <= kept
    assert {f"#{each}" for each in kept} == {a["href"] for a in page.select(".timeline__at")}
    link = soup(visitor.get("/en/console/audit")).select_one("#row-1 a")
    assert link is not None
    assert link["href"] == "/en/console/audit?before=2#row-1"


def test_the_timeline_tells_what_failed_when_it_works_by_now(app: FastAPI) -> None:
    message = an_incident("busy")
    assert message.onboarding_id
    visitor = at_console(app, "lead")
    act(visitor, message.onboarding_id, "retry", "INC-442")
    builders.work(message.onboarding_id)
    page = visitor.get(home(message.onboarding_id))
    assert "Attempt 1 of 8 failed: making the client secret (generate_secret) · busy" in text(page)
    link = soup(page).select_one(".timeline a[href$='/help/runbooks/busy']")
    assert link is not None
