"""How often the page of each state asks the database: what it takes is that, above all."""

from typing import Final

import pytest
from sqlalchemy import Engine

from onboarding.chart import STATES
from onboarding.sealing import Keyring
from tests import builders
from tests.databases import count_statements
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
