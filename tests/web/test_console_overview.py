"""The overview counts each onboarding for whom it waits, and each number leads to a list of as many."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import handover
from onboarding.db import transaction
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import SELLER
from tests.web.operating import a_quiet_site, at_console
from tests.web.visiting import Visitor, soup

HALF_A_DAY = timedelta(hours=12)


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


@pytest.fixture
def named(app: FastAPI) -> list[UUID]:
    """Two that a named developer must move, one of them for too long, beside three of the seller's own."""
    theirs = [a_named_one(), a_named_one()]
    own = [builders.an_onboarding("secret_ready"), builders.an_onboarding("started")]
    builders.age(theirs[0], HALF_A_DAY)
    builders.age(own[0], HALF_A_DAY)
    a_named_one("type_chosen")
    return theirs


def a_named_one(state: str = "secret_ready") -> UUID:
    onboarding_id = builders.an_onboarding(state)
    with transaction() as session:
        handover.name(session, onboarding_id, SELLER, "dora@dev.example")
    return onboarding_id


def numbers(page: httpx.Response, number: str) -> dict[str, int]:
    """By address: what stands at the link."""
    return {str(a["href"]): int(a.text.split()[0].rstrip("+")) for a in soup(page).select(number)}


def listed(visitor: Visitor, address: str) -> int:
    return len(soup(visitor.get(address)).select("table.rows tbody tr"))


def test_a_move_of_a_named_developer_is_counted_as_theirs(app: FastAPI, named: list[UUID]) -> None:
    visitor = at_console(app, "viewer")
    page = visitor.get("/en/console")
    standing = numbers(page, ".turns__number")
    late = numbers(page, ".turns .late")
    assert [*standing.values()] == [0, 3, 0, 2]
    assert [*late.values()] == [1, 1]
    assert {address: listed(visitor, address) for address in standing} == standing
    assert {address: listed(visitor, address) for address in late} == late
    (state,) = soup(page).select('th a[href$="state=secret_ready"]')
    whom = state.find_next("td")
    assert whom
    assert whom.text == "the seller, the developer"
