"""What people type into the questions: kept where it can be, named where it cannot, and never a crash."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import registry
from onboarding.db import transaction
from onboarding.routing_questions import TREE
from onboarding.sealing import Keyring
from onboarding.web.wizard_answers import given
from tests import builders
from tests.web.answering import (
    ACCOUNT,
    answered,
    furnished,
    on_the_way,
    page_form,
    question,
    the_onboarding_of,
)
from tests.web.visiting import Visitor, errors, heading, soup


@pytest.fixture
def site(database: Engine, ring: Keyring) -> FastAPI:
    return furnished(ring)


@pytest.fixture
def site_on_sqlite(sqlite: Engine, ring: Keyring) -> FastAPI:
    return furnished(ring)


def test_an_aggregator_that_is_not_listed_is_named(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "aggregator")
    named = {"aggregator": "other", "aggregator_name": "  Feeds & \u200bSöhne\u202e "}
    page = visitor.follow(visitor.press(page, "/answers/aggregator", **named))
    assert heading(page) == "What does Feeds & Söhne ask you for?"
    answered(visitor, page, "one")
    reached = the_onboarding_of(visitor)
    assert (reached.state, reached.aggregator_name) == ("awaiting_aggregator", "Feeds & Söhne")
    assert reached.aggregator_folded_name == "feeds sohne"


def test_a_name_that_the_registry_knows_is_that_aggregator(site_on_sqlite: FastAPI) -> None:
    visitor, page = on_the_way(site_on_sqlite, "aggregator")
    named = {"aggregator": "other", "aggregator_name": "FEEDWISE!"}
    page = visitor.follow(visitor.press(page, "/answers/aggregator", **named))
    answered(visitor, page, "one")
    reached = the_onboarding_of(visitor)
    assert (reached.state, reached.aggregator_id) == ("awaiting_seller", "feedwise")


def test_only_registered_aggregators_are_listed(site_on_sqlite: FastAPI) -> None:
    with transaction() as session:
        registry.upsert(session, name="Other", status="registered", uses_rest=True, asks_for="full")
    _, page = on_the_way(site_on_sqlite, "aggregator")
    listed = [(str(option["value"]), option.text) for option in soup(page).select("option")]
    assert listed == [
        ("", "Choose an aggregator"),
        ("catalogue-express", "Catalogue Express"),
        ("channel-harbour", "Channel Harbour"),
        ("feedwise", "Feedwise"),
        ("other", "My aggregator is not in the list"),
    ]


LONG_NAME = "ß" * 120


def test_the_longest_name_fits(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "aggregator")
    named = {"aggregator": "other", "aggregator_name": LONG_NAME}
    page = visitor.follow(visitor.press(page, "/answers/aggregator", **named))
    answered(visitor, page, "three")
    reached = the_onboarding_of(visitor)
    assert reached.aggregator_name == LONG_NAME
    assert reached.aggregator_folded_name == "s" * 120


def test_own_development_takes_over_the_name_and_no_address(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "own_development")
    typed = {
        "developer": "partner",
        "developer_email": " dev@partner.example ",
        "connection_name": "ERP  production",
    }
    visitor.press(page, "/answers/developer", **typed)
    reached = the_onboarding_of(visitor)
    assert (reached.state, reached.connection_name) == ("type_chosen", "ERP production")
    assert reached.contact_email is None
    assert reached.answers["developer_email"] == "dev@partner.example"
    page = visitor.open(question(visitor, "developer"))
    values = {
        str(f["name"]): f.get("value") for f in soup(page).select("input[class*=govuk-input]")
    }
    assert values == {
        "developer_email": "dev@partner.example",
        "connection_name": "ERP production",
    }
    visitor.press(page, "/answers/developer", developer="me", developer_email="not asked for")
    reached = the_onboarding_of(visitor)
    assert (reached.answers, reached.connection_name) == (
        {"connection_type": "own_development", "developer": "me"},
        None,
    )


def test_an_account_is_the_contact_and_still_to_be_proved(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "credentials_only")
    visitor.press(page, "/answers/account", **ACCOUNT)
    reached = the_onboarding_of(visitor)
    assert (reached.contact_email, reached.contact_verified_at) == ("dev@example.org", None)
    assert reached.answers["organisation"] == "Example SARL"


def test_another_address_is_to_be_proved_anew_and_the_same_is_not(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "credentials_only")
    visitor.press(page, "/answers/account", **ACCOUNT)
    onboarding_id = the_onboarding_of(visitor).id
    builders.vouch(builders.Walk(onboarding_id, {}))
    page = visitor.open(question(visitor, "account"))
    visitor.press(page, "/answers/account", **ACCOUNT | {"organisation": "Another"})
    assert builders.the(onboarding_id).contact_verified_at is not None
    page = visitor.open(question(visitor, "account"))
    visitor.press(page, "/answers/account", **ACCOUNT | {"email": "other@example.org"})
    reached = builders.the(onboarding_id)
    assert (reached.contact_email, reached.contact_verified_at) == ("other@example.org", None)


NOT_READ = ["a\0b", "tab\there", "line\nbreak", "\x1b[31m", "\ufff9 \U000e0fff", "\ue000"]
NOT_AN_ADDRESS = ["dev", "dev@", "@example.org", "a b@example.org", "a@b@c", "x" * 250 + "@a.fr"]
NAME = "The name of your organisation"
ACCOUNT_MISTAKES: list[tuple[dict[str, str], dict[str, str]]] = [
    *[({"organisation": bad}, {"organisation": f"{NAME} holds"}) for bad in NOT_READ],
    *[({"email": bad}, {"email": "Enter an e-mail address in"}) for bad in NOT_AN_ADDRESS],
    ({"email": "a\r\nBcc: b@c.fr"}, {"email": "Enter an e-mail address in"}),
    ({"organisation": "  \u200b\t "}, {"organisation": "Enter the name"}),
    ({"organisation": "x" * 121}, {"organisation": f"{NAME} must be 120 characters or fewer"}),
    ({"role": "boss"}, {"role": "Select what you are"}),
    (
        {"organisation": "", "email": "", "role": ""},
        {"organisation": "Enter the", "email": "Enter your e-mail", "role": "Select what"},
    ),
]


@pytest.mark.parametrize(("typed", "said"), ACCOUNT_MISTAKES)
def test_a_mistake_in_an_account_is_named_and_what_was_typed_is_kept(
    site_on_sqlite: FastAPI, typed: dict[str, str], said: dict[str, str]
) -> None:
    visitor, page = on_the_way(site_on_sqlite, "credentials_only")
    given = ACCOUNT | typed
    wrong = visitor.press(page, "/answers/account", **given)
    assert wrong.status_code == 422
    found = errors(wrong)
    assert list(found) == list(said)
    assert all(found[name].startswith(beginning) for name, beginning in said.items()), found
    assert str(soup(wrong).select("title")[0].text).startswith("Error: ")
    for name in given.keys() - typed.keys() - {"role"}:
        assert soup(wrong).select(f"#{name}")[0]["value"] == given[name]
    assert the_onboarding_of(visitor).answers == {"connection_type": "credentials_only"}
    # It is the same page still: corrected, it goes on.
    assert visitor.press(wrong, "/answers/account", **ACCOUNT).status_code == 303


AGGREGATOR_MISTAKES = [
    ({}, {"aggregator": "Select your aggregator"}),
    ({"aggregator": "listing-loop"}, {"aggregator": "Select your aggregator"}),
    ({"aggregator": "x" * 9000}, {"aggregator": "Select your aggregator"}),
    ({"aggregator": "feedwise\0"}, {"aggregator": "Select your aggregator"}),
    ({"aggregator": "other"}, {"aggregator_name": "Enter the name of your aggregator"}),
    ({"aggregator": "other", "aggregator_name": "…!"}, {"aggregator_name": "Enter the name"}),
    ({"aggregator": "other", "aggregator_name": "a\0b"}, {"aggregator_name": "The name of"}),
    ({"aggregator": "other", "aggregator_name": "a" * 121}, {"aggregator_name": "The name of"}),
    ({"aggregator": "other", "aggregator_name": "a" * 9000}, {"aggregator_name": "The name of"}),
]


@pytest.mark.parametrize(("typed", "said"), AGGREGATOR_MISTAKES)
def test_a_mistake_in_an_aggregator_is_named_and_what_was_typed_is_kept(
    site_on_sqlite: FastAPI, typed: dict[str, str], said: dict[str, str]
) -> None:
    visitor, page = on_the_way(site_on_sqlite, "aggregator")
    wrong = visitor.press(page, "/answers/aggregator", **typed)
    assert wrong.status_code == 422
    assert [
        (name, text.startswith(said.get(name, "?"))) for name, text in errors(wrong).items()
    ] == [(name, True) for name in said]
    kept = soup(wrong).select("#aggregator_name")[0]["value"]
    assert kept == typed.get("aggregator_name", "")
    if typed.get("aggregator") == "other":
        assert soup(wrong).select("option[selected]")[0]["value"] == "other"


DEVELOPER_MISTAKES = [
    ({}, {"developer": "Select who develops the software"}),
    ({"developer": "partner", "developer_email": "dev"}, {"developer_email": "Enter an e-mail"}),
    ({"developer": "me", "connection_name": "x" * 81}, {"connection_name": "The name of the"}),
    ({"developer": "me", "connection_name": "\x07"}, {"connection_name": "The name of the"}),
]


@pytest.mark.parametrize(("typed", "said"), DEVELOPER_MISTAKES)
def test_a_mistake_about_developers_is_named(
    site_on_sqlite: FastAPI, typed: dict[str, str], said: dict[str, str]
) -> None:
    visitor, page = on_the_way(site_on_sqlite, "own_development")
    found = errors(visitor.press(page, "/answers/developer", **typed))
    assert list(found) == list(said)
    assert all(found[name].startswith(beginning) for name, beginning in said.items())


# Ways that together ask every question.
EVERY_QUESTION = (
    "aggregator feedwise one",
    "plugin yes three",
    "unsure two yes own_code me",
    "credentials_only developer",
)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_without_an_answer_every_question_says_what_it_wants(
    site_on_sqlite: FastAPI, locale: str
) -> None:
    said = set()
    for way in EVERY_QUESTION:
        visitor = Visitor(site_on_sqlite, locale)
        page = visitor.open(f"/{locale}")
        for code in way.split():
            wrong = visitor.press(page, str(page_form(page).action))
            assert wrong.status_code == 422
            assert errors(wrong)
            assert wrong.headers["content-language"] == locale
            said |= set(errors(wrong).values())
            page = visitor.follow(answered(visitor, page, code))
    assert len(said) == len({node.question.code for node in TREE.values()}) + len(ACCOUNT) - 1


@pytest.mark.parametrize(
    "content",
    [
        {
            "content": b"\xff\xfe\0",
            "headers": {"content-type": "application/x-www-form-urlencoded"},
        },
        {"content": "direct=%00&sequence=x" * 3000},
        {"data": {"direct": ["yes", "maybe"], "sequence": "1"}},
        {"data": {"direct": "yes\ud7ff\u2028", "sequence": ""}},
        {"data": {"sequence": "1", "direct": "y" * 60_000}},
        {"files": {"direct": ("yes", b"yes")}},
        {"json": {"direct": "yes"}},
        {},
    ],
)
def test_garbage_is_a_missing_answer(site_on_sqlite: FastAPI, content: dict[str, Any]) -> None:
    visitor, page = on_the_way(site_on_sqlite, "plugin")
    wrong = visitor.send("POST", page_form(page).action, **content)
    assert wrong.status_code == 422
    assert errors(wrong) == {"direct": "Select whether your plugin connects directly to us"}


@pytest.mark.parametrize("sequence", ["", "x", "9" * 40, "-1", "²", "1e3"])
def test_a_number_that_is_none_does_not_matter(site_on_sqlite: FastAPI, sequence: str) -> None:
    visitor, page = on_the_way(site_on_sqlite, "plugin")
    sent = {"direct": "yes", "sequence": sequence}
    assert visitor.post(page_form(page).action, sent).status_code == 303


def test_a_typed_name_stands_for_an_aggregator_that_is_not_in_the_list() -> None:
    question = next(node.question for node in TREE.values() if node.question.code == "aggregator")
    assert given(question, {"aggregator": "", "aggregator_name": "Northern Feeds"}) == {
        "aggregator": "other",
        "aggregator_name": "Northern Feeds",
    }
