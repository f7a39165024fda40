"""Answers of two tabs, of a second click, of somebody who chooses again, of a stranger: who is heard, and who is told."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests import builders, racing
from tests.web.answering import (
    answered,
    chosen,
    furnished,
    history,
    on_the_way,
    question,
    the_onboarding_of,
)
from tests.web.visiting import Visitor, a_visitor, form_of, heading, soup, text


@pytest.fixture
def site(database: Engine, ring: Keyring) -> FastAPI:
    return furnished(ring)


@pytest.fixture
def site_on_sqlite(sqlite: Engine, ring: Keyring) -> FastAPI:
    return furnished(ring)


def test_of_two_tabs_the_last_answer_counts(site_on_sqlite: FastAPI) -> None:
    visitor, page = on_the_way(site_on_sqlite, "plugin")
    answered(visitor, page, "yes")
    answered(visitor, page, "no")
    assert the_onboarding_of(visitor).answers["direct"] == "no"


def test_an_answer_that_leads_nowhere_any_more_is_told(site_on_sqlite: FastAPI) -> None:
    visitor, page = on_the_way(site_on_sqlite, "plugin")
    answered(visitor, visitor.open(question(visitor, "connection_type")), "aggregator")
    late = answered(visitor, page, "yes")
    assert heading(late) == "You have already continued in another tab"
    assert the_onboarding_of(visitor).answers == {"connection_type": "aggregator"}


def test_once_the_type_is_chosen_another_tab_is_told(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "plugin yes")
    answered(visitor, page, "three")
    late = answered(visitor, page, "two")
    assert heading(late) == "You have already continued in another tab"
    assert the_onboarding_of(visitor).sequence == 2
    # A second click on what was the last answer is no progress of another tab.
    again = answered(visitor, page, "three")
    assert again.headers["location"] == visitor.home(the_onboarding_of(visitor).id)


@pytest.mark.parametrize(
    ("way", "last"), [("plugin yes", "three"), ("aggregator feedwise", "one"), ("", "legacy_soap")]
)
def test_the_last_answer_sent_twenty_times_at_once_chooses_once(
    site: FastAPI, way: str, last: str
) -> None:
    visitor = a_visitor(site, onboarding_id := builders.an_onboarding())
    page = visitor.open(visitor.home(onboarding_id))
    for code in way.split():
        page = visitor.follow(answered(visitor, page, code))

    def send() -> tuple[int, str]:
        answer = answered(Visitor(site, cookies=dict(visitor.cookies)), page, last)
        return answer.status_code, answer.headers["location"]

    assert set(racing.race(*[send] * 20)) == {(303, visitor.home(onboarding_id))}
    assert history(onboarding_id).count("choose_type") == 1


def test_another_type_can_be_chosen_until_there_is_a_client_id(site: FastAPI) -> None:
    visitor, _ = on_the_way(site, "plugin yes three")
    page = visitor.open(question(visitor, "connection_type"))
    assert chosen(page) == ["plugin"]
    home = visitor.home(the_onboarding_of(visitor).id)
    assert soup(page).select(f'.govuk-back-link[href="{home}"]')
    page = visitor.follow(answered(visitor, page, "own_development"))
    assert the_onboarding_of(visitor).connection_type == "plugin"
    answered(visitor, page, "me")
    reached = the_onboarding_of(visitor)
    assert (reached.state, reached.connection_type) == ("type_chosen", "own_development")
    assert history(reached.id) == ["start", "choose_type", "choose_type"]


def test_whoever_waits_for_an_aggregator_may_choose_another(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "aggregator catalogue-express one")
    assert the_onboarding_of(visitor).state == "awaiting_aggregator"
    page = visitor.open(question(visitor, "connection_type"))
    page = visitor.follow(answered(visitor, page, "aggregator"))
    assert chosen(page) == ["catalogue-express"]
    page = visitor.follow(answered(visitor, page, "feedwise"))
    answered(visitor, page, "one")
    reached = the_onboarding_of(visitor)
    assert (reached.state, reached.aggregator_id) == ("awaiting_seller", "feedwise")


@pytest.mark.parametrize("state", ["secret_ready", "awaiting_seller", "confirmed", "cancelled"])
def test_afterwards_no_question_is_asked(site_on_sqlite: FastAPI, state: str) -> None:
    visitor = a_visitor(site_on_sqlite, onboarding_id := builders.an_onboarding(state))
    home = visitor.home(onboarding_id)
    for path in ("questions/connection_type", "answers/connection_type", "advice"):
        assert visitor.get(f"{home}/{path}").headers["location"] == home
    late = visitor.post(f"{home}/answers/connection_type", {"connection_type": "plugin"})
    assert heading(late) == "You have already continued in another tab"
    assert builders.state_of(onboarding_id) == state


def test_another_browser_sees_and_answers_nothing(site: FastAPI) -> None:
    visitor, _ = on_the_way(site, "plugin unknown")
    home = visitor.home(the_onboarding_of(visitor).id)
    missing = visitor.home("01890000-0000-7000-8000-000000000000")
    for stranger in (Visitor(site), a_visitor(site)):
        for path in ("/questions/direct", "/answers/direct", "/advice"):
            refused = stranger.get(home + path)
            assert refused.status_code == 404
            assert text(refused) == text(stranger.get(missing + path))
        refused = stranger.post(f"{home}/answers/direct", {"direct": "yes"})
        assert refused.status_code == 404
        assert text(refused) == text(stranger.post(f"{missing}/answers/direct"))
    assert the_onboarding_of(visitor).answers["direct"] == "unknown"


def test_a_form_of_another_site_answers_nothing(site_on_sqlite: FastAPI) -> None:
    visitor, page = on_the_way(site_on_sqlite, "plugin")
    action, hidden = form_of(page, "/answers/direct")
    sent = visitor.post(action, hidden | {"direct": "no"}, headers={"sec-fetch-site": "cross-site"})
    assert sent.status_code == 403
    assert "direct" not in the_onboarding_of(visitor).answers
