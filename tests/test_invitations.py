"""Links by which sellers are asked: for whom they are made, how long they are good, and that each is good for one."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, update

from onboarding import db, invitations
from onboarding.db import reading, transaction
from onboarding.errors import NotEligible, NotFound
from onboarding.invariants.running import violations
from onboarding.links import SellerAccount
from onboarding.models import Client, SellerInvitation
from tests import builders
from tests.another_seller import OTHER, accept, invited
from tests.racing import race

THIRD = SellerAccount("https://portal.example", "subject-3", "S-4713", "Book Shop")


def healthy() -> None:
    assert list(violations()) == []


@pytest.mark.parametrize("state", ["started", "type_chosen", "secret_ready", "seller_linked"])
def test_before_it_is_done_nobody_else_is_asked(database: Engine, state: str) -> None:
    with pytest.raises(NotEligible):
        invited(builders.an_onboarding(state))


def test_an_aggregators_own_client_is_not_for_sellers_to_be_asked_for(database: Engine) -> None:
    with pytest.raises(NotEligible):
        invited(builders.an_onboarding("confirmed", delegated=True))


def test_a_disabled_client_asks_nobody(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    with transaction() as session:
        session.execute(update(Client).values(disabled_at=db.now()))
    with pytest.raises(NotEligible):
        invited(one)


def test_an_invitation_is_good_for_one_and_for_a_week(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    asked, old = invited(one), invited(one)
    accept(asked, OTHER)
    with pytest.raises(NotEligible):
        accept(asked, THIRD)
    builders.make_older(SellerInvitation, "created_at", invitations.LASTS + timedelta(minutes=1))
    with pytest.raises(NotEligible):
        accept(old, THIRD)
    with reading() as session:
        token = invitations.token(builders.keyring(), old)
        assert invitations.find(session, builders.keyring(), token) is None
        assert invitations.open_ones(session, one) == []


def test_an_invitation_that_was_withdrawn_is_over(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    asked = invited(one)
    with transaction() as session:
        assert invitations.withdraw(session, one, asked)
    with transaction() as session:
        assert not invitations.withdraw(session, one, asked)
        assert session.get_one(SellerInvitation, asked).ended_because == "withdrawn"
    with pytest.raises(NotEligible):
        accept(asked, OTHER)
    other = builders.an_onboarding("confirmed")
    with pytest.raises(NotFound), transaction() as session:
        invitations.withdraw(session, other, asked)


def test_so_many_invitations_are_open_and_no_more(sqlite: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    for _ in range(invitations.MOST_OPEN):
        invited(one)
    with pytest.raises(NotEligible):
        invited(one)


def test_of_many_who_accept_at_once_one_does(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    asked = invited(one)

    sellers = [SellerAccount(OTHER.issuer, f"s-{n}", f"S-{n}", "Shop") for n in range(8)]
    outcomes = race(*[partial(accept, asked, each) for each in sellers])
    assert sum(isinstance(each, UUID) for each in outcomes) == 1
    builders.work(one)
    healthy()


def test_of_two_invitations_one_links_a_seller(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    asked = [invited(one), invited(one)]
    outcomes = race(*[partial(accept, each, OTHER) for each in asked])
    assert sum(isinstance(each, UUID) for each in outcomes) == 1
    healthy()
