"""A page that waits for one of our tasks (F17): what is usual, and when it takes longer, that nobody has to do anything."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import db, outbox
from onboarding.chart import NEXT_MOVE
from onboarding.db import transaction
from onboarding.models import Message
from onboarding.sealing import Keyring
from tests.builders import OPERATOR, age, an_onboarding, fire
from tests.web.visiting import a_site, a_visitor, text

LATE = {"en": "It takes longer than usual. Nothing is lost", "fr": "Rien n’est perdu"}


@pytest.fixture
def site(sqlite: Engine, ring: Keyring) -> FastAPI:
    made = a_site(ring)
    # As while the broker is away: nobody does what is promised.
    outbox.publish_with(None)
    return made


def test_what_failed_for_an_earlier_turn_is_not_told_of_this_one(site: FastAPI) -> None:
    made = an_onboarding("checking_aggregator")
    visitor = a_visitor(site, made)
    with transaction() as session:
        session.execute(update(Message).values(failed_at=db.now(), cause="task_failed"))
    assert "Something went wrong" in text(visitor.open(visitor.home(made)))
    fire(made, "refuse_aggregator", OPERATOR)
    fire(made, "recheck_aggregator")
    assert "Something went wrong" not in text(visitor.open(visitor.home(made)))


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
