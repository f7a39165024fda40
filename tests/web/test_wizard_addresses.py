"""Whoever enters somebody else's address can have us write there a few times, and no more."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.addresses import UNPROVED_AN_HOUR
from onboarding.sealing import Keyring
from tests.builders import an_onboarding
from tests.composing import put
from tests.web.visiting import a_site, a_visitor, heading, letters

EMAIL = "victim@shop.example"
DOORS = ("notify", "recheck", "save", "contact", "choose")


@pytest.fixture
def app(sqlite: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def use(app: FastAPI, door: str) -> tuple[int, str]:
    """One letter to the victim, from a new browser and for a new onboarding."""
    onboarding_id = made(door)
    visitor = a_visitor(app, onboarding_id)
    home = visitor.home(onboarding_id)
    if door == "choose":
        answer = visitor.post(f"{home}/answers/developer", {"developer": "me"})
    else:
        answer = visitor.post(f"{home}/{door}", {"email": EMAIL})
    return answer.status_code, heading(answer) if answer.status_code == 429 else ""


def made(door: str) -> UUID:
    if door == "contact":
        return an_onboarding("type_chosen")
    if door == "choose":
        onboarding_id = an_onboarding()
        answers = {"connection_type": "own_development"}
        put(onboarding_id, contact_email=EMAIL, answers=answers)
        return onboarding_id
    onboarding_id = an_onboarding("awaiting_aggregator")
    if door == "recheck":
        put(onboarding_id, contact_email=EMAIL)
    return onboarding_id


@pytest.mark.parametrize("door", DOORS)
def test_each_door_closes_after_so_many_letters(app: FastAPI, door: str) -> None:
    assert [use(app, door)[0] for _ in range(UNPROVED_AN_HOUR)] == [303] * UNPROVED_AN_HOUR
    sent = len(letters())
    for other in DOORS:
        assert use(app, other) == (429, "Too many attempts")
    assert len(letters()) == sent
