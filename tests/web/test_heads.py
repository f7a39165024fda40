"""Whoever asks with HEAD hears what GET would say, but for the body."""

import pytest
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests.web.calling import System, a_system, served

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
        (system, system.start()["links"]["events"], 404),
        (stranger, "/v1/aggregators", 401),
    ):
        assert who.send("HEAD", path).status_code == who.get(path).status_code == status


def test_a_stream_has_no_head(system: System) -> None:
    assert system.send("HEAD", STREAM).status_code == 405
