"""Whatever is sent, the answer is a refusal that says what is wrong: never a crash, never a write."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from onboarding.db import reading, transaction
from onboarding.models import Aggregator, Onboarding
from onboarding.sealing import Keyring
from tests.web.calling import System, a_system, expect, refused, served

JSON = {"content-type": "application/json"}
NAMED = {"idempotency-key": "one"}


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def count() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Onboarding)) or 0


NOT_JSON: dict[str, bytes] = {
    "nothing but a brace": b"{",
    "words": b"locale=en",
    "invalid UTF-8": b'{"locale": "\xff\xfe"}',
    "UTF-16": '{"locale": "en"}'.encode("utf-16"),
    "a byte order mark": '\ufeff{"locale": "en"}'.encode(),
    "a lone surrogate": b'{"locale": "\\ud800"}',
    "a lone surrogate as a name": b'{"locale": "en", "\\udfff": 1}',
    "a raw control character": b'{"locale": "e\x00n"}',
    "not a number": b'{"locale": NaN}',
    "infinity": b'{"locale": -Infinity}',
    "infinity in digits": b'{"locale": 1e999}',
    "an endless number": b'{"locale": ' + b"9" * 5000 + b"}",
    "a repeated name": b'{"locale": "en", "locale": "fr"}',
    "a repeated name further in": b'{"locale": "en", "contact": {"email": "a@b", "email": "c@d"}}',
    "10,000 arrays": b'{"locale": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "10,000 objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "30,000 arrays without an end": b"[" * 30_000,
    "30,000 quotes": b'"\\' * 30_000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_to_everybody_is_refused(system: System, body: bytes) -> None:
    refused(system.send("POST", "/v1/onboardings", JSON | NAMED, content=body), 400, "not_json")
    assert count() == 0


def test_brackets_in_a_text_are_no_depth(system: System) -> None:
    body = {"locale": "en", "connection_name": '[[[[\\"' * 13}
    assert expect(system.post("/v1/onboardings", body), 201)["connection_name"] == '[[[[\\"' * 13


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded", "é"])
def test_a_body_that_is_not_declared_as_json_is_refused(system: System, media_type: str) -> None:
    answer = system.send(
        "POST", "/v1/onboardings", {"content-type": media_type}, content=b'{"locale": "en"}'
    )
    refused(answer, 415, "wrong_media_type")


STARTS: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "locale"),
    "an array": ([], "body"),
    "null": (None, "body"),
    "a text": ("en", "body"),
    "a locale that we do not have": ({"locale": "de"}, "locale"),
    "a locale of another type": ({"locale": ["en"]}, "locale"),
    "another field": ({"locale": "en", "state": "confirmed"}, "state"),
    "a contact that is a text": ({"locale": "en", "contact": "a@b.example"}, "contact"),
    "a contact without an address": ({"locale": "en", "contact": {}}, "contact.email"),
    "another field of a contact": (
        {"locale": "en", "contact": {"email": "a@b.example", "verified": True}},
        "contact.verified",
    ),
    "a long name": ({"locale": "en", "connection_name": "x" * 81}, "connection_name"),
    "a number as a name": ({"locale": "en", "connection_name": 2**63}, "connection_name"),
    "an empty name": ({"locale": "en", "connection_name": " "}, "connection_name"),
    "two lines": ({"locale": "en", "connection_name": "a\nb"}, "connection_name"),
    "NUL": ({"locale": "en", "connection_name": "a\0b"}, "connection_name"),
    "another direction": ({"locale": "en", "connection_name": "a\u202eb"}, "connection_name"),
} | {
    f"the address {email!r}": ({"locale": "en", "contact": {"email": email}}, "contact.email")
    for email in (
        "",
        "a",
        "a@",
        "@b",
        "a@b\n",
        "a@b\r\nBcc: c@d",
        "a b@c",
        "a@b,c@d",
        "<a@b>",
        "a@-b",
        "é@b.example",
        f"{'a' * 65}@b.example",
        f"a@{'b.' * 130}example",
    )
}


@pytest.mark.parametrize(("body", "field"), STARTS.values(), ids=STARTS)
def test_a_wrong_start_names_the_field(system: System, body: Any, field: str) -> None:
    answer = system.send("POST", "/v1/onboardings", JSON | NAMED, content=json.dumps(body).encode())
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["field"] == field
    assert count() == 0


EVENTS: dict[str, tuple[Any, int, str]] = {
    "no event": ({}, 422, "invalid"),
    "an event of another type": ({"event": 7}, 422, "invalid"),
    "a long event": ({"event": "x" * 33}, 422, "invalid"),
    "NUL as an event": ({"event": "\0"}, 422, "event_unknown"),
    "data that is a list": ({"event": "cancel", "data": []}, 422, "invalid"),
    "data that is null": ({"event": "cancel", "data": None}, 422, "invalid"),
    "data for an event that takes none": ({"event": "cancel", "data": {"a": 1}}, 422, "invalid"),
    "another field": ({"event": "cancel", "actor": "operator"}, 422, "invalid"),
    "no type": ({"event": "choose_type"}, 422, "invalid"),
    "a list as a type": (
        {"event": "choose_type", "data": {"connection_type": ["plugin"]}},
        422,
        "invalid",
    ),
    "an object as an aggregator": (
        {
            "event": "choose_type",
            "data": {
                "connection_type": "aggregator",
                "credential_mode": "full",
                "aggregator": {"id": "x"},
            },
        },
        422,
        "invalid",
    ),
    "NUL in an aggregator's name": (
        {
            "event": "choose_type",
            "data": {
                "connection_type": "aggregator",
                "credential_mode": "full",
                "aggregator": "a\0",
            },
        },
        422,
        "invalid",
    ),
    "a state as a column": (
        {"event": "choose_type", "data": {"connection_type": "plugin", "state": "confirmed"}},
        422,
        "invalid",
    ),
    "a number that no column holds": (
        {"event": "acknowledge_secret", "data": {"version": 2**63, "ending": "abcdef"}},
        409,
        "event_not_allowed",
    ),
}


@pytest.mark.parametrize(("body", "status", "code"), EVENTS.values(), ids=EVENTS)
def test_a_wrong_event_moves_nothing(system: System, body: Any, status: int, code: str) -> None:
    onboarding = system.start()
    refused(system.post(onboarding["links"]["events"], body), status, code)
    assert system.look(onboarding)["sequence"] == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"credential_mode": "full"}, "credential_mode"),
        ({"credential_mode": ""}, "credential_mode"),
        ({"credential_mode": False}, "credential_mode"),
        ({"credential_mode": []}, "credential_mode"),
        ({"aggregator": "feedwise"}, "aggregator"),
    ],
)
def test_what_only_an_aggregator_has_is_named_where_there_is_none(
    system: System, wrong: dict[str, Any], field: str
) -> None:
    onboarding = system.start()
    body = {"event": "choose_type", "data": {"connection_type": "plugin"} | wrong}
    (error,) = refused(system.post(onboarding["links"]["events"], body), 422, "invalid")["errors"]
    assert (error["field"], error["pointer"]) == (field, f"#/data/{field}")
    assert system.look(onboarding)["sequence"] == 1


def test_thousands_of_wrong_fields_are_named_by_the_first_few(system: System) -> None:
    onboarding = system.start()
    many = {f"f{number}": 1 for number in range(4000)}
    start = system.post("/v1/onboardings", {"locale": "en"} | many)
    event = system.post(onboarding["links"]["events"], {"event": "cancel", "data": many})
    for answer in (start, event):
        assert len(refused(answer, 422, "invalid")["errors"]) == 20


@pytest.mark.parametrize("sent", ["", "1", "W/1", '"1" "2"', '"one"', f'"{"9" * 50}"', '"-1"'])
def test_an_etag_that_is_none_of_ours_is_refused(system: System, sent: str) -> None:
    onboarding = system.start()
    answer = system.post(onboarding["links"]["events"], {"event": "cancel"}, if_match=sent)
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["field"] == "if-match"


@pytest.mark.parametrize("sent", ["", "a b", "é", "x" * 256])
def test_an_idempotency_key_is_a_short_word(system: System, sent: str) -> None:
    answer = system.post("/v1/onboardings", {"locale": "en"}, idempotency_key=sent)
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["field"] == "idempotency-key"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "state=lost",
        "state=%00",
        "cursor=1",
        "cursor=%ff",
        "all=1",
    ],
)
def test_a_wrong_query_is_refused(system: System, query: str) -> None:
    """T26."""
    (error,) = refused(system.get(f"/v1/onboardings?{query}"), 422, "invalid")["errors"]
    assert error["field"] == query.partition("=")[0]


@pytest.mark.parametrize("wrong", ["Feedwise", "a--b", "-a", "a%20b", "%00", "x" * 65])
def test_an_aggregators_id_is_a_name_for_urls(system: System, wrong: str) -> None:
    body = {"name": "A", "status": "registered", "uses_rest": True, "asks_for": "full"}
    refused(system.put(f"/v1/aggregators/{wrong}", body), 422, "invalid")


def test_an_aggregator_needs_a_name_that_can_be_compared(system: System) -> None:
    body = {"name": "!!!", "status": "registered", "uses_rest": True, "asks_for": "full"}
    refused(system.put("/v1/aggregators/a", body), 422, "invalid")


def test_an_aggregators_name_from_before_there_were_rules_is_shown(system: System) -> None:
    body = {"name": "A", "status": "registered", "uses_rest": True, "asks_for": "full"}
    expect(system.put("/v1/aggregators/a", body), 201)
    with transaction() as session:
        session.get_one(Aggregator, "a").name = "a\nb"
    assert expect(system.get("/v1/aggregators"), 200)["items"][0]["name"] == "a\nb"
