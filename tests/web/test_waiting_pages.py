"""A page that waits for one of our tasks (F17): what is usual, and when it takes longer, that nobody has to do anything."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import outbox
from onboarding.chart import NEXT_MOVE
from onboarding.sealing import Keyring
from tests.builders import age, an_onboarding
from tests.web.visiting import a_site, a_visitor, text

LATE = {"en": "It takes longer than usual. Nothing is lost", "fr": "Rien n’est perdu"}


@pytest.fixture
def site(sqlite: Engine, ring: Keyring) -> FastAPI:
    made = a_site(ring)
    # As while the broker is away: nobody does what is promised.
    outbox.publish_with(None)
    return made


@pytest.mark.parametrize("locale", LATE)
@pytest.mark.parametrize("state", ["issuing_secret", "checking_aggregator", "verifying"])
def test_an_overdue_task_is_told_on_its_page(site: FastAPI, state: str, locale: str) -> None:
    made = an_onboarding(state)
    visitor = a_visitor(site, made, locale)
    assert LATE[locale] not in text(visitor.open(visitor.home(made)))
    age(made, NEXT_MOVE[state].overdue_after + timedelta(seconds=1))
    page = visitor.open(visitor.home(made))
    assert LATE[locale] in text(page)
    assert 'data-follow="' in page.text, "it still goes on by itself"
