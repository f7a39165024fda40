"""A client that acts for more sellers than one: each consents, is verified, and is unlinked by themselves."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import (
    connections,
    db,
    filters,
    finding,
    further_sellers,
    invitations,
    links,
    queries,
)
from onboarding.access import CLOCK, PLATFORM, Actor
from onboarding.afterwards import DONE
from onboarding.db import reading, transaction
from onboarding.errors import EventNotYours, NotEligible, NotFound
from onboarding.ids import new_id
from onboarding.invariants.running import violations
from onboarding.links import SellerAccount
from onboarding.models import Client, FurtherLink, Secret, SellerInvitation, SuspendedSeller
from onboarding.sealing import Keyring
from tests import another_seller, builders
from tests.another_seller import OTHER, WHO, accepted, ended, invited, linked, suspend
from tests.builders import ACCOUNT, API, DEVELOPER, OPERATOR, SELLER
from tests.test_connections import told
from tests.web.calling import expect, refused, served
from tests.web.presenting import Caller, a_caller

THIRD = SellerAccount("https://portal.example", "subject-3", "S-4713", "Book Shop")


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


def healthy() -> None:
    assert list(violations()) == []


def the(link_id: UUID) -> FurtherLink:
    with reading() as session:
        return session.get_one(FurtherLink, link_id)


def own_is_alive(onboarding_id: UUID) -> bool:
    with reading() as session:
        return links.live_link(session, onboarding_id) is not None


@pytest.mark.parametrize("state", DONE)
def test_another_seller_lets_the_client_act_without_a_new_secret(app: FastAPI, state: str) -> None:
    caller = a_caller(app, state)
    token = caller.token()
    since = builders.the(caller.id).entered_at
    refused(caller.whoami(token, OTHER.seller_id), 403, "client_not_linked")
    link = accepted(caller.id)
    refused(caller.whoami(token, OTHER.seller_id), 403, "link_not_confirmed")
    assert OTHER.seller_id not in caller.introspect(token)["seller_ids"]
    healthy()
    builders.work(caller.id)
    seller = expect(caller.whoami(token, OTHER.seller_id), 200)["seller"]
    assert (seller["seller_id"], seller["shop_name"]) == (OTHER.seller_id, OTHER.shop_name)
    assert the(link).confirmed_at is not None
    one = builders.the(caller.id)
    assert (one.state, one.entered_at) == (state, since)
    assert told(caller.id)[-2:] == [
        "onboarding.further_seller_linked",
        "onboarding.further_link_verified",
    ]
    healthy()


def test_the_client_acts_for_each_of_its_sellers_and_for_no_other(app: FastAPI) -> None:
    caller = a_caller(app)
    linked(caller.id)
    linked(caller.id, THIRD)
    token = caller.token()
    sellers = [ACCOUNT.seller_id, OTHER.seller_id, THIRD.seller_id]
    for seller_id in sellers:
        told_of = expect(caller.whoami(token, seller_id), 200)
        assert told_of["seller"]["seller_id"] == seller_id
        assert told_of["seller_ids"] == sellers
    assert expect(caller.whoami(token), 200)["seller"]["seller_id"] == ACCOUNT.seller_id
    assert caller.introspect(token)["seller_ids"] == sellers
    refused(caller.whoami(token, "S-9999"), 403, "client_not_linked")
    refused(caller.whoami(token, "no seller"), 404, "seller_unknown")
    healthy()


def test_unlinking_one_leaves_the_others(app: FastAPI) -> None:
    caller = a_caller(app)
    link, third = linked(caller.id), linked(caller.id, THIRD)
    token = caller.token()
    assert ended(link)
    assert not ended(link)
    refused(caller.whoami(token, OTHER.seller_id), 403, "client_not_linked")
    for seller_id in (ACCOUNT.seller_id, THIRD.seller_id):
        expect(caller.whoami(token, seller_id), 200)
    with transaction() as session:
        connections.unlink(session, caller.id, SELLER)
    refused(caller.whoami(token, ACCOUNT.seller_id), 403, "client_not_linked")
    assert the(third).ended_at is None
    # Without a Seller ID it is the one that came first.
    assert expect(caller.whoami(token), 200)["seller"]["seller_id"] == THIRD.seller_id
    assert told(caller.id).count("onboarding.further_link_ended") == 1
    healthy()


def test_revoking_the_credentials_ends_every_link_and_every_invitation(app: FastAPI) -> None:
    caller = a_caller(app)
    link, asked = linked(caller.id), invited(caller.id)
    with transaction() as session:
        connections.revoke(session, caller.id, SELLER)
    assert the(link).ended_at is not None
    with reading() as session:
        assert session.get_one(SellerInvitation, asked).ended_because == "revoked"
        assert invitations.open_ones(session, caller.id) == []
    healthy()
    builders.work(caller.id)
    healthy()


def test_whoever_was_unlinked_may_be_linked_again(app: FastAPI) -> None:
    caller = a_caller(app)
    with transaction() as session:
        connections.unlink(session, caller.id, SELLER)
    linked(caller.id, ACCOUNT)
    ended(linked(caller.id))
    linked(caller.id)
    token = caller.token()
    for seller_id in (ACCOUNT.seller_id, OTHER.seller_id):
        expect(caller.whoami(token, seller_id), 200)
    healthy()


def test_a_seller_is_linked_once(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    linked(one)
    for account in (ACCOUNT, OTHER):
        with pytest.raises(NotEligible):
            accepted(one, account)
    healthy()


def test_a_suspended_seller_is_acted_for_by_nobody_and_stays_linked(app: FastAPI) -> None:
    caller = a_caller(app)
    linked(caller.id)
    suspend(OTHER.seller_id)
    token = caller.token()
    refused(caller.whoami(token, OTHER.seller_id), 403, "seller_suspended")
    assert caller.introspect(token)["seller_ids"] == [ACCOUNT.seller_id]
    with transaction() as session:
        session.delete(session.get_one(SuspendedSeller, OTHER.seller_id))
    expect(caller.whoami(token, OTHER.seller_id), 200)


def _disable(caller: Caller) -> None:
    with transaction() as session:
        session.execute(update(Client).values(disabled_at=db.now()))


def _leak(caller: Caller) -> None:
    with transaction() as session:
        session.execute(update(Secret).values(disclosed_at=db.now()))


def _end_secret(caller: Caller) -> None:
    with transaction() as session:
        session.execute(update(Secret).values(ended_at=db.now(), ended_because="expired"))


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (lambda _: suspend(OTHER.seller_id), "seller_suspended"),
        (_disable, "client_disabled"),
        (_leak, "secret_leaked"),
        (_end_secret, "secret_not_saved"),
    ],
)
def test_what_cannot_work_is_not_linked(app: FastAPI, wrong: object, cause: str) -> None:
    caller = a_caller(app)
    link = accepted(caller.id)
    assert callable(wrong)
    wrong(caller)
    builders.work(caller.id)
    found = the(link)
    assert (found.confirmed_at, found.ended_at is None) == (None, False)
    with reading() as session:
        last = queries.history(session, caller.id)[-1]
    assert (last.event, last.details["cause"]) == ("further_link_failed", cause)


@pytest.mark.parametrize("actor", [API, OPERATOR, DEVELOPER, PLATFORM, CLOCK])
def test_nobody_consents_for_a_seller(database: Engine, actor: Actor) -> None:
    one = builders.an_onboarding("confirmed")
    with pytest.raises(EventNotYours):
        another_seller.accept(invited(one), OTHER, actor)
    with reading() as session:
        assert further_sellers.all_of(session, one) == []


def test_owner_operator_and_seller_may_each_end_it(database: Engine) -> None:
    for actor in (SELLER, API, OPERATOR, WHO):
        one = builders.an_onboarding("confirmed")
        assert ended(linked(one), actor)
    with pytest.raises(EventNotYours):
        ended(linked(builders.an_onboarding("confirmed")), PLATFORM)
    with pytest.raises(NotFound):
        ended(new_id())


def test_a_link_that_ended_while_it_was_verified_stays_so(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    link = accepted(one)
    ended(link)
    builders.work(one)
    assert the(link).confirmed_at is None
    healthy()


def test_the_marketplace_finds_it_by_any_of_its_sellers(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    another_seller.linked(one)
    builders.an_onboarding("confirmed")
    with reading() as session:
        found = finding.page(session, filters.read({"q": OTHER.seller_id}), 10)
    assert [each.id for each in found] == [one]


def test_own_links_are_what_they_were(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    linked(one)
    assert own_is_alive(one)
    with reading() as session:
        theirs = queries.for_seller(session, OTHER.issuer, OTHER.subject)
    assert list(theirs) == []
