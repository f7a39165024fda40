"""The questions lead everybody to a door or an advice, and back."""

import gzip

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import routing
from onboarding.db import transaction
from onboarding.models import Onboarding
from onboarding.routing import Advice, Door, Question
from onboarding.sealing import Keyring
from tests import builders
from tests.test_routing_questions import WAYS
from tests.web.answering import (
    answered,
    asked_by,
    chosen,
    furnished,
    given,
    offers,
    on_the_way,
    question,
    the_onboarding_of,
)
from tests.web.visiting import Visitor, a_visitor, heading, soup, text

# Where each door leads, once the aggregator of these ways, who is registered, has been checked.
STATES = {
    ("aggregator", "delegated"): "awaiting_seller",
    ("aggregator", "full"): "type_chosen",
    ("plugin", None): "type_chosen",
    ("own_development", None): "type_chosen",
    ("credentials_only", None): "type_chosen",
    ("legacy_soap", None): "redirected_to_soap",
}


@pytest.fixture
def site(database: Engine, ring: Keyring) -> FastAPI:
    return furnished(ring)


@pytest.fixture
def site_on_sqlite(sqlite: Engine, ring: Keyring) -> FastAPI:
    return furnished(ring)


# Every way.


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize(("way", "end"), WAYS.items(), ids=WAYS.keys())
def test_every_way_ends_where_the_tree_says(
    site_on_sqlite: FastAPI, locale: str, way: str, end: Door | Advice
) -> None:
    visitor = Visitor(site_on_sqlite, locale)
    page, answers = visitor.open(f"/{locale}"), dict[str, str]()
    for code in way.split():
        check_question(page, routing.next_question(answers))
        answers |= given(page, code)
        page = visitor.follow(answered(visitor, page, code))
    if isinstance(end, Advice):
        check_advice(page, end)
        return
    reached = the_onboarding_of(visitor)
    assert (reached.connection_type, reached.credential_mode) == (
        end.connection_type,
        end.credential_mode,
    )
    assert reached.aggregator_id == end.aggregator
    assert reached.state == STATES[end.connection_type, end.credential_mode]


def check_question(page: httpx.Response, question: Question | Door | Advice) -> None:
    """The page asks the right question, offers every answer and no other, and is light."""
    assert isinstance(question, Question)
    assert (page.status_code, asked_by(page)) == (200, question.code)
    for field in question.fields:
        assert field.name in offers(page)
        assert tuple(offers(page)[field.name]) == field.options or field.name == "aggregator"
    assert len(gzip.compress(page.content)) < 4_000


def check_advice(page: httpx.Response, advice: Advice) -> None:
    """A message to copy and a way back to the question."""
    assert "REST" in soup(page).select("#message")[0].text
    assert soup(page).select(f'a[href$="/questions/{advice.question}"]')


def test_an_advice_is_left_by_answering_again(site_on_sqlite: FastAPI) -> None:
    visitor, page = on_the_way(site_on_sqlite, "unsure unknown")
    assert page.request.url.path.endswith("/advice")
    (again,) = soup(page).select("main a[role=button]")
    page = visitor.open(str(again["href"]))
    assert chosen(page) == ["unknown"]
    page = visitor.follow(answered(visitor, page, "three"))
    assert asked_by(page) == "provider"
    home = visitor.home(the_onboarding_of(visitor).id)
    assert asked_by(visitor.open(f"{home}/advice")) == "provider"


def test_an_older_plugin_leads_to_soap_by_one_button(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "plugin yes two no")
    assert asked_by(page) == "connection_type"
    page = visitor.follow(
        visitor.press(page, "/answers/connection_type", connection_type="legacy_soap")
    )
    assert the_onboarding_of(visitor).state == "redirected_to_soap"
    assert "Nothing was created here" in text(page)
    assert soup(page).select('a[href="https://seller-portal.example"]')
    assert soup(page).select('main a[href="/en/"]')


def test_the_page_of_an_onboarding_asks_what_comes_next(site_on_sqlite: FastAPI) -> None:
    for way, code in (("aggregator", "aggregator"), ("unsure three", "provider")):
        visitor, _ = on_the_way(site_on_sqlite, way)
        page = visitor.get(visitor.home(the_onboarding_of(visitor).id))
        assert (page.status_code, asked_by(page)) == (200, code)
    visitor, _ = on_the_way(site_on_sqlite, "plugin unknown")
    page = visitor.get(visitor.home(the_onboarding_of(visitor).id))
    assert heading(page) == "Ask the provider of your tool"


def test_an_onboarding_without_answers_begins_with_the_first_question(
    site_on_sqlite: FastAPI,
) -> None:
    visitor = a_visitor(site_on_sqlite, onboarding_id := builders.an_onboarding())
    page = visitor.open(visitor.home(onboarding_id))
    assert asked_by(page) == "connection_type"
    assert visitor.follow(answered(visitor, page, "plugin")).url.path.endswith("/direct")


def test_answers_that_no_question_offers_any_more_are_asked_for_again(
    site_on_sqlite: FastAPI,
) -> None:
    visitor = a_visitor(site_on_sqlite, onboarding_id := builders.an_onboarding())
    with transaction() as session:
        session.get_one(Onboarding, onboarding_id).answers = {"connection_type": "fax"}
    page = visitor.open(visitor.home(onboarding_id))
    assert asked_by(page) == "connection_type"
    assert visitor.follow(answered(visitor, page, "plugin")).status_code == 200


# Back and forth.


def test_back_leads_through_what_was_answered(site_on_sqlite: FastAPI) -> None:
    visitor, page = on_the_way(site_on_sqlite, "unsure two yes")
    seen = []
    while link := soup(page).select_one(".govuk-back-link"):
        page = visitor.open(str(link["href"]))
        seen.append((asked_by(page), *chosen(page)))
    assert seen == [
        ("seller_id_elsewhere", "yes"),
        ("values", "two"),
        ("connection_type", "unsure"),
    ]


def test_whoever_goes_back_sees_each_later_answer_again(site_on_sqlite: FastAPI) -> None:
    visitor, _ = on_the_way(site_on_sqlite, "unsure two yes direct_plugin")
    assert the_onboarding_of(visitor).state == "type_chosen"
    page = visitor.open(question(visitor, "values"))
    page = visitor.follow(answered(visitor, page, "two"))
    assert (asked_by(page), chosen(page)) == ("seller_id_elsewhere", ["yes"])
    page = visitor.follow(answered(visitor, page, "yes"))
    assert (asked_by(page), chosen(page)) == ("provider", ["direct_plugin"])


def test_another_way_keeps_what_still_applies(site_on_sqlite: FastAPI) -> None:
    visitor, _ = on_the_way(site_on_sqlite, "plugin yes")
    page = visitor.open(question(visitor, "direct"))
    page = visitor.follow(answered(visitor, page, "no"))
    assert "is an aggregator to us" in text(page)
    answered(visitor, page, "feedwise")
    assert the_onboarding_of(visitor).answers == {
        "connection_type": "plugin",
        "direct": "no",
        "aggregator": "feedwise",
    }


def test_a_question_beside_the_way_leads_to_the_next_one(site_on_sqlite: FastAPI) -> None:
    visitor, page = on_the_way(site_on_sqlite, "plugin")
    assert asked_by(visitor.open(question(visitor, "developer"))) == "direct"
    answered(visitor, page, "yes")
    assert asked_by(visitor.open(question(visitor, "aggregator"))) == "asks_for"


@pytest.mark.parametrize("kind", ["questions", "answers"])
def test_there_are_no_other_questions(site_on_sqlite: FastAPI, kind: str) -> None:
    visitor, _ = on_the_way(site_on_sqlite, "plugin")
    home = visitor.home(the_onboarding_of(visitor).id)
    for code in ("nothing", "sequence", "%00", "one.aggregator"):
        assert visitor.get(f"{home}/{kind}/{code}").status_code == 404
    assert visitor.post(f"{home}/answers/nothing").status_code == 404


def test_a_form_with_a_mistake_can_be_looked_at_in_the_other_language(
    site_on_sqlite: FastAPI,
) -> None:
    visitor, page = on_the_way(site_on_sqlite, "plugin")
    wrong = visitor.press(page, "/answers/direct")
    (french,) = soup(wrong).select("a[hreflang=fr]")
    assert heading(visitor.open(str(french["href"]))).startswith("L’extension (plugin)")
