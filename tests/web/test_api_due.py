"""What an onboarding waits for, as its calling system is told."""

import pytest
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests.web.calling import System, a_system, expect, served


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def test_an_onboarding_says_what_is_due(system: System) -> None:
    onboarding = system.with_secret()
    told = expect(system.get(onboarding["links"]["requirements"]), 200)
    assert told == onboarding["requirements"]
    (due,) = told["currently_due"]
    assert (due["code"], due["waiting_on"]) == ("reveal_secret", "seller")
    assert due["since"] == onboarding["entered_at"]
    assert due["help_url"] == "/docs#due-reveal_secret"
    assert [each["code"] for each in told["eventually_due"]] == [
        "acknowledge_secret",
        "link_seller",
        "confirm",
        "verification_passed",
    ]
    assert told["past_due"] == told["pending_verification"] == []
    assert told["deadline"] == onboarding["next_move"]["then_at"]


def test_what_blocks_leads_to_a_page_about_it(system: System) -> None:
    registered = {"name": "Feedwise", "status": "suspended", "uses_rest": True}
    expect(system.put("/v1/aggregators/feedwise", registered | {"asks_for": "full"}), 201)
    onboarding = system.fire(
        system.start(),
        "choose_type",
        connection_type="aggregator",
        credential_mode="full",
        aggregator="feedwise",
    )
    told = onboarding["requirements"]
    assert told["blocked_reason"] == "aggregator_suspended"
    assert system.get(told["blocked_help_url"]).status_code == 200
    assert "choose_type" in [each["event"] for each in told["alternatives"]]


def test_an_event_says_what_it_takes_and_where_it_is_sent(system: System) -> None:
    onboarding = system.with_secret()
    told = expect(system.get(onboarding["links"]["allowed_events"]), 200)["items"]
    assert [each["event"] for each in told] == onboarding["allowed_events"]
    by_name = {each["event"]: each for each in told}
    assert by_name["reveal_secret"]["href"] == onboarding["links"]["secret_reveal"]
    assert by_name["cancel"] == {
        "event": "cancel",
        "takes": [],
        "needs": [],
        "href": onboarding["links"]["events"],
    }
    started = system.start()
    choice = expect(system.get(started["links"]["allowed_events"]), 200)["items"][0]
    assert (choice["event"], choice["needs"]) == ("choose_type", ["connection_type"])
    assert choice["takes"] == ["aggregator", "connection_type", "credential_mode"]
