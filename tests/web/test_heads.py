"""Whoever asks with HEAD hears what GET would say, but for the body."""

import pytest
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests.web.calling import System, a_system, refused, served

STREAM = "/v1/events/stream"


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    return a_system(served(ring))


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/en/", "/v1/chart", "/v1/aggregators"])
def test_it_is_answered_as_get_without_the_body(system: System, path: str) -> None:
    shown, asked = system.get(path), system.send("HEAD", path)
    assert asked.status_code == shown.status_code == 200
    assert asked.content == b""
    for name in ("content-type", "content-length", "etag", "cache-control"):
        assert asked.headers.get(name) == shown.headers.get(name)


def test_what_get_refuses_is_refused(system: System) -> None:
    stranger = System(system.app)
    for who, path, status in (
        (system, "/v1/onboardings/none", 404),
        (system, system.start()["links"]["events"], 405),
        (stranger, "/v1/aggregators", 401),
    ):
        assert who.send("HEAD", path).status_code == who.get(path).status_code == status


def test_an_address_says_that_it_takes_head_wherever_it_does(system: System) -> None:
    onboarding = system.start()["links"]
    for path, taken in (
        (onboarding["self"], "GET, HEAD, PATCH"),
        (onboarding["requirements"], "GET, HEAD"),
        (onboarding["events"], "POST"),
        ("/.well-known/webhook-keys", "GET, HEAD"),
        (STREAM, "GET"),
    ):
        answer = system.send("DELETE", path)
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == taken


def test_an_address_of_the_api_is_there_for_another_method(system: System) -> None:
    """The pages have addresses that begin with a language, and `v1` is none."""
    onboarding = system.start()
    for name in ("events", "secret_reveal", "continue"):
        answer = system.get(onboarding["links"][name])
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"
    refused(system.get(f"{onboarding['links']['self']}/nothing"), 404, "not_found")


def test_a_stream_has_no_head(system: System) -> None:
    assert system.send("HEAD", STREAM).status_code == 405
