"""The wizard's questions lead everybody to a door, and back."""

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.errors import Refusal
from onboarding.routing import (
    Advice,
    Door,
    Question,
    Step,
    UnknownAnswer,
    answer,
    asked,
    next_question,
    previous,
    trail,
)

DELEGATED = Door("aggregator", "delegated", "feedwise")
FULL = Door("aggregator", "full", "feedwise")
PLUGIN = Door("plugin")
OWN = Door("own_development")
SOAP = Door("legacy_soap")
CREDENTIALS = Door("credentials_only")

# Every way through the questions: the answers in order, and where they end.
WAYS: dict[str, Door | Advice] = {
    "aggregator feedwise one": DELEGATED,
    "aggregator feedwise three": FULL,
    "aggregator feedwise two yes": FULL,
    "aggregator feedwise two no": SOAP,
    "aggregator feedwise two unknown": Advice("ask_provider", "seller_id_elsewhere"),
    "plugin yes three": PLUGIN,
    "plugin yes two yes": PLUGIN,
    "plugin yes two no": Advice("older_plugin", "seller_id_elsewhere"),
    "plugin yes two unknown": Advice("ask_provider", "seller_id_elsewhere"),
    "plugin no feedwise one": DELEGATED,
    "plugin no feedwise three": FULL,
    "plugin no feedwise two yes": FULL,
    "plugin no feedwise two no": SOAP,
    "plugin no feedwise two unknown": Advice("ask_provider", "seller_id_elsewhere"),
    "plugin unknown": Advice("ask_provider", "direct"),
    "own_development me": OWN,
    "own_development partner": OWN,
    "legacy_soap": SOAP,
    "credentials_only developer": CREDENTIALS,
    "credentials_only aggregator": CREDENTIALS,
    "credentials_only integration_partner": CREDENTIALS,
    "unsure one feedwise": DELEGATED,
    "unsure three aggregator feedwise": FULL,
    "unsure three direct_plugin": PLUGIN,
    "unsure three third_party_plugin feedwise": FULL,
    "unsure three own_code me": OWN,
    "unsure three own_code partner": OWN,
    "unsure two yes aggregator feedwise": FULL,
    "unsure two yes direct_plugin": PLUGIN,
    "unsure two yes third_party_plugin feedwise": FULL,
    "unsure two yes own_code me": OWN,
    "unsure two yes own_code partner": OWN,
    "unsure two no": SOAP,
    "unsure two unknown": Advice("ask_provider", "seller_id_elsewhere"),
    "unsure unknown": Advice("ask_provider", "values"),
}
OPTIONS = {
    "connection_type": [
        *("aggregator", "plugin", "own_development"),
        *("legacy_soap", "credentials_only", "unsure"),
    ],
    "values": ["one", "three", "two", "unknown"],
    "seller_id_elsewhere": ["yes", "no", "unknown"],
    "provider": ["aggregator", "direct_plugin", "third_party_plugin", "own_code"],
    "aggregator": ["feedwise"],
    "asks_for": ["one", "three", "two"],
    "direct": ["yes", "no", "unknown"],
    "developer": ["me", "partner"],
}
ACCOUNT = {"organisation": "Example SARL", "email": "dev@example.org", "role": "developer"}
OTHER = {"aggregator": "other", "aggregator_name": "Feeds & Söhne"}


def walk(codes: str) -> dict[str, str]:
    answers: dict[str, str] = {}
    for code in codes.split():
        answers = say(answers, code)
    return answers


def say(answers: dict[str, str], code: str) -> dict[str, str]:
    question = next_question(answers)
    assert isinstance(question, Question)
    given = {**ACCOUNT, "role": code} if question.code == "account" else {question.code: code}
    return answer(answers, question.code, given)


def every_way(codes: str = "") -> Iterator[tuple[str, Door | Advice]]:
    step = next_question(walk(codes))
    if isinstance(step, Question):
        for code in choices(step):
            yield from every_way(f"{codes} {code}".strip())
    else:
        yield codes, step


def choices(question: Question) -> tuple[str, ...]:
    return question.fields[-1].options or question.options or ("feedwise",)


def test_every_way_leads_where_the_table_says() -> None:
    assert dict(every_way()) == WAYS


@pytest.mark.parametrize(
    ("values", "provider", "door"),
    [
        ("one", "", DELEGATED),
        ("three", "aggregator", FULL),
        ("three", "third_party_plugin", FULL),
        ("three", "direct_plugin", PLUGIN),
        ("three", "own_code me", OWN),
        ("two yes", "aggregator", FULL),
        ("two yes", "direct_plugin", PLUGIN),
        ("two no", "", SOAP),
    ],
)
def test_the_number_of_values_decides_not_their_names(
    values: str, provider: str, door: Door
) -> None:
    named = " feedwise" if door.aggregator else ""
    assert next_question(walk(f"unsure {values} {provider}{named}")) == door


@pytest.mark.parametrize("way", [way for way, end in WAYS.items() if isinstance(end, Advice)])
def test_another_answer_to_the_question_of_an_advice_goes_on(way: str) -> None:
    answers = walk(way)
    advice = next_question(answers)
    assert isinstance(advice, Advice)
    assert advice.question == asked(answers)[-1]
    (question,) = [each for each in trail(answers) if each.code == advice.question]
    ends = [
        next_question(answer(answers, question.code, {question.code: code}))
        for code in question.options
    ]
    assert any(isinstance(end, Question | Door) for end in ends)
    assert (
        next_question(answer(answers, "connection_type", {"connection_type": "legacy_soap"}))
        == SOAP
    )


def test_no_combination_of_answers_raises() -> None:
    names = list(OPTIONS)
    ends: set[type[Step]] = set()
    for codes in product(*([*options, ""] for options in OPTIONS.values())):
        answers = {name: code for name, code in zip(names, codes, strict=True) if code}
        ends.add(type(next_question(answers)))
    assert ends == {Question, Door, Advice}


# Going back


@pytest.mark.parametrize("way", WAYS)
def test_back_leads_along_the_trail_to_the_first_question(way: str) -> None:
    answers = walk(way)
    codes = asked(answers)
    assert len(codes) == len(way.split()) == len(set(codes))
    assert previous(answers) == codes[-1]
    assert [previous(answers, code) for code in codes] == [None, *codes[:-1]]
    assert previous({}) is None


@pytest.mark.parametrize("way", WAYS)
def test_answering_again_the_same_changes_nothing(way: str) -> None:
    answers = walk(way)
    for question in trail(answers):
        assert answer(answers, question.code, answers) == answers


def test_a_plugin_that_proves_to_be_an_aggregators_keeps_its_answers() -> None:
    answers = answer(walk("plugin yes three"), "direct", {"direct": "no"})
    assert answers == {"connection_type": "plugin", "direct": "no", "asks_for": "three"}
    assert next_question(answer(answers, "aggregator", {"aggregator": "feedwise"})) == FULL


def test_answers_that_no_longer_apply_are_dropped() -> None:
    two = walk("aggregator feedwise two no")
    assert answer(two, "asks_for", {"asks_for": "three"}) == {
        "connection_type": "aggregator",
        "aggregator": "feedwise",
        "asks_for": "three",
    }
    assert answer(two, "connection_type", {"connection_type": "own_development"}) == {
        "connection_type": "own_development"
    }


def test_an_answer_that_only_another_way_offers_is_asked_again() -> None:
    answers = answer(walk("plugin no feedwise one"), "direct", {"direct": "yes"})
    question = next_question(answers)
    assert isinstance(question, Question)
    assert (question.code, question.options) == ("asks_for", ("three", "two"))
    assert "asks_for" not in answers


def test_an_aggregator_named_again_keeps_what_it_asks_for() -> None:
    answers = answer(walk("aggregator feedwise one"), "aggregator", {"aggregator": "listing-loop"})
    assert next_question(answers) == Door("aggregator", "delegated", "listing-loop")


# What pages send


def test_an_aggregator_that_is_not_listed_is_known_by_its_name_only() -> None:
    answers = answer({"connection_type": "aggregator"}, "aggregator", OTHER)
    assert next_question(say(answers, "one")) == Door(
        "aggregator", "delegated", aggregator_name="Feeds & Söhne"
    )
    listed = answer(answers, "aggregator", {**OTHER, "aggregator": "feedwise"})
    assert "aggregator_name" not in listed


def test_only_a_partner_has_an_e_mail_address_to_be_told() -> None:
    given = {"developer": "partner", "developer_email": " d@example.org ", "connection_name": "ERP"}
    answers = answer({"connection_type": "own_development"}, "developer", given)
    assert answers["developer_email"] == "d@example.org"
    alone = answer(answers, "developer", {**given, "developer": "me"})
    assert alone == {
        "connection_type": "own_development",
        "developer": "me",
        "connection_name": "ERP",
    }


def test_what_a_page_sends_besides_its_fields_is_left_out() -> None:
    sent = {"connection_type": "legacy_soap", "csrf_token": "x", "values": "one"}
    assert answer({}, "connection_type", sent) == {"connection_type": "legacy_soap"}


def test_unknown_answers_are_refused_with_the_allowed_ones() -> None:
    with pytest.raises(UnknownAnswer) as refused:
        answer(walk("plugin yes"), "asks_for", {"asks_for": "one"})
    assert refused.value.allowed == {"asks_for": ("three", "two")}
    with pytest.raises(UnknownAnswer) as refused:
        next_question({"connection_type": "api"})
    assert refused.value.allowed == {"connection_type": tuple(OPTIONS["connection_type"])}
    assert isinstance(refused.value, Refusal)
    assert refused.value.facts()["errors"]


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(UnknownAnswer) as refused:
        answer({"connection_type": "credentials_only"}, "account", {"organisation": "Example"})
    assert refused.value.allowed.keys() == {"email", "role"}
    half_known = {"connection_type": "credentials_only", "organisation": "Example"}
    assert asked(half_known) == ["connection_type"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\x00b", "\ud800"])
def test_text_that_cannot_be_stored_is_refused(name: str) -> None:
    with pytest.raises(UnknownAnswer) as refused:
        answer({"connection_type": "aggregator"}, "aggregator", {**OTHER, "aggregator_name": name})
    assert refused.value.allowed == {"aggregator_name": ()}


def test_a_question_out_of_turn_is_refused_with_those_in_turn() -> None:
    with pytest.raises(UnknownAnswer) as refused:
        answer(walk("plugin"), "asks_for", {"asks_for": "three"})
    assert refused.value.allowed == {"question": ("connection_type", "direct")}


CODES = st.sampled_from(sorted({code for options in OPTIONS.values() for code in options}))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*OPTIONS, "account"]), CODES), max_size=12))
def test_however_somebody_wanders_the_answers_stay_whole(visits: list[tuple[str, str]]) -> None:
    answers: dict[str, str] = {}
    for question, code in visits:
        try:
            answers = answer(answers, question, {**ACCOUNT, question: code})
        except UnknownAnswer:
            continue
        assert isinstance(next_question(answers), Question | Door | Advice)
        assert answer(answers, question, answers) == answers
