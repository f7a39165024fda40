"""What the registry knows of an aggregator is offered, and whoever sees something else decides."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests.web.answering import (
    asked_by,
    chosen,
    furnished,
    given,
    on_the_way,
    page_form,
    the_onboarding_of,
)
from tests.web.visiting import text


@pytest.fixture
def site(sqlite: Engine, ring: Keyring) -> FastAPI:
    return furnished(ring)


@pytest.mark.parametrize(
    ("aggregator", "registered", "other", "mode"),
    [("feedwise", "one", "three", "full"), ("channel-harbour", "three", "one", "delegated")],
)
def test_what_the_registry_says_is_chosen_and_can_be_contradicted(
    site: FastAPI, aggregator: str, registered: str, other: str, mode: str
) -> None:
    visitor, page = on_the_way(site, f"aggregator {aggregator}")
    assert (asked_by(page), chosen(page)) == ("asks_for", [registered])
    form = page_form(page)
    advised = visitor.post(form.action, form.filled(**given(page, other)))
    assert advised.status_code == 200
    assert "Our registry says" in text(advised)
    assert chosen(advised) == [other]
    assert the_onboarding_of(visitor).state == "started"
    again = page_form(advised)
    visitor.post(again.action, again.filled(asks_for=other))
    assert the_onboarding_of(visitor).credential_mode == mode


def test_who_then_agrees_with_the_registry_goes_on(site: FastAPI) -> None:
    visitor, page = on_the_way(site, "aggregator feedwise")
    form = page_form(page)
    advised = page_form(visitor.post(form.action, form.filled(asks_for="three")))
    visitor.post(advised.action, advised.filled(asks_for="one"))
    assert the_onboarding_of(visitor).credential_mode == "delegated"
