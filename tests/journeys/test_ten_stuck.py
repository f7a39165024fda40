"""A new operator, with the console only and without JavaScript, gets ten stuck onboardings going."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser

from onboarding import operators
from onboarding.sealing import read_keyring
from onboarding.settings import settings
from onboarding.web import console_words
from tests import builders
from tests.acting import WHY, trail
from tests.at_runs import work
from tests.journeys.pages import Person, somebody
from tests.ten_stuck import TEN, Stuck
from tests.web.signing_in import Site

Operator = Callable[[str], Person]


@pytest.fixture
def operator(browser: Browser, site: Site) -> Iterator[Operator]:
    """Somebody who has opened the printed link for a role."""
    opened = []

    def sign_in(role: str) -> Person:
        context = somebody(browser, site.url, "en", javascript=False)
        person = context.__enter__()
        opened.append(context)
        ring = read_keyring(settings().keys_dir)
        until = datetime.now(UTC) + timedelta(hours=1)
        person.open(f"/en/console/enter/{operators.link_token(ring, role, until)}")
        person.press("Open the console")
        return person

    yield sign_in
    for context in opened:
        context.__exit__(None, None, None)


def test_each_of_ten_is_found_understood_and_moved(operator: Operator) -> None:
    # The registry has changed: whoever waits now has been looked at.
    builders.work()
    made = [(stuck, stuck.make()) for stuck in TEN]
    lead, admin = operator("lead"), operator("admin")
    for stuck, onboarding_id in made:
        assert not stuck.is_well(onboarding_id), stuck.name
        resolve(lead, admin, stuck, builders.the(onboarding_id).reference)
        work()
        assert stuck.is_well(onboarding_id), stuck.name
    moved = {entry.action for entry in trail(50) if entry.outcome == "done"}
    assert moved >= {stuck.action for stuck, _ in made}


def resolve(lead: Person, admin: Person, stuck: Stuck, reference: str) -> None:
    """From the overview to the list, to the onboarding, to what would move it."""
    lead.open("/en/console")
    lead.open(f"/en/console/onboardings?{stuck.view}")
    lead.follow(reference)
    assert stuck.says in lead.read()
    button = console_words.ACTIONS[stuck.action].button
    lead.follow(button)
    if stuck.choice:
        lead.choose_from("How much more time?", f"{stuck.choice} days")
    takes_two = "A second person has to agree." in lead.read()
    lead.fill("Why? It is kept in the trail.", WHY)
    lead.press(button)
    if takes_two:
        admin.open("/en/console/bulk")
        admin.follow(lead.heading())
        admin.fill("Why? It is kept in the trail.", WHY)
        admin.press("Agree, and begin")
