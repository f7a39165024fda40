"""Nobody takes more than a share, nobody guesses keys for ever, and neither locks anybody else out."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from onboarding import access
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.quotas import BAD_KEYS, Quotas
from tests.web.calling import System, a_system, expect, refused, served
from tests.web.standing_still import Now

PATH = "/v1/onboardings"


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def system(sqlite: Engine, ring: Keyring, now: Now) -> System:
    limited = settings().model_copy(update={"api_requests_per_minute": 6})
    app = served(ring, limited)
    app.state.quotas = Quotas(limited, now)
    return a_system(app)


def test_every_answer_says_what_is_left(system: System) -> None:
    """Refusals too, whoever refuses."""
    asked = (PATH, f"{PATH}/1", f"{PATH}?limit=0")
    for left, path in zip((5, 4, 3), asked, strict=True):
        answer = system.get(path)
        assert answer.headers["ratelimit-policy"] == '"default";q=6;w=60'
        assert answer.headers["ratelimit"] == f'"default";r={left};t={10 * (6 - left)}'


def test_whoever_asks_for_too_much_is_told_when_to_come_again(system: System, now: Now) -> None:
    """T25."""
    assert {system.get(PATH).status_code for _ in range(6)} == {200}
    answer = system.get(PATH)
    problem = refused(answer, 429, "quota_exceeded")
    assert problem["violated-policies"] == ["default"]
    assert (problem["retryable"], answer.headers["retry-after"]) == (True, "10")
    assert answer.headers["ratelimit"] == '"default";r=0;t=60'
    now.at += 9.9
    refused(system.get(PATH), 429, "quota_exceeded")
    now.at += 0.2
    expect(system.get(PATH), 200)
    refused(system.get(PATH), 429, "quota_exceeded")
    now.at += 600
    assert system.get(PATH).headers["ratelimit"] == '"default";r=5;t=10'


def test_one_key_s_quota_is_nobody_else_s(system: System) -> None:
    for _ in range(7):
        last = system.get(PATH)
    refused(last, 429, "quota_exceeded")
    expect(a_system(system.app).get(PATH), 200)


def test_a_thousand_bad_keys_are_turned_away_and_nobody_else_is(system: System, now: Now) -> None:
    guessing = System(system.app, access.KEY_PREFIX + "a" * 43, address="192.0.2.7")
    statuses = [guessing.get(PATH).status_code for _ in range(1000)]
    assert statuses == [401] * BAD_KEYS + [429] * (1000 - BAD_KEYS)
    near, far = replace(guessing, address="192.0.2.250"), replace(guessing, address="198.51.100.7")
    answer = near.get(PATH)
    assert refused(answer, 429, "quota_exceeded")["violated-policies"] == ["bad-keys"]
    assert answer.headers["retry-after"] == "2"
    refused(far.get(PATH), 401, "unauthorised")
    for address in ("198.51.100.7", "192.0.2.7"):
        expect(replace(system, address=address).get(PATH), 200)
    now.at += 2
    refused(near.get(PATH), 401, "unauthorised")


def test_a_network_is_a_64_of_ipv6(system: System) -> None:
    guessing = System(system.app, "x", address="2001:db8::1")
    for _ in range(BAD_KEYS):
        refused(guessing.get(PATH), 401, "unauthorised")
    refused(replace(guessing, address="2001:db8::ffff").get(PATH), 429, "quota_exceeded")
    refused(replace(guessing, address="2001:db8:0:1::1").get(PATH), 401, "unauthorised")


def test_ipv4_written_as_ipv6_is_no_network_of_all(system: System) -> None:
    """As a socket that listens for both versions has it, and a proxy that listens so says it."""
    guessing = System(system.app, "x", address="::ffff:192.0.2.7")
    for _ in range(BAD_KEYS):
        refused(guessing.get(PATH), 401, "unauthorised")
    for near in ("::ffff:192.0.2.250", "192.0.2.250"):
        refused(replace(guessing, address=near).get(PATH), 429, "quota_exceeded")
    refused(replace(guessing, address="::ffff:198.51.100.7").get(PATH), 401, "unauthorised")
