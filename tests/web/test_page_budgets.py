"""What the page of each state takes: how often it asks the database, and instructions of the interpreter."""

import asyncio
from typing import Final

import pytest
from sqlalchemy import Engine

from benchmarks.pages import shown
from onboarding.chart import STATES
from onboarding.sealing import Keyring
from tests import builders
from tests.instructions import instructions
from tests.noting import count_statements
from tests.web.threads import handed_over
from tests.web.visiting import a_site, a_visitor

# Whose it is and where it stands; then what there is of it, and whatever one page alone tells.
ASKED: Final = dict.fromkeys(STATES, 2) | {
    "started": 1,
    "type_chosen": 1,
    "redirected_to_soap": 1,
    "issuing_secret": 3,
    "secret_lapsed": 3,
    "seller_linked": 3,
    "confirmed": 3,
    "credentials_issued": 3,
}

# Thousands at most, with those of an event loop that starts for it: a tenth more than what 3.11 takes.
INSTRUCTIONS: Final = {
    "started": 55,
    "checking_aggregator": 41,
    "awaiting_aggregator": 51,
    "type_chosen": 42,
    "issuing_secret": 41,
    "secret_ready": 42,
    "secret_lapsed": 42,
    "secret_revealed": 68,
    "awaiting_seller": 47,
    "seller_linked": 50,
    "verifying": 41,
    "confirmed": 65,
    "credentials_issued": 62,
    "redirected_to_soap": 34,
    "cancelled": 39,
    "expired": 39,
}


@pytest.mark.parametrize("state", STATES)
def test_a_page_asks_no_more_than_it_must(database: Engine, ring: Keyring, state: str) -> None:
    made = builders.an_onboarding(state)
    visitor = a_visitor(a_site(ring), made)
    # Whoever comes a second time is noted down by nobody.
    first = visitor.get(visitor.home(made))
    asked = count_statements(database)
    again = visitor.get(visitor.home(made))
    assert (first.status_code, again.status_code) == (200, 200)
    # SQLite is told where a look begins; it has no round trips.
    assert len([each for each in asked if each != "BEGIN"]) == ASKED[state]


def test_a_page_takes_one_turn_of_a_thread(
    database: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = builders.an_onboarding("confirmed")
    visitor = a_visitor(a_site(ring), made)
    given = handed_over(monkeypatch)
    asyncio.run(shown(visitor, visitor.home(made)))
    assert len(given) == 1


def test_a_page_takes_so_many_instructions(database: Engine, ring: Keyring) -> None:
    made = {state: builders.an_onboarding(state) for state in STATES}
    site = a_site(ring)
    taken = {}
    for state, each in made.items():
        visitor = a_visitor(site, each)

        def look() -> None:
            asyncio.run(shown(visitor, visitor.home(each)))  # noqa: B023

        # What is done once, as templates are read and statements built, is not of each.
        for _ in range(6):
            look()
        taken[state] = instructions(look)
    assert {it: count for it, count in taken.items() if count > 1000 * INSTRUCTIONS[it]} == {}
