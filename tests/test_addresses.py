"""An address that nobody has proved gets so many letters, however many onboardings ask for one."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import addresses, lifecycle, proofs
from onboarding.db import transaction
from onboarding.errors import TooMany
from onboarding.models import UnprovedLetter
from tests.builders import an_onboarding, keyring, make_older, promised
from tests.composing import EMAIL, a_code
from tests.racing import race

MOST = addresses.UNPROVED_AN_HOUR


def ask_for_code(email: str = EMAIL) -> None:
    a_code(an_onboarding("type_chosen"), email)


def ask_for_link(email: str = EMAIL) -> None:
    onboarding_id = an_onboarding()
    with transaction() as session:
        proofs.promise_resume_link(session, lifecycle.lock(session, onboarding_id), email)


ASK: list[Any] = [ask_for_code, ask_for_link]


@pytest.mark.parametrize("ask", ASK)
def test_so_many_an_hour_whichever_onboarding_asks(database: Engine, ask: Any) -> None:
    """T25."""
    for number in range(MOST):
        ask((EMAIL, EMAIL.upper(), EMAIL.title())[number % 3])
    for every in ASK:
        with pytest.raises(TooMany):
            every()
    ask("somebody.else@shop.example")
    assert len(promised("send_email")) == MOST + 1
    make_older(UnprovedLetter, "created_at", timedelta(hours=1))
    ask()


def test_asking_at_once_for_many_onboardings_gives_no_more(database: Engine) -> None:
    made = [an_onboarding("type_chosen") for _ in range(MOST + 6)]
    outcomes = race(*(partial(a_code, each) for each in made))
    assert sum(isinstance(each, TooMany) for each in outcomes) == 6, outcomes


def test_a_code_that_was_entered_lifts_the_limit_for_its_onboarding(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    code = a_code(onboarding_id)
    with transaction() as session:
        onboarding = lifecycle.lock(session, onboarding_id)
        digits = proofs.code_of(keyring(), UUID(code))
        assert proofs.check_code(session, keyring(), onboarding, digits) == "right"
    for _ in range(MOST - 1):
        ask_for_code()
    with pytest.raises(TooMany):
        ask_for_code()
    a_code(onboarding_id)
