"""What is wrong with a field is said in our words, with what to do, and a code that stays."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import Engine

from onboarding import signing
from onboarding.sealing import Keyring
from onboarding.signing import Key
from onboarding.web.describing import operations
from onboarding.web.describing_examples import EXAMPLES
from onboarding.web.wrong_fields import OTHERWISE, SENTENCES
from tests.telling import a_source, now
from tests.web.calling import System, a_system, expect, refused, served
from tools import openapi

SOURCE: Final = "https://registry.marketplace.example"
UUID: Final = "Send a UUID, such as 01a21e7d-a92b-7485-a14e-8d14551722a3."
INSTANT: Final = "Send an instant with its time zone (RFC 3339), such as 2026-11-27T12:00:00Z."
ANYTHING: Final[list[Any]] = [
    *(None, True, 0, -1, 1.5, 10**30, "", "x", "x" * 3000, "a\nb", "é", "2026-11-27"),
    *("2026-99-99T00:00:00Z", "2026-11-27T12:00:00", [{"token": "x"}] * 200),
    *([], [1], ["x"], {}, {"a": 1}, {"email": 1}, {"token": 1}, [{}], [{"a": 1}]),
]

# How each of the reader's own sentences begins.
READERS: Final = ("Input should", "Field required", "Extra inputs", "String should", "Value error")


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


CASES: dict[str, tuple[str, Any, str, str, str]] = {
    "missing": ("/v1/onboardings", {}, "locale", "missing", "This is needed: send it."),
    "unknown": (
        "/v1/onboardings",
        {"locale": "en", "state": "confirmed"},
        "state",
        "extra_forbidden",
        "Nothing of this name is taken: leave it out, or check its spelling.",
    ),
    "not one of": (
        "/v1/onboardings",
        {"locale": "de"},
        "locale",
        "literal_error",
        "Send one of: en, fr.",
    ),
    "another type": (
        "/v1/onboardings",
        {"locale": "en", "connection_name": 7},
        "connection_name",
        "string_type",
        "Send a text.",
    ),
    "no object": (
        "/v1/onboardings",
        ["en"],
        "body",
        "model_attributes_type",
        "Send a JSON object, as in {…}.",
    ),
    "too long": (
        "/v1/onboardings",
        {"locale": "en", "connection_name": "x" * 81},
        "connection_name",
        "string_too_long",
        "Send at most 80 characters.",
    ),
    "no address": (
        "/v1/onboardings",
        {"locale": "en", "contact": {"email": "a"}},
        "contact.email",
        "string_pattern_mismatch",
        "Send an e-mail address, such as name@example.com.",
    ),
    "no number": ("/v1/onboardings?limit=x", None, "limit", "int_parsing", "Send a whole number."),
    "too low": ("/v1/onboardings?limit=0", None, "limit", "greater_than_equal", "Send 1 or more."),
    "too high": (
        "/v1/onboardings?limit=101",
        None,
        "limit",
        "less_than_equal",
        "Send 100 or less.",
    ),
    "no UUID": ("/v1/events?onboarding=1", None, "onboarding", "uuid_parsing", UUID),
    "one of two": (
        "/v1/onboardings?overdue=no",
        None,
        "overdue",
        "literal_error",
        "Send one of: yes.",
    ),
    "of a state": (
        "/v1/onboardings?state=lost",
        None,
        "state",
        "value_error",
        "Send one of: started, ",
    ),
    "of an event": ("/v1/events?type=lost", None, "type.0", "value_error", "Send one of: onbo"),
    "of a line": (
        "/v1/onboardings",
        {"locale": "en", "connection_name": "a\u202eb"},
        "connection_name",
        "value_error",
        "It holds U+202E, which a line cannot show.",
    ),
    "a long name": (
        "/v1/onboardings",
        {"locale": "en", "connection_name": "\u0958" * 80},
        "connection_name",
        "value_error",
        "160 characters; at most 80 are taken.",
    ),
    "a name of nothing": (
        "/v1/onboardings",
        {"locale": "en", "connection_name": " "},
        "connection_name",
        "value_error",
        "A name has at least one character.",
    ),
    "no instant in UTC": (
        "{webhook}/redeliver",
        {"since": "0001-01-01T00:00:00+01:00"},
        "since",
        "value_error",
        "Send an instant of the years 1 to 9999 in UTC.",
    ),
    "before it begins": (
        "{webhook}/redeliver",
        {"since": "2026-11-27T12:00:00Z", "until": "2026-11-27T11:00:00Z"},
        "until",
        "value_error",
        "Send an instant that does not come before since.",
    ),
    "nothing said": ("{webhook}/redeliver", {}, "body", "value_error", "Say failed, or since."),
    "a cursor": ("/v1/events?after=x", None, "after", "invalid", "A cursor as it was sent"),
    "another page": ("/v1/onboardings?cursor=x", None, "cursor", "invalid", "As the page before"),
    "twice": ("/v1/onboardings?limit=1&limit=2", None, "limit", "repeated", "It takes one value"),
    "no https": (
        "/v1/webhooks",
        {"url": "http://hooks.example/"},
        "url",
        "invalid",
        "An https:// URL.",
    ),
    "another port": (
        "/v1/webhooks",
        {"url": "https://hooks.example:1/"},
        "url",
        "invalid",
        "One of these ports: 443",
    ),
    "unknown to an event": (
        "{events}",
        {"event": "choose_type", "data": {"connection_type": "plugin", "state": "started"}},
        "state",
        "extra_forbidden",
        "Not a field of this event.",
    ),
    "missing of an event": (
        "{events}",
        {"event": "choose_type", "data": {}},
        "connection_type",
        "missing",
        "This is needed: send it.",
    ),
    "of no event": (
        "{events}",
        {"event": "choose_type", "data": {"connection_type": "x"}},
        "connection_type",
        "invalid",
        "Send one of: aggregator, ",
    ),
    "no instant": (
        "{webhook}/redeliver",
        {"since": "yesterday"},
        "since",
        "datetime_parsing",
        INSTANT,
    ),
    "without a zone": (
        "{webhook}/redeliver",
        {"since": "2026-11-27T12:00:00"},
        "since",
        "timezone_aware",
        INSTANT,
    ),
    "a number": ("{webhook}/redeliver", {"since": 0}, "since", "datetime_parsing", INSTANT),
    "true alone": (
        "{webhook}/redeliver",
        {"failed": "yes"},
        "failed",
        "literal_error",
        "Send one of: true.",
    ),
}


@pytest.mark.parametrize(("path", "body", "field", "code", "says"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_said_in_our_words_with_what_to_do(
    system: System, path: str, body: Any, field: str, code: str, says: str
) -> None:
    made = expect(system.post("/v1/webhooks", {"url": "https://hooks.example/"}), 201)
    events = system.start()["links"]["events"]
    address = path.format(webhook=made["links"]["self"], events=events)
    told = {}
    for locale in ("en", "fr"):
        answer = (
            system.get(address, accept_language=locale)
            if body is None
            else system.post(address, body, accept_language=locale)
        )
        (error,) = refused(answer, 422, "invalid")["errors"]
        assert (error["field"], error["code"]) == (field, code)
        told[locale] = error["detail"]
    assert told["en"].startswith(says)
    assert told["en"] != told["fr"]


def test_no_word_of_the_reader_comes_out_whatever_is_sent(system: System) -> None:
    """Each member of each body and each parameter, with anything in its place."""
    key = a_source(SOURCE)
    seen: set[str] = set()
    for answer in everything(system, key):
        for error in answer.json().get("errors", []) if answer.status_code == 422 else []:
            assert error["detail"] != OTHERWISE, error
            assert not error["detail"].startswith(READERS), error
            seen.add(error["code"])
    assert SENTENCES.keys() - seen == set(), "nobody meets these"
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    assert [code for code in SENTENCES if f"`{code}`" not in page] == []


def everything(system: System, key: Key) -> Iterator[httpx.Response]:
    ids = dict.fromkeys(("onboarding_id", "reference", "event_id", "delivery_id"), "1")
    ids |= {"webhook_id": "1", "aggregator_id": "feedwise", "version": "1", "number": "1"}
    for method, path, operation in operations(openapi.document()):
        address = path.format_map(ids | {"link_id": "1", "invitation_id": "1"})
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                for value in ("", "x", "0", "-1", "1.5", "9" * 30, "x" * 300, "9" * 5000, "%00"):
                    yield system.get(f"{address}?{parameter['name']}={value}")
        for example in EXAMPLES.get((method, path), {}).values():
            for changed in broken(example):
                yield sent(system, key, method, address, changed)


def broken(example: dict[str, Any]) -> Iterator[Any]:
    """The example with anything in the place of each member, and of it all."""
    yield from ([], "x", 1, {}, example | {"unknown": 1})
    for name in example:
        yield {each: value for each, value in example.items() if each != name}
        yield from (example | {name: value} for value in ANYTHING)


def sent(system: System, key: Key, method: str, address: str, body: Any) -> httpx.Response:
    headers = {"content-type": "application/json", "if-match": "*"}
    if method == "post" and not address.endswith("/secret-reveal"):
        headers["idempotency-key"] = "one"
    if address in {"/v1/inbound-events", "/v1/disclosures"}:
        body = (body if isinstance(body, dict) else {}) | {"source": SOURCE}
        headers |= signing.headers([key], "one", json.dumps(body).encode(), now())
    return system.send(method.upper(), address, headers, content=json.dumps(body).encode())
